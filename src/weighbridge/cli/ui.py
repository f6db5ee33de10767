"""`weighbridge ui`: the pages, on this machine, or for people who log in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.operator import operator_name
from weighbridge.cli.show import print_json
from weighbridge.errors import ExtraMissing

__all__ = ["command"]

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_DEFAULT = Path("gateway.toml")


@click.command(name="ui")
@click.argument("folder", metavar="[WORKSPACE]", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8780,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option("--config", type=_FILE, metavar="FILE", help="The gateway's file [default: gateway.toml, if it is here].")
@click.option("--operate", is_flag=True, help="Let operators make and end keys, stop canaries and answer alarms.")
@click.option("--oidc", type=_FILE, metavar="FILE", help="Have people log in, as this file (oidc.toml) says.")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Another one needs --oidc.")
@click.option("--tls-cert", type=_FILE, help="Certificate (PEM), with those that it rests on.")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option(
    "--behind-proxy", is_flag=True, help="TLS ends at a proxy in front, and nobody reaches this port past it."
)
@options.as_json
def command(folder: str | None, *, operate: bool, oidc: Path | None, as_json: bool, **given: Any) -> None:
    """Serve the pages of a workspace until Ctrl-C; without --operate nothing can be changed through them.

    On this machine the pages of the pilot open by the link that is printed, which holds a secret.
    """
    from weighbridge.cli.settings import load_settings, read_secret
    from weighbridge.web.server import Place, serve
    from weighbridge.workflow.workspace import Workspace

    try:
        from weighbridge.web.pages.pilot.room import PilotRoom
        from weighbridge.web.pilot import access_by_login, access_by_ticket, gateway_file_of, pages_over
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"the pages need `{error.name}`, which is not installed", hint="pip install 'weighbridge[ui]'"
        ) from error
    workspace: Path = load_settings(workspace=folder).workspace.path
    config = given.pop("config")
    place = Place(**given)
    access = access_by_login(oidc, read_secret) if oidc else access_by_ticket(operator_name(), operates=operate)
    place.check(access.origin)
    file = gateway_file_of(config, _DEFAULT, workspace)

    def announce(url: str) -> None:
        address = f"{access.origin}/" if access.origin else url
        entrance = f"{address[:-1]}{access.ticket.path}" if access.ticket else f"{address}pilot"
        if as_json:
            print_json("ui", {"url": address, "pilot": entrance, "operates": operate})
        else:
            click.echo(f"{workspace} is at: {address}\nThe pilot's pages: {entrance}\nStop with Ctrl-C")

    with closing(PilotRoom(workspace, gateway_file=file, operates=operate)) as room:
        pages = pages_over(Workspace(workspace, cache=workspace), room, access)
        serve(workspace, place.port, announce, pages=pages, place=place)
