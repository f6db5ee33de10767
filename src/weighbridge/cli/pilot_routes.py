"""`weighbridge pilot routes`: which routes of `gateway.toml` are open, which are refused, and why."""

from __future__ import annotations

from pathlib import Path

import click

from weighbridge.cli import options

__all__ = ["command"]


@click.command(name="routes", short_help="Which routes are open, and why others are not.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("gateway.toml"),
    show_default=True,
    metavar="FILE",
    help="The gateway's file.",
)
@options.as_json
def command(config: Path, *, as_json: bool) -> None:
    """Check every route now, and say which are open, which are refused, and why.

    The decision is read from the workspace that the file names. A mirror's files are read, and a server whose
    fingerprint is named is asked 50 or 100 short questions, as the gateway does at its start and every hour.
    """
    from weighbridge.cli.lines.routes import route_lines, routes_summary
    from weighbridge.cli.progress import progress_on_stderr
    from weighbridge.cli.show import print_json, program
    from weighbridge.pilot.admission.file import load_gateway_file
    from weighbridge.pilot.admission.keeper import Keeper

    rows = Keeper(load_gateway_file(config)).check(progress_on_stderr())
    if as_json:
        print_json("pilot-routes", {"routes": [row.to_json() for row in rows]})
        return
    for row in rows:
        for text in route_lines(row):
            click.echo(text)
    click.echo(routes_summary(rows), err=True)
    click.echo(f"Next: `{program()} serve --config {config}`", err=True)
