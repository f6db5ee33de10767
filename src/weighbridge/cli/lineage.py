"""`weighbridge lineage REF [--base REF]`: where a model comes from, and what its weights say beside a base."""

from __future__ import annotations

from datetime import date

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr

__all__ = ["command"]


@click.command(name="lineage")
@click.argument("reference", metavar="REF")
@click.option("--base", metavar="REF", help="The base at hand, a folder or a `.gguf` file, whose weights to compare.")
@options.as_json
def command(reference: str, base: str | None, *, as_json: bool) -> None:
    """Hold what a model's files declare of its origin together, and its weights beside those of a base.

    With --base: shapes, vocabulary, biases, and some rows of nine matrices. "consistent with" is strong evidence;
    "not consistent with" holds for the order in which the weights are stored; neither proves who trained what.
    """
    from weighbridge.cli.layout import wrapped
    from weighbridge.cli.lines.lineage import lineage_lines
    from weighbridge.cli.settings import load_settings
    from weighbridge.cli.show import pinned_line, print_json
    from weighbridge.dossier.visible import single_line
    from weighbridge.workflow.inspection.lineage import trace

    settings = load_settings()
    with settings.workspace.digest_cache() as cache:
        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        traced = trace(reference, base, on=today, cache=cache, progress=progress_on_stderr())
    body = traced.evidence.body
    if as_json:
        content = {"reference": reference, "digest": traced.artefact.digest, "id": traced.evidence.id, "lineage": body}
        print_json("lineage", content)
        return
    click.echo(f"{single_line(traced.artefact.name)}\n")
    click.echo(pinned_line(traced.artefact))
    for text in lineage_lines(body):
        click.echo(text)
    if body["compared"]:
        click.echo("")
        for text in wrapped(body["compared"]["may_hide"]):
            click.echo(text)
    elif body["bases"]:
        click.echo(f"Next: get {single_line(body['bases'][0])}, then add `--base ./its-folder`")
