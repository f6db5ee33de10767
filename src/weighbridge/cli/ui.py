"""`weighbridge ui`: the pages, on this machine only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from weighbridge.cli import options
from weighbridge.cli.show import print_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command(name="ui")
@click.argument("folder", metavar="[WORKSPACE]", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8780,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@options.as_json
def command(folder: str | None, port: int, *, as_json: bool) -> None:
    """Serve the pages of a workspace on 127.0.0.1 until Ctrl-C; nothing can be changed through them."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.web.server import serve

    workspace: Path = load_settings(workspace=folder).workspace.path

    def announce(url: str) -> None:
        if as_json:
            print_json("ui", {"url": url})
        else:
            click.echo(f"{workspace} is at: {url}\nStop with Ctrl-C")

    serve(workspace, port, announce)
