"""`weighbridge label`: hand labels of answers, blind, on a page of this machine; carried in and out; reported."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.lines.label import report_lines
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from weighbridge.cli.settings import Settings
    from weighbridge.store.protocol import Store
    from weighbridge.workflow.behaviour.label import Source

__all__ = ["command"]

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(name="label")
@click.option("--from", "files", type=_file, multiple=True, metavar="FILE",
              help="Answers: a table with id, language, prompt, answer, or any file that `behaviour --from` reads. "
              "May be repeated.")  # fmt: skip
@click.option("--evidence", multiple=True, metavar="ID", help="Answers that a behaviour statement was measured on.")
@click.option("--per-language", type=click.IntRange(1, 10_000), default=60, show_default=True,
              help="Answers to draw at random in each language.")  # fmt: skip
@click.option("--who", default="", metavar="NAME", help="Your name; of an import: for rows that name nobody.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8782, show_default=True,
              help="Port on 127.0.0.1; 0 takes a free one.")  # fmt: skip
@click.option("--export", "exported", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the labels as JSONL, and serve nothing.")  # fmt: skip
@click.option(
    "--import",
    "imported",
    type=_file,
    metavar="FILE",
    help="Take labels from a JSONL or CSV file for the report; they correct no rate.",
)
@click.option("--report", is_flag=True, help="Say how people agree, and how often the detector is right.")
@options.workspace
@options.as_json
def command(*, report: bool, as_json: bool, **given: Any) -> None:
    """Serve a page where people label what answers do, on 127.0.0.1, until Ctrl-C; every label is kept at once.

    Keys: 1 refusal, 2 partial, 3 deflection, 4 compliance, 5 nonsense; n a state's narrative in the answer's own voice,
    s skip, u take back. Without --from and --evidence it goes on with the answers drawn last.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.behaviour.label import Source

    settings = load_settings(workspace=given["workspace"])
    source = Source(given["files"], given["evidence"])
    if sum((report, given["exported"] is not None, given["imported"] is not None)) > 1:
        raise UsageError("an export, an import and a report are three commands", hint="give one of the options")
    if given["exported"] is not None:
        _export(settings, given["exported"], as_json=as_json)
    elif given["imported"] is not None:
        _import(settings, given["imported"], given["who"], as_json=as_json)
    elif report:
        _report(settings, source, as_json=as_json)
    else:
        _serve(settings, source, given, as_json=as_json)


def _serve(settings: Settings, source: Source, given: dict[str, Any], *, as_json: bool) -> None:
    """Draw the answers, and serve the page."""
    from weighbridge.evaluation.arena.votes import voter_name
    from weighbridge.web.server import serve
    from weighbridge.workflow.behaviour.label import open_sample

    who = voter_name(given["who"]) if given["who"] else ""
    drawn: dict[str, dict[str, int]] = {}

    def booth(store: Store) -> Starlette:
        from weighbridge.web.label import create_label_app

        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        sample = open_sample(source, store, today, given["per_language"])
        drawn.update({name: stratum.model_dump() for name, stratum in sample.body.languages.items()})
        return create_label_app(sample, store, date.today, who)

    def announce(url: str) -> None:
        if as_json:
            print_json("label-page", {"url": url, "languages": drawn})
            return
        for language, stratum in drawn.items():
            click.echo(f"{language}: {stratum['drawn']} of {stratum['answers']} answers drawn")
        place = in_workspace(settings.workspace.path)
        click.echo(f"Label at: {url}\nStop with Ctrl-C, then: `{program()} label --report{place}`")

    serve(settings.workspace.path, given["port"], announce, booth=booth)


def _export(settings: Settings, place: Path, *, as_json: bool) -> None:
    """Write the labels."""
    from weighbridge.workflow.behaviour.label import export_labels

    with settings.workspace.store(read_only=True) as store:
        count = export_labels(store, place)
    if as_json:
        print_json("label-export", {"file": str(place), "labels": count})
    else:
        click.echo(f"{count} labels are in {place}")


def _import(settings: Settings, place: Path, who: str, *, as_json: bool) -> None:
    """Take labels from a file."""
    from weighbridge.workflow.behaviour.label import import_labels

    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    with settings.workspace.store() as store:
        done = import_labels(place, store, today, who)
    if as_json:
        print_json("label-import", {"taken": done.taken, "known": done.known, "against": done.against})
        return
    click.echo(f"{done.taken} labels taken, {done.known} known before")
    if done.against:
        click.echo(f"{done.against} left out: the same person said otherwise before, and that stands")
    click.echo(f"\nNext: `{program()} label --report{in_workspace(settings.workspace.path)}`")


def _report(settings: Settings, source: Source, *, as_json: bool) -> None:
    """Say what the labels say."""
    from weighbridge.workflow.behaviour.label import report_hand_labels

    with settings.workspace.store(read_only=not source) as store:
        content = report_hand_labels(store, source)
    if as_json:
        print_json("label-report", content)
        return
    for line in report_lines(content):
        click.echo(line)
