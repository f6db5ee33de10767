"""From checks of a fingerprint to a closed route and back: keeper, journal, monitor and alarm together."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.admission.keeper import STORE_FILE, Keeper
from weighbridge.pilot.alarm.deliver import Deliverer
from weighbridge.pilot.identity.fold import identity_folds
from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from weighbridge.pilot.route import Route

HOUR = 3600.0


def test_what_no_single_check_shows_closes_the_route_until_it_is_decided_anew(scene: Any, ask: Any) -> None:
    """7% of the first tokens come out otherwise: each check calls that consistent, and thirty of them an alarm."""
    subject = scene.make_mirror()
    scene.fingerprint(subject)
    decision = scene.decide(subject)
    scene.one_route("latest", 'fingerprint = "weighed"\nreference = "hf:acme/tiny"\npolicy = "gate"')
    events: list[str] = []
    file = load_gateway_file(scene.folder / "gateway.toml")
    scene.served = scene.print_of(0.12)
    store = scene.folder / "work" / STORE_FILE
    routes: list[Route] = []
    with ExitStack() as stack:
        state = stack.enter_context(closing(SQLiteState(scene.folder / "work" / STATE_FILE)))
        deliver = Deliverer(store, AlarmPlan(), lambda _name: None, lambda event, _facts: events.append(event), state)
        stack.callback(deliver.close)
        books = Bookkeeper(
            state, lambda: [fold for route in routes for fold in identity_folds(route)], deliver, lambda: scene.now
        )
        keeper = Keeper(file, clock=lambda: scene.now, probe=scene.probe, put=books.put)
        keeper.check()
        routes += filter(None, [keeper.admissions.find("tiny")])
        stack.callback(books.close)
        books.start()
        for _ in range(30):
            scene.now += HOUR
            assert keeper.check()[0].is_open
            assert "consistent" in keeper.rows()[0].checked
        for _ in range(1000):
            if events:
                break
            time.sleep(0.01)
        assert events == ["identity.changed"]
        assert "is stale: another model, quantization or template answers" in keeper.check()[0].why
        assert not ask(keeper).is_open
        anew = scene.decide(subject, on=datetime.fromtimestamp(scene.now, UTC).astimezone().date())
        assert anew != decision
        assert keeper.check()[0].is_open
        assert ask(keeper).leg.decision == anew
