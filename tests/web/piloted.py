"""A pilot on paper: a store with a decision, and a state that the real folds made of made-up exchanges."""

from __future__ import annotations

import random
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.orders import KeyOrder
from weighbridge.pilot.access.pepper import load_pepper, mark_of
from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.admission.told import ToldLegs
from weighbridge.pilot.alarm.statements import state_notice
from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.board.fold import BoardFold
from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.drift.fold import DriftFold
from weighbridge.pilot.exchange import Exchange
from weighbridge.pilot.identity.fold import identity_folds
from weighbridge.pilot.journal.protocol import Document, Entry, Notice
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import (
    CanarySettings,
    CanaryTerms,
    Leg,
    Route,
    ShadowSettings,
    ShadowTerms,
    UpstreamSettings,
)
from weighbridge.pilot.shadow.fold import ShadowFold
from weighbridge.pilot.shadow.pair import Pair, settings_of
from weighbridge.pilot.state.protocol import UsageRow
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.pilot.journal.protocol import Fold

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
ROUTE = "team/coder"
WHY = "`team/coder` declines more often: 9.0% [6.2, 12.5] <script>alert(1)</script>"


def build(folder: Path, weighed: Any, exchanges: int = 900) -> SimpleNamespace:
    """Fill a workspace; return the ids of its decision, its alarm and its keys."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(SQLiteStore(folder / "evidence.sqlite")) as store:
        for one in weighed.evidence():
            store.add(one)
        decision = store.add(weighed.decided(verdict="adopt", expires_on="2027-05-01"))
        notice = Notice("drift/team/coder/0/77/refused", NOW - 3600, ROUTE, "drift.alarmed", "alarm", WHY, decision)
        alarm = next(iter(state_notice(store, notice, AlarmPlan(reopens=False))))
        late = Notice("drift/team/coder/0/78/late", NOW - 60, ROUTE, "drift.alarmed", "warning", "it is slow", decision)
        assert list(state_notice(store, late, AlarmPlan(reopens=False)))
    with closing(SQLiteState(folder / STATE_FILE)) as state:
        _tell(state, decision, exchanges)
        keys = _keys(state, folder)
        days = [date(2026, 11, 22) - timedelta(days=number) for number in range(5)]
        state.add_usage(UsageRow(day, keys[0], ROUTE, 100, 5000, 9000, 1_250_000_000) for day in days)
    _log(folder, decision)
    return SimpleNamespace(folder=folder, decision=decision, alarm=alarm, keys=keys)


def _tell(state: SQLiteState, decision: str, exchanges: int) -> None:
    """Have each room conclude from the same exchanges, two legs alike but for their pace."""
    route = _route(decision)
    folds: list[Fold] = [BoardFold(ROUTE), CanaryFold(route), ShadowFold(route), DriftFold(route)]
    entries = [*_seen(decision, exchanges), *_pairs(route, exchanges // 3), *_probes(route)]
    folds += identity_folds(route)
    for fold in folds:
        body, _ = fold.take(fold.begin(), entries)
        assert state.put(Document(fold.name, body, len(entries)))


def _route(decision: str) -> Route:
    upstream = UpstreamSettings("http://127.0.0.1:8000/v1", "coder")
    candidate = Leg(UpstreamSettings("http://127.0.0.1:8001/v1", "coder-2"), decision)
    return Route(
        ROUTE,
        Leg(upstream, decision, fingerprint="sha256:" + "f" * 64),
        shadow=ShadowSettings(candidate, ShadowTerms(0.1)),
        canary=CanarySettings(candidate, CanaryTerms((0.01, 0.05, 0.25, 1.0), hold_s=60)),
    )


def _seen(decision: str, count: int) -> list[Entry]:
    draw = random.Random(8)  # noqa: S311 - made-up traffic
    found = []
    for number in range(count):
        at = NOW - 86_000 + number * (80_000 / count)
        leg = "canary" if number % 3 == 0 else "primary"
        pace = draw.lognormvariate(0, 0.5)
        seen = Observation(
            str(number), at, ROUTE, leg, decision, f"user-{number % 40}", draw.random() < 0.01, pace,
            first_s=pace / 8, output_tokens=200, chars=draw.randint(50, 2000), refused=draw.random() < 0.02,
            in_form=draw.random() < 0.98, same_language=True, language="en", is_cut=False,
        )  # fmt: skip
        found.append(Entry(at, ROUTE, "seen", seen.to_facts(), number + 1))
    return found


def _pairs(route: Route, count: int) -> list[Entry]:
    draw, test = random.Random(9), settings_of(route)  # noqa: S311 - as above
    found = []
    for number in range(count):
        pair = Pair(
            str(number), test, same=number % 5 == 0, agreement=min(1.0, draw.betavariate(5, 2)), measure="words",
            refused=(0.0, float(number % 50 == 0)), chars=(100.0, 120.0), total_s=(1.0, 0.8), first_s=(0.1, 0.1),
            settled=draw.choice(("win", "loss", "tie", "tie")),
        )  # fmt: skip
        found.append(Entry(NOW - count + number, ROUTE, "pair", pair.to_facts(), 10_000 + number))
    return found


def _probes(route: Route) -> list[Entry]:
    """Return checks of the primary's fingerprint, ever so slightly off."""
    leg = route.primary
    facts = {"leg": "primary", "decision": leg.decision, "reference": leg.fingerprint, "verdict": "same", "why": "",
             "distances": {"completion": 0.04}}  # fmt: skip
    return [Entry(NOW - 3600 * number, ROUTE, "probe", facts, 20_000 - number) for number in range(5, 0, -1)]


def _keys(state: SQLiteState, folder: Path) -> list[str]:
    pepper = load_pepper(folder)
    assert state.same_pepper(mark_of(pepper))
    desk = KeyDesk(state, pepper, now=lambda: NOW - 1000)
    team = desk.create("", KeyOrder.of(name="team <b>A</b>", budget={"usd_per_day": 5.0, "usd_total": 100.0}))
    other = desk.create("", KeyOrder.of(name="team B", models=frozenset({ROUTE})))
    return [team.key.id, other.key.id]


def _log(folder: Path, decision: str) -> None:
    log = AuditLog(folder / "audit")
    facts = {"route": ROUTE, "leg": "primary", "decision": decision, "verdict": "adopt", "until": "2027-05-01"}
    with closing(SQLiteState(folder / STATE_FILE)) as state:
        for record in (log.record, ToldLegs(state)):
            record("leg.opened", {**facts, "why": "", "unverified": ""})
            why = f"the decision has <i>expired</i>: `/srv/{'ab' * 32}`"
            record("leg.refused", {**facts, "leg": "canary", "why": why, "unverified": ""})
    for number in range(4):
        exchange = Exchange(f"x{number}", NOW + number, "k1", "default", ROUTE, "primary", decision, "/v1/completions")
        exchange.sent_sha256, exchange.status = "c" * 64, 200
        assert log.answering(exchange) is None
    log.close()
