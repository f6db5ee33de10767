"""`weighbridge knowledge`: what is known of makers, families, releases and prices, and how to renew it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from weighbridge.cli import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.cli.settings import Settings
    from weighbridge.knowledge.load import Knowledge
    from weighbridge.knowledge.tables import TableRow

__all__ = ["command"]

_TABLES = ("organisations", "families", "releases", "prices", "look_alikes")

_folder = click.option(
    "--knowledge",
    "folder",
    metavar="DIR",
    help="Folder of your own tables. Default: the setting `knowledge`, else `knowledge` in the workspace.",
)


@click.group(name="knowledge")
def command() -> None:
    """List and show what is known of makers, families, releases and prices; take in rows of your own.

    Every row has a source and a day. Rows of yours replace those that ship.
    """


@command.command(name="list")
@click.argument("table", type=click.Choice(_TABLES))
@_folder
@options.workspace
@options.as_json
def list_(table: str, folder: str | None, workspace: str | None, *, as_json: bool) -> None:
    """List one table, with its age."""
    from weighbridge.cli.lines.knowledge import age_line, table_lines
    from weighbridge.cli.show import print_json
    from weighbridge.knowledge.age import ages_of

    known = _known(_settings(folder, workspace))
    families = sorted(known.families, key=lambda family: family.name.casefold())
    tables: Mapping[str, Sequence[TableRow]] = {
        "organisations": tuple(known.organisations.values()),
        "families": families,
        "releases": known.releases,
        "prices": known.prices,
        "look_alikes": tuple(known.look_alikes.values()),
    }
    rows = tables[table]
    (age,) = (one for one in ages_of(known, _today()) if one.table == table)
    if as_json:
        about = {"newest": age.newest, "half_looked_at_by": age.half, "days": age.days, "is_old": age.is_old}
        print_json("knowledge", {"table": table, "age": about, "rows": [asdict(row) for row in rows]})
        return
    for text in table_lines(rows):
        click.echo(text)
    click.echo(f"\n{age_line(age)}", err=True)
    click.echo("Next: `weighbridge knowledge show NAME`", err=True)


@command.command(name="show")
@click.argument("name", metavar="NAME")
@_folder
@options.workspace
@options.as_json
def show(name: str, folder: str | None, workspace: str | None, *, as_json: bool) -> None:
    """Show a publisher, a repository or a family: country, family, releases and their rhythm, and a look-alike."""
    from weighbridge.cli.lines.knowledge import shown_lines
    from weighbridge.cli.show import print_json
    from weighbridge.workflow.knowledge import show_name

    shown = show_name(name, _known(_settings(folder, workspace)), _today())
    if as_json:
        print_json("knowledge-name", shown.to_json())
        return
    for text in shown_lines(shown):
        click.echo(text)
    for warning in shown.old:
        click.echo(f"warning: {warning}", err=True)
    click.echo("Next: `weighbridge knowledge update FILE` with a newer row", err=True)


@command.command(name="check")
@click.argument("folder", metavar="[FOLDER]", required=False)
@options.workspace
@options.as_json
def check(folder: str | None, workspace: str | None, *, as_json: bool) -> None:
    """Read your own tables whole, and say what a careful reader would ask about them."""
    from weighbridge.cli.layout import plain
    from weighbridge.cli.show import print_json
    from weighbridge.workflow.knowledge import check_tables

    place = _own(_settings(folder, workspace))
    rows, remarks = check_tables(place)
    if as_json:
        print_json("knowledge-check", {"folder": str(place), "rows": rows, "remarks": remarks})
        return
    for table, n in rows.items():
        click.echo(f"  {table:<14} {n} rows can be read")
    for remark in remarks:
        click.echo(f"  {plain(remark)}")
    click.echo("Next: `weighbridge knowledge list TABLE`", err=True)


@command.command(name="update")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@_folder
@options.workspace
@options.as_json
def update(files: tuple[Path, ...], folder: str | None, workspace: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Take the rows of CSV files into your own tables, whole or not at all, and show what changed.

    A file has the columns of one table (`list TABLE --json` shows them); `yes` under `withdrawn` takes a row away.
    """
    from weighbridge.cli.lines.knowledge import change_lines
    from weighbridge.cli.show import print_json
    from weighbridge.workflow.knowledge import update_tables

    place = _own(_settings(folder, workspace))
    changes = update_tables(files, place, dry_run=dry_run)
    if as_json:
        content = {"folder": str(place), "is_written": not dry_run, "changes": [asdict(change) for change in changes]}
        print_json("knowledge-update", content)
        return
    for text in change_lines(changes):
        click.echo(text)
    click.echo(f"\n{'Nothing is written' if dry_run else f'Written to {place}'}", err=True)
    click.echo(f"Next: `weighbridge knowledge check {place}`", err=True)


def _settings(folder: str | None, workspace: str | None) -> Settings:
    from weighbridge.cli.settings import load_settings

    return load_settings(knowledge=folder, workspace=workspace)


def _known(settings: Settings) -> Knowledge:
    from weighbridge.knowledge.load import load_knowledge

    return load_knowledge(settings.knowledge)


def _own(settings: Settings) -> Path:
    return settings.knowledge or settings.workspace.knowledge


def _today() -> date:
    return date.today()  # noqa: DTZ011 - tables age by the calendar on the wall
