"""`weighbridge pilot shadow`: how a candidate does beside the model in use."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from weighbridge.cli import options

if TYPE_CHECKING:
    from weighbridge.pilot.shadow.standing import Standing
    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["command"]


@click.command(name="shadow", short_help="How candidates do that nobody sees yet.")
@click.argument("route", metavar="[ROUTE]", required=False)
@options.lang
@options.workspace
@options.as_json
def command(route: str | None, workspace: str | None, language: str | None, *, as_json: bool) -> None:
    """Show how candidates in the shadow do beside the models in use: the verdict so far, and what it rests on.

    All of it holds whenever one looks. Without ROUTE a line for each; with it also signs, agreement and costs.
    """
    from weighbridge.cli.lines.shadow import detail_lines, shadow_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import print_json
    from weighbridge.dossier.locale import load_locale
    from weighbridge.pilot.state.choose import open_state

    settings = load_settings(workspace=workspace, language=language)
    with closing(open_state(settings.workspace.path, must_exist=True)) as state:
        found = _standings(state, route)
    if as_json:
        rows = [{"route": name, "document": document, **one.to_json()} for name, document, one in found]
        print_json("pilot-shadow", {"shadows": rows})
        return
    t = load_locale(settings.language)
    for name, _, one in found:
        for text in (*shadow_lines(name, one, t), *(detail_lines(one, t) if route else ())):
            click.echo(text)
    then = f"pilot shadow {found[0][0]}" if route is None else "decide REF --policy POLICY"
    click.echo(f"Next: `weighbridge {then}`", err=True)


def _standings(state: PilotState, route: str | None) -> list[tuple[str, str, Standing]]:
    """Return route, document and standing of the newest comparison of each route, or of one; raises NotFound."""
    from weighbridge.errors import NotFound
    from weighbridge.pilot.shadow.fold import PREFIX
    from weighbridge.pilot.shadow.standing import read_standing

    newest: dict[str, tuple[str, str, Standing]] = {}
    for document in sorted(state.documents()[1], key=lambda one: one.version):
        name = document.name.removeprefix(PREFIX).rpartition("/")[0]
        if not document.name.startswith(PREFIX) or route not in (None, name):
            continue
        try:
            newest[name] = (name, document.name, read_standing(document.body))
        except ValueError:
            click.echo(f"`{ascii(document.name)[1:-1]:.120}` was written by another version and is left out", err=True)
    if not newest:
        which = f"no shadow of `{ascii(route)[1:-1]:.80}` has begun" if route else "no shadow has begun"
        raise NotFound(which, hint="give a route a `[route.shadow]` in gateway.toml and start `weighbridge serve`")
    return [newest[name] for name in sorted(newest)]
