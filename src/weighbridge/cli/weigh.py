"""`weighbridge weigh REF`: the main job."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import decision_lines, evidence_lines, pinned_line, print_json, program, verdict_code
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from weighbridge.cli.settings import Settings
    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.workflow.weigh import Order, Weighed

__all__ = ["command", "weigh_and_tell"]


@click.command(name="weigh")
@click.argument("reference", metavar="REF")
@options.policy
@options.suites
@options.limit
@options.again
@options.engine
@click.option("--baseline", metavar="REF", help="Model in use today: asked the same questions, and compared.")
@click.option("--baseline-engine", metavar="URL", help="Address of the engine that serves the baseline.")
@options.in_flight
@options.timeout_s
@options.workspace
@click.option("--output", metavar="DIR", help="Folder of the dossier; default: below the workspace.")
@options.language
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(ctx: click.Context, /, reference: str, **given: Any) -> None:
    """Resolve, inspect, evaluate, decide, and write the dossier.

    REF is `demo`, a `.gguf` file, a folder with config.json and safetensors, or an OpenAI-compatible
    endpoint `http://host:port/v1#model`. A run that was stopped goes on where it was.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.decision.shipped import load_policy
    from weighbridge.engine.limits import Limits
    from weighbridge.workflow.evaluation.measure import EngineChoice, suites_for
    from weighbridge.workflow.weigh import Order

    settings = load_settings(
        weighed=reference,
        workspace=given["workspace"],
        policy=given["policy"],
        engine=given["engine"],
        language=given["language"],
    )
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    policy = load_policy(settings.policy)
    output = (
        Path(given["output"])
        if given["output"]
        else settings.workspace.path / "dossiers" / _folder_name(reference) / _folder_name(policy.name)
    )
    suites, gaps = suites_for(policy, given["suites"])
    for gap in gaps:
        click.echo(f"warning: {gap}", err=True)
    for notice in (notice for suite in suites for notice in suite.notices):
        click.echo(f"note: {single_line(notice)}", err=True)
    today = date.today()  # noqa: DTZ011 - a decision is dated by the calendar on the wall
    order = Order(
        reference=reference,
        policy=policy,
        suites=suites,
        on=today,
        output=output,
        engine=EngineChoice(settings.engine, settings.key, limits),
        baseline=given["baseline"],
        baseline_engine=EngineChoice(given["baseline_engine"], settings.baseline_key, limits),
        limit=given["limit"],
        draw=today.toordinal() if given["again"] else 0,
        language=settings.language,
    )
    ctx.exit(weigh_and_tell(order, settings, as_json=given["as_json"], plain_code=given["no_verdict_code"]))


def weigh_and_tell(order: Order, settings: Settings, *, as_json: bool, plain_code: bool) -> int:
    """Weigh, tell what is found as it is found, and return the exit code."""
    from weighbridge.workflow.weigh import weigh

    told: list[bool] = []

    def tell(artefact: Artefact, evidence: Evidence) -> None:
        if not told:
            click.echo(f"Weighing {order.reference} by policy `{order.policy.name}`\n\n{pinned_line(artefact)}")
            told.append(True)
        for line in evidence_lines([evidence]):
            click.echo(line)

    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        silent_tell = {} if as_json else {"tell": tell}
        weighed = weigh(order, store=store, cache=cache, progress=progress_on_stderr(), **silent_tell)
    if as_json:
        print_json("weigh", _document(weighed))
    else:
        _tell_end(weighed, settings)
    return verdict_code(weighed.decision, plain=plain_code)


def _tell_end(weighed: Weighed, settings: Settings) -> None:
    """Print what could not be done, the decision, the files, and the next command."""
    for sentence in weighed.missing:
        click.echo(f"  not done    {sentence}")
    for line in decision_lines(weighed.decision, whole=False):
        click.echo(line)
    click.echo(f"\n  -  not looked at     0  looked at, nothing found\n\nDossier: {weighed.files[0]}")
    click.echo(f"Next: `{program()} ui {settings.workspace.path}`")


def _document(weighed: Weighed) -> dict[str, Any]:
    """Return the result for machines."""
    return {
        "artefact": {
            "name": weighed.artefact.name,
            "digest": weighed.artefact.digest,
            "pinned": not weighed.artefact.is_endpoint,
        },
        "decision": weighed.decision.to_json(),
        "decision_evidence": weighed.statement.id,
        "evidence": [{"id": statement.id, **statement.to_json()} for statement in weighed.evidence],
        "files": [str(path) for path in weighed.files],
        "missing": list(weighed.missing),
    }


def _folder_name(reference: str) -> str:
    """Return a folder name for a reference: its last part, with nothing that a path could trip over."""
    last = reference.rsplit("#", maxsplit=1)[-1].rstrip("/").split("/")[-1]
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in last).lstrip(".") or "model"
