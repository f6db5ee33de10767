"""`weighbridge inspect REF`: what the files say, without running anything."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import evidence_lines, pinned_line, print_json, program
from weighbridge.core.finding import Severity
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from weighbridge.workflow.look import Inspected

__all__ = ["command"]

_MET = 12


@click.command(name="inspect")
@click.argument("reference", metavar="REF")
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="Leave with 12 where a file check finds something this bad or worse.",
)
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, reference: str, fail_on: str | None, *, as_json: bool) -> None:
    """Read a model's files without running it, and keep nothing but their digests.

    REF is `demo`, a `.gguf` file or a folder with config.json and safetensors.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.look import look

    settings = load_settings()
    with settings.workspace.digest_cache() as cache:
        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        inspected = look(reference, on=today, cache=cache, progress=progress_on_stderr())
    artefact = inspected.artefact
    if as_json:
        statements = [{"id": statement.id, **statement.to_json()} for statement in inspected.evidence]
        print_json("inspect", {"name": artefact.name, "digest": artefact.digest, "evidence": statements})
    else:
        click.echo(f"{single_line(artefact.name)}\n")
        click.echo(pinned_line(artefact))
        for line in evidence_lines(inspected.evidence):
            click.echo(line)
        click.echo("\n  -  not looked at     0  looked at, nothing found")
        click.echo(f"Next: `{program()} weigh {single_line(reference)}`")
    ctx.exit(_MET if fail_on and _worst(inspected) >= _rank(fail_on) else 0)


def _rank(severity: str) -> int:
    """Return how bad a severity is."""
    return list(Severity).index(Severity(severity))


def _worst(inspected: Inspected) -> int:
    """Return the rank of the worst finding, -1 where there is none."""
    findings = [f for statement in inspected.evidence for f in statement.body.get("findings", ())]
    return max((_rank(finding["severity"]) for finding in findings), default=-1)
