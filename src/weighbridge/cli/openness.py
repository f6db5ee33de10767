"""`weighbridge openness REF [--answers FILE]`: how open a model is, framework by framework."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr

__all__ = ["command"]


@click.command(name="openness")
@click.argument("reference", metavar="REF")
@click.option(
    "--answers", type=click.Path(path_type=Path), metavar="FILE", help="A reviewer's answers (TOML, `[[answer]]`)."
)
@options.as_json
def command(reference: str, answers: Path | None, *, as_json: bool) -> None:
    """Grade a model's openness by OSAID 1.0, the Model Openness Framework, and the European Open Source AI Index.

    Each item is derived from files, claimed by the publisher, answered by a reviewer, or unknown; unknown never counts
    as open, and the frameworks are never mixed into one number.
    """
    from weighbridge.cli.lines.openness import openness_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import pinned_line, print_json
    from weighbridge.dossier.visible import single_line
    from weighbridge.workflow.inspection.openness import grade_openness

    settings = load_settings()
    with settings.workspace.digest_cache() as cache:
        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        graded = grade_openness(reference, answers, on=today, cache=cache, progress=progress_on_stderr())
    body = graded.evidence.body
    if as_json:
        content = {"reference": reference, "digest": graded.artefact.digest, "id": graded.evidence.id, "openness": body}
        print_json("openness", content)
        return
    click.echo(f"{single_line(graded.artefact.name)}\n")
    click.echo(pinned_line(graded.artefact))
    for text in openness_lines(body, whole=True):
        click.echo(text)
