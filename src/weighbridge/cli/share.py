"""`weighbridge share --snapshot FILE`: shares of downloads, by a definition that is said with them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.errors import UsageError

__all__ = ["command"]

_FILE = click.Path(path_type=Path)
_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command(name="share")
@click.option(
    "--snapshot",
    "snapshots",
    type=_FILE,
    multiple=True,
    required=True,
    metavar="FILE",
    help="Listing of a hub: .csv, .json, .jsonl or .parquet, gzip too. Several give the shares over time.",
)
@click.option(
    "--by",
    type=click.Choice(["country", "maker", "family", "size", "licence", "kind", "publisher"]),
    default="country",
    show_default=True,
    help="What to group by.",
)
@click.option(
    "--attribution",
    type=click.Choice(["publisher", "base"]),
    default="publisher",
    show_default=True,
    help="Whose a repository's downloads are: its publisher's, or its base model's.",
)
@click.option(
    "--population",
    type=click.Choice(["generative", "all"]),
    default="generative",
    show_default=True,
    help="Models tagged as generating text, or all.",
)
@click.option("--created-after", type=_DAY, metavar="DAY", help="Only repositories created after this day.")
@click.option(
    "--metric",
    type=click.Choice(["downloads", "likes", "models"]),
    default="downloads",
    show_default=True,
    help="What to add up.",
)
@click.option(
    "--bases",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Table of what is made of what (columns gguf_repo or model_id, and base_model). May be repeated.",
)
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="A column by another name.")
@click.option("--relative", metavar="MODEL", help="Say how one model stands beside those of its size and age.")
@click.option(
    "--chart",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg|.html",
    help="Draw the shares, too.",
)
@options.as_json
def command(
    snapshots: tuple[Path, ...], *, relative: str | None, chart: Path | None, as_json: bool, **given: Any
) -> None:
    """Say which share of a hub's downloads belongs to whom: by publisher and by base model, side by side.

    A share is given with its population, window, coverage and range, and with warnings where the snapshot cannot carry
    it. Downloads are requests of files that the hub counted. They are not users.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.share import Asked

    asked = Asked(snapshots, given["bases"], _pairs(given["columns"]), load_settings().knowledge)
    if relative is not None:
        _relative(asked, relative, as_json=as_json)
        return
    _shares(asked, chart, given, as_json=as_json)


def _shares(asked: Any, chart: Path | None, given: dict[str, Any], *, as_json: bool) -> None:
    """Print the shares."""
    from weighbridge.adoption.definition import Definition
    from weighbridge.cli.lines.share import share_lines
    from weighbridge.cli.show import print_json, program
    from weighbridge.workflow.share import draw_shares, share

    definition = Definition(
        given["by"], given["attribution"], given["population"], given["metric"], _day(given["created_after"])
    )
    content = share(asked, definition, progress=progress_on_stderr()).to_json()
    if chart is not None:
        draw_shares(content, chart)
    if as_json:
        print_json("share", content)
        return
    for text in share_lines(content):
        click.echo(text)
    if chart is None and content["shares"]:
        click.echo("\nNext: `--chart shares.html` draws it, `--json` gives all figures", err=True)
    else:
        what = f"drawn in {chart}; " if chart is not None else ""
        click.echo(f"\nNext: {what}`{program()} share --help` names other definitions", err=True)


def _relative(asked: Any, model: str, *, as_json: bool) -> None:
    """Print the relative adoption of one model."""
    from dataclasses import asdict

    from weighbridge.cli.lines.share import relative_lines
    from weighbridge.cli.show import print_json
    from weighbridge.workflow.share import share_relative

    found, data_date = share_relative(asked, model)
    content = {**asdict(found), "data_date": data_date}
    if as_json:
        print_json("share-relative", content)
        return
    for text in relative_lines(content):
        click.echo(text)
    click.echo("\nNext: the same with a later snapshot shows where it goes", err=True)


def _day(given: datetime | None) -> date | None:
    """Return the day of an option."""
    return given.replace(tzinfo=UTC).date() if given else None


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    """Read `OURS=THEIRS`."""
    pairs = [text.partition("=") for text in given]
    if wrong := [text for text, (ours, _, theirs) in zip(given, pairs, strict=True) if not (ours and theirs)]:
        raise UsageError(f"`--column {wrong[0]}` is no pair", hint="as in `--column downloads=pulls`")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
