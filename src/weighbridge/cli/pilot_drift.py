"""`weighbridge pilot drift`: how the monitors of a route stand, and the orders that answer their alarms."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from weighbridge.cli import options
from weighbridge.cli.operator import operator_name
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from weighbridge.pilot.drift.standing import Standing
    from weighbridge.pilot.state.protocol import PilotState
    from weighbridge.workflow.workspace import Workspace

__all__ = ["command"]


@click.command(name="drift", short_help="Whether answers and prompts are still as usual.")
@click.argument("route", metavar="[ROUTE]", required=False)
@click.option("--acknowledge", is_flag=True, help="Watch on after alarms, against the same reference.")
@click.option("--learn", is_flag=True, help="Take what comes from now on as the reference.")
@click.option("--because", metavar="TEXT", default="", help="Why; it is kept in the records.")
@options.lang
@options.workspace
@options.as_json
def command(
    route: str | None, because: str, *, acknowledge: bool, learn: bool, as_json: bool, **given: str | None
) -> None:
    """Show whether answers and prompts of a route are still those of its reference.

    The reference is what was looked at first under the decision: 500 exchanges to begin with, more as they come, never
    changed by itself once a monitor alarmed. Without ROUTE all routes are shown.
    """
    from weighbridge.cli.lines.drift import drift_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import print_json
    from weighbridge.dossier.locale import load_locale
    from weighbridge.errors import NotFound
    from weighbridge.pilot.state.choose import open_state

    if acknowledge and learn:
        raise UsageError("--acknowledge and --learn exclude each other", hint="--learn forgets the alarms, too")
    if (acknowledge or learn) and (route is None or not because.strip()):
        raise UsageError("an order needs a ROUTE and --because", hint="say in a few words what was found out")
    settings = load_settings(**given)
    workplace = settings.workspace
    answered = 0
    with closing(open_state(workplace.path, must_exist=True)) as state:
        found = {name: standing for name, standing in _standings(state).items() if route in (None, name)}
        if not found:
            raise NotFound(
                f"no route is watched{f' by the name `{route}`' if route else ''}",
                hint="a gateway watches a route once it is asked: `[route.observe] share` says how much",
            )
        if route is not None and (acknowledge or learn):
            answered = _order(workplace, state, route, "learn" if learn else "acknowledge", because)
    if as_json:
        print_json("pilot-drift", {"routes": [_facts(name, standing) for name, standing in found.items()]})
        return
    t = load_locale(settings.language)
    for name, standing in found.items():
        for text in drift_lines(name, standing, t):
            click.echo(text)
    if acknowledge or learn:
        click.echo("the order is written: a running gateway obeys within two seconds", err=True)
        if answered:
            click.echo(f"{answered} alarm{'s' if answered != 1 else ''} answered by it", err=True)
    alarmed = next((name for name, one in found.items() if any(stream.alarm for stream in one.streams)), None)
    then = f"pilot drift {alarmed} --acknowledge --because TEXT" if alarmed else "audit list --event drift.alarmed"
    click.echo(f"Next: `weighbridge {'pilot drift' if acknowledge or learn else then}`", err=True)


def _standings(state: PilotState) -> dict[str, Standing]:
    """Return how each route stands, by the newest of its documents: an older one is of another decision."""
    from weighbridge.pilot.drift.fold import route_of_name
    from weighbridge.pilot.drift.standing import read_standing

    _, documents = state.documents()
    newest = {}
    for document in sorted(documents, key=lambda one: one.version):
        route = route_of_name(document.name)
        if route:
            newest[route] = read_standing(document.body)
    return dict(sorted(newest.items()))


def _order(workplace: Workspace, state: PilotState, route: str, what: str, because: str) -> int:
    """Write an order down, and return how many alarms it answers."""
    from weighbridge.pilot.alarm.alarms import answer_room
    from weighbridge.pilot.drift.fold import ADDRESSEE

    order = {"to": ADDRESSEE, "do": what, "by": operator_name(), "because": because.strip()}
    with workplace.store() as store:
        return len(answer_room(store, state, route, order, time.time()))


def _facts(route: str, standing: Standing) -> dict[str, object]:
    """Return one route as JSON values."""
    return {
        "route": route,
        "decision": standing.decision,
        "looked_at": standing.seen,
        "false_alarm_every": standing.false_alarm_every,
        "streams": [stream.to_json() for stream in standing.streams],
    }
