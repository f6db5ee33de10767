"""`weighbridge pilot canary`: where a candidate stands, and the command that stops it."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import click

from weighbridge.cli import options
from weighbridge.cli.operator import operator_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.canary.standing import Standing
    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["command"]

_PATIENCE_S = 5.0
_LOOK_S = 0.2
_because = click.option("--because", metavar="TEXT", default="", help="Why; it is kept in the records.")


@click.group(name="canary")
def command() -> None:
    """See where a canary stands, stop it, or start it again.

    Works on the state of the pilot, whether a gateway runs or not; a running one obeys within two seconds.
    """


@command.command(name="status", short_help="Where candidates stand, and what is still needed.")
@click.argument("route", metavar="[ROUTE]", required=False)
@options.lang
@options.workspace
@options.as_json
def status(route: str | None, workspace: str | None, language: str | None, *, as_json: bool) -> None:
    """Show both models' rates of every sign, what they prove so far, and what is still needed.

    100% under `worse` rolls the candidate back (all signs share one error), 100% under `safe` on every sign lets it
    advance. Without ROUTE a few lines for each canary, and no signs.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import print_json
    from weighbridge.pilot.state.choose import open_state

    settings = load_settings(workspace=workspace, language=language)
    with closing(open_state(settings.workspace.path, must_exist=True)) as state:
        found = {name: standing for name, (_, standing) in _newest(state, route).items()}
    if as_json and route is None:
        print_json("pilot-canaries", {"canaries": [{"route": name, **one.to_json()} for name, one in found.items()]})
        return
    for name, standing in found.items():
        _show(name, standing, settings.language, as_json=as_json, has_signs=route is not None)
    if not as_json:
        then = f"canary status {next(iter(found))}" if route is None else _then(route, found[route])
        click.echo(f"Next: `weighbridge pilot {then}`", err=True)


def _then(route: str, standing: Standing) -> str:
    """Name the next command: what was rolled back is looked into before it is started again."""
    if standing.state == "rolled back":
        return "alarms"
    return f"canary {'start' if standing.state == 'stopped' else 'stop'} {route}"


@command.command(name="stop", short_help="Take the candidate out of service, on all nodes.")
@click.argument("route", metavar="ROUTE")
@_because
@options.lang
@options.workspace
@options.as_json
def stop(route: str, because: str, *, as_json: bool, **given: str | None) -> None:
    """Take the candidate out of service, on all nodes, until it is started again."""
    _order(route, "stop", because, given, as_json=as_json)


@command.command(name="start", short_help="Begin again after a rollback or a stop.")
@click.argument("route", metavar="ROUTE")
@_because
@options.lang
@options.workspace
@options.as_json
def start(route: str, because: str, *, as_json: bool, **given: str | None) -> None:
    """Begin again at the first step, with other callers and nothing shown, after a rollback or a stop."""
    _order(route, "start", because, given, as_json=as_json)


def _order(
    route: str, what: Literal["stop", "start"], because: str, given: Mapping[str, str | None], *, as_json: bool
) -> None:
    """Write an order, and wait a little for a gateway to obey."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.pilot.canary.order import canary_order, order_canary
    from weighbridge.pilot.state.choose import open_state

    settings = load_settings(**given)
    with closing(open_state(settings.workspace.path, must_exist=True)) as state:
        document, standing = _newest(state, route)[route]
        is_over = standing.state in {"rolled back", "stopped"}
        if is_over != (what == "start"):
            _show(route, standing, settings.language, as_json=as_json)
            click.echo("nothing to do", err=True)
        else:
            order_canary(state, route, canary_order(document, what, operator_name(), because))
            after = _awaited(state, route, standing)
            _show(route, after, settings.language, as_json=as_json)
            if (after.state, after.trial) == (standing.state, standing.trial):
                click.echo("no gateway has obeyed yet: one that starts does so first of all", err=True)
    if not as_json:
        click.echo(f"Next: `weighbridge pilot canary status {route}`", err=True)


def _awaited(state: PilotState, route: str, before: Standing) -> Standing:
    """Return where the canary stands once the order was obeyed, or after some seconds."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        _, now = _newest(state, route)[route]
        if (now.state, now.trial) != (before.state, before.trial) or time.monotonic() > until:
            return now
        time.sleep(_LOOK_S)


def _newest(state: PilotState, route: str | None) -> dict[str, tuple[str, Standing]]:
    """Return the newest canary of each route, or of one: document and standing; raises NotFound."""
    from weighbridge.errors import NotFound
    from weighbridge.pilot.canary.standing import read_standing

    newest = {}
    for document in sorted(state.documents()[1], key=lambda one: one.version):
        room, _, rest = document.name.partition("/")
        name = rest.rpartition("/")[0]
        standing = read_standing(document.body) if room == "canary" and route in (None, name) else None
        if standing is not None:
            newest[name] = (document.name, standing)
    if newest:
        return dict(sorted(newest.items()))
    raise NotFound(
        f"no canary of `{ascii(route)[1:-1]:.80}` has begun" if route else "no canary has begun",
        hint="give the route a `[route.canary]` in gateway.toml and start `weighbridge serve`",
    )


def _show(route: str, standing: Standing, language: str, *, as_json: bool, has_signs: bool = False) -> None:
    """Print where a canary stands."""
    from weighbridge.cli.lines.canary import canary_lines, sign_lines
    from weighbridge.cli.show import print_json
    from weighbridge.dossier.locale import load_locale

    if as_json:
        print_json("pilot-canary", {"route": route, **standing.to_json()})
        return
    t = load_locale(language)
    for text in canary_lines(route, standing, t):
        click.echo(text)
    for text in sign_lines(standing, t) if has_signs else ():
        click.echo(text)
