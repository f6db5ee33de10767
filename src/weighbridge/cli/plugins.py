"""`weighbridge plugins`: what is registered, and whether it loads."""

from __future__ import annotations

import click

from weighbridge import plugin
from weighbridge.cli import options
from weighbridge.cli.show import print_json
from weighbridge.errors import WeighbridgeError

__all__ = ["command"]


@click.command(name="plugins")
@options.as_json
def command(*, as_json: bool) -> None:
    """List hubs, engines, checks, suites, scorers and renderers, and say which of them do not load."""
    rows = []
    for group in plugin.GROUPS:
        for name, point in plugin.find(group).items():
            try:
                plugin.load(group, name)
                trouble = ""
            except WeighbridgeError as error:
                trouble = error.message
            rows.append(
                {"group": group, "name": name, "package": point.dist.name if point.dist else "", "trouble": trouble}
            )
    if as_json:
        print_json("plugins", {"plugins": rows})
        return
    for row in rows:
        click.echo(f"{row['group']:<10} {row['name']:<18} {row['package']:<14} {row['trouble'] or 'loads'}")
