"""`weighbridge inspect REF...`: what the files say, without running anything."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import evidence_lines, pinned_line, program
from weighbridge.core.finding import Severity
from weighbridge.dossier.visible import single_line
from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from weighbridge.workflow.inspection.look import Inspected

__all__ = ["command"]

_MET = 12


@click.command(name="inspect")
@click.argument("references", metavar="REF...", nargs=-1, required=True)
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="Leave with 12 where a file check finds something this bad or worse.",
)
@click.option("--sarif", metavar="FILE", help="Write the findings to FILE as SARIF 2.1.0 too.")
@options.as_json
@click.pass_context
def command(
    ctx: click.Context, /, references: tuple[str, ...], fail_on: str | None, sarif: str | None, *, as_json: bool
) -> None:
    """Read models' files without running them, and keep nothing but their digests.

    REF is `demo`, a file of a model (`.gguf`, `.safetensors`, `.bin`, `.pkl` ...), a `config.json` alone, a folder with
    config.json and safetensors, or a model on a hub (`hf:maker/model`, `ms:maker/model@revision`), of which a few
    megabytes are read.
    Several are read one after the other; with --json each is one line, and one that cannot be read says why.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.inspection.look import look

    settings = load_settings()
    code, runs = 0, []
    with settings.workspace.digest_cache() as cache:
        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        for reference in references:
            try:
                inspected = look(reference, on=today, cache=cache, progress=progress_on_stderr(), is_forgiving=True)
            except WeighbridgeError as error:
                if len(references) == 1:
                    raise
                code = code or error.exit_code
                _say_error(reference, error, as_json=as_json)
                continue
            if as_json:
                click.echo(_json_line(reference, inspected))
            else:
                _print(reference, inspected)
            if inspected.damage is not None:
                code = code or inspected.damage.exit_code
                click.echo(f"error: {single_line(inspected.damage.message)}\n", err=True)
            if sarif:
                runs.append(_sarif_run(inspected))
            if fail_on and _worst(inspected) >= _rank(fail_on):
                code = code or _MET
    if sarif:
        _write_sarif(sarif, runs)
    ctx.exit(code)


def _sarif_run(inspected: Inspected) -> dict[str, Any]:
    """Return the SARIF run of one model; an endpoint has none of the findings."""
    from weighbridge.dossier.sarif import sarif_run

    bodies = {one.kind: one.body for one in inspected.evidence}
    return sarif_run(inspected.artefact.digest, bodies.get("files/v1", {"findings": []}), bodies.get("safety/v1"))


def _write_sarif(path: str, runs: list[dict[str, Any]]) -> None:
    """Write a SARIF log; raises UsageError where that cannot be done."""
    import json
    from pathlib import Path

    from weighbridge.dossier.sarif import sarif_log
    from weighbridge.errors import UsageError

    try:
        Path(path).write_text(json.dumps(sarif_log(runs), ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{single_line(path)}` cannot be written: {error.strerror}") from error


def _json_line(reference: str, inspected: Inspected) -> str:
    """Return one JSON object on one line; `anatomy` and `safety` are bodies, null for an endpoint."""
    import json

    artefact = inspected.artefact
    content = {
        "schema": "weighbridge/inspect/v1",
        "reference": reference,
        "name": artefact.name,
        "digest": artefact.digest,
        "anatomy": next((one.body for one in inspected.evidence if one.kind == "anatomy/v2"), None),
        "safety": next((one.body for one in inspected.evidence if one.kind == "safety/v1"), None),
        "evidence": [{"id": statement.id, **statement.to_json()} for statement in inspected.evidence],
    }
    return json.dumps(content, ensure_ascii=False)


def _say_error(reference: str, error: WeighbridgeError, *, as_json: bool) -> None:
    """Say why one of several references could not be read, where the others are said."""
    import json

    if as_json:
        what = {"message": error.message, "hint": error.hint}
        click.echo(json.dumps({"schema": "weighbridge/inspect/v1", "reference": reference, "error": what}))
    else:
        click.echo(f"error: {single_line(error.message)}\n", err=True)


def _print(reference: str, inspected: Inspected) -> None:
    """Print one model for a person."""
    artefact = inspected.artefact
    click.echo(f"{single_line(artefact.name)}\n")
    click.echo(pinned_line(artefact))
    if artefact.shadow is not None:
        read = f"read {artefact.shadow.wire_bytes / 1e6:.2f} MB in {artefact.shadow.calls} calls"
        click.echo(f"  {'':<12}commit {artefact.shadow.commit}: {read}")
    for text in evidence_lines(inspected.evidence):
        click.echo(text)
    click.echo("\n  -  not looked at     0  looked at, nothing found")
    if artefact.shadow is not None:
        folder = single_line(artefact.shadow.downloaded)
        click.echo(f"Next: `{single_line(artefact.shadow.download)}`, then `{program()} weigh {folder}`")
        return
    following = "fit" if artefact.reference.kind == "config" else "weigh"
    click.echo(f"Next: `{program()} {following} {single_line(reference)}`")


def _rank(severity: str) -> int:
    """Return how bad a severity is."""
    return list(Severity).index(Severity(severity))


def _worst(inspected: Inspected) -> int:
    """Return the rank of the worst finding, -1 where there is none."""
    findings = [f for statement in inspected.evidence for f in statement.body.get("findings", ())]
    return max((_rank(finding["severity"]) for finding in findings), default=-1)
