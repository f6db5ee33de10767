"""`weighbridge inventory PLACE...`: which models are in there, where they come from, and what may not be there."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.dossier.inventory.order import Least

__all__ = ["command"]

_MOST_STDIN = 8 << 20


@click.command(name="inventory")
@click.argument("places", metavar="PATH|URL|LIST|-...", nargs=-1, required=True)
@click.option(
    "--deny",
    "denials",
    multiple=True,
    metavar="WHAT",
    help="What may not be in there: `maker:deepseek-ai`, `country:CN`, `family:Qwen`, `licence:non-commercial`, "
    "`model:hf:maker/model`. May be repeated.",
)
@click.option("--online", is_flag=True, help="Ask the hub for declared bases and licences of what was found.")
@click.option(
    "--least",
    type=click.Choice(["low", "medium", "high"]),
    help="Print only what is at least as sure; `low` prints the names of long lists too. JSON and the answer have all.",
)
@click.option("--packages", is_flag=True, help="Read the texts of installed packages (site-packages ...) too.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write the table to FILE as CSV too.")
@click.option("--cyclonedx", metavar="FILE", help="Write a bill of materials to FILE (CycloneDX 1.7 JSON) too.")
@click.option("--html", metavar="FILE", help="Write a page with the answer, the table and its limits to FILE too.")
@click.option("--report", metavar="FILE", help="Write the JSON report to FILE too, as evidence to keep.")
@click.option("--knowledge", metavar="DIR", help="Folder of your own tables of makers, families and releases.")
@options.workspace
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, places: tuple[str, ...], *, as_json: bool, **flags: Any) -> None:
    """Find models in folders, caches, images of containers, code, bills of materials and running endpoints.

    Each is traced to the root of its chain: who trained the base, where they sit, which licence is in force, what was
    decided. With --deny the answer is whether something is in there that may not be, with its limits.

    PATH is a folder or a file, URL an endpoint (`http://host/v1`), LIST a text or a table with one reference a line,
    `-` reads such a list from stdin. Nothing is sent anywhere but to the endpoints named, and with --online to the hub.

    \b
    Exit codes with --deny: 0 nothing denied is there, and everything found excludes it
                           11 absence cannot be shown: a chain or a place is not known
                           12 something denied is there
    """  # noqa: D301 - `\b` is click's
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import print_json
    from weighbridge.workflow.inventory import Wanted, take_inventory

    settings = load_settings(workspace=flags["workspace"], knowledge=flags["knowledge"])
    listed = sys.stdin.read(_MOST_STDIN) if "-" in places else ""
    wanted = Wanted(
        tuple(dict.fromkeys(places)),
        date.today(),  # noqa: DTZ011 - dated by the calendar on the wall
        denials=flags["denials"],
        listed=listed,
        is_online=flags["online"],
        packages=flags["packages"],
        knowledge=settings.knowledge,
        key=settings.key,
    )
    found = take_inventory(wanted, workspace=settings.workspace, progress=progress_on_stderr())
    report = found.to_json()
    written = _write(report, flags)
    if as_json:
        print_json("inventory", report)
    else:
        _print(report, places, written, flags["least"])
    ctx.exit(found.absence.exit_code)


def _write(report: dict[str, Any], flags: dict[str, Any]) -> list[str]:
    """Write the documents that were asked for; raises UsageError where one cannot be written."""
    from weighbridge.errors import UsageError, WeighbridgeError
    from weighbridge.workflow.workspace import write_whole

    writers: dict[str, Callable[[dict[str, Any]], str]] = {
        "csv_file": _as_csv, "cyclonedx": _as_bill, "html": _as_page, "report": _as_json,
    }  # fmt: skip
    written = []
    for name, render in writers.items():
        if path := flags[name]:
            try:
                write_whole(Path(path), render(report).encode("utf-8", "replace"))
            except WeighbridgeError as error:
                raise UsageError(error.message, hint=error.hint) from error
            written.append(path)
    return written


def _as_csv(report: dict[str, Any]) -> str:
    from weighbridge.dossier.inventory.table import as_csv

    return as_csv(report)


def _as_bill(report: dict[str, Any]) -> str:
    import json

    from weighbridge.dossier.inventory.bill import as_cyclonedx

    return json.dumps(as_cyclonedx(report), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _as_page(report: dict[str, Any]) -> str:
    from weighbridge.dossier.inventory.page import as_html

    return as_html(report)


def _as_json(report: dict[str, Any]) -> str:
    import json

    return json.dumps({"schema": "weighbridge/inventory/v1", **report}, ensure_ascii=False, indent=2) + "\n"


def _print(report: dict[str, Any], places: tuple[str, ...], written: list[str], least: Least | None) -> None:
    """Print the answer, the table, and the next command."""
    from weighbridge.cli.lines.inventory import inventory_lines, next_line
    from weighbridge.cli.show import program

    for text in inventory_lines(report, least):
        click.echo(text)
    for path in written:
        click.echo(f"written: {path}", err=True)
    click.echo(next_line(report, places, program()), err=True)
