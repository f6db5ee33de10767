"""`weighbridge pilot canary`: where a candidate stands, and the command that stops it."""

from __future__ import annotations

import getpass
import time
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import click

from weighbridge.cli import options

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


@command.command(name="status")
@click.argument("route", metavar="ROUTE")
@options.lang
@options.workspace
@options.as_json
def status(route: str, workspace: str | None, language: str | None, *, as_json: bool) -> None:
    """Show both models' rates of every sign, what they prove so far, and what is still needed.

    A full bar under `worse` rolls the candidate back (all signs share one error), full bars under `not worse` on every
    sign let it advance.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.pilot.state.choose import open_state

    settings = load_settings(workspace=workspace, language=language)
    with closing(open_state(settings.workspace.path, must_exist=True)) as state:
        _, standing = _newest(state, route)
    _show(route, standing, settings.language, as_json=as_json, has_signs=True)
    if as_json:
        return
    then = "start" if standing.state in {"rolled back", "stopped"} else "stop"
    click.echo(f"Next: `weighbridge pilot canary {then} {route}`", err=True)


@command.command(name="stop")
@click.argument("route", metavar="ROUTE")
@_because
@options.lang
@options.workspace
@options.as_json
def stop(route: str, because: str, *, as_json: bool, **given: str | None) -> None:
    """Take the candidate out of service, on all nodes, until it is started again."""
    _order(route, "stop", because, given, as_json=as_json)


@command.command(name="start")
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
    from weighbridge.pilot.canary.order import canary_order
    from weighbridge.pilot.journal.order import give_order
    from weighbridge.pilot.state.choose import open_state

    settings = load_settings(**given)
    with closing(open_state(settings.workspace.path, must_exist=True)) as state:
        document, standing = _newest(state, route)
        is_over = standing.state in {"rolled back", "stopped"}
        if is_over != (what == "start"):
            _show(route, standing, settings.language, as_json=as_json)
            click.echo("nothing to do", err=True)
        else:
            order = canary_order(document, what, _who(), because)
            give_order(state, route, order)
            with state.changing_keys() as book:
                book.note("canary.ordered", {"at": time.time(), "route": route, **order})
            after = _awaited(state, route, standing)
            _show(route, after, settings.language, as_json=as_json)
            if (after.state, after.trial) == (standing.state, standing.trial):
                click.echo("no gateway has obeyed yet: one that starts does so first of all", err=True)
    if not as_json:
        click.echo(f"Next: `weighbridge pilot canary status {route}`", err=True)


def _who() -> str:
    """Return the name of who gives the order, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has none
        return "operator"


def _awaited(state: PilotState, route: str, before: Standing) -> Standing:
    """Return where the canary stands once the order was obeyed, or after some seconds."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        _, now = _newest(state, route)
        if (now.state, now.trial) != (before.state, before.trial) or time.monotonic() > until:
            return now
        time.sleep(_LOOK_S)


def _newest(state: PilotState, route: str) -> tuple[str, Standing]:
    """Return the newest canary of a route: its document's name, and where it stands; raises NotFound for none."""
    from weighbridge.errors import NotFound
    from weighbridge.pilot.canary.standing import read_standing

    _, documents = state.documents()
    prefix = f"canary/{route}/"
    mine = [one for one in documents if one.name.startswith(prefix) and "/" not in one.name.removeprefix(prefix)]
    for document in sorted(mine, key=lambda one: -one.version):
        standing = read_standing(document.body)
        if standing is not None:
            return document.name, standing
    raise NotFound(
        f"no canary of `{ascii(route)[1:-1]:.80}` has begun",
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
