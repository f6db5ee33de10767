"""`weighbridge decide REF`: a verdict from the evidence that is there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.settings import load_settings
from weighbridge.cli.show import decision_lines, print_json, verdict_code
from weighbridge.decision.shipped import load_policy
from weighbridge.workflow.judge import judge
from weighbridge.workflow.look import look

__all__ = ["command"]


@click.command(name="decide")
@click.argument("reference", metavar="REF|DIGEST")
@options.policy
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Decide as on this day; default: today.")
@options.workspace
@options.as_json
@options.no_verdict_code
@click.pass_context
def command(
    ctx: click.Context, /, reference: str, on: datetime | None, *, as_json: bool, no_verdict_code: bool, **given: Any
) -> None:
    """Decide by a policy from the evidence there is; what was never looked at is unknown, not a pass.

    The files are inspected if they were not yet; no engine is started.
    """
    settings = load_settings(workspace=given["workspace"], policy=given["policy"])
    day = on.date() if on else date.today()  # noqa: DTZ011 - a decision is dated by the calendar on the wall
    policy = load_policy(settings.policy)
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        subject = reference
        if not reference.startswith("sha256:"):
            subject = look(reference, on=day, cache=cache, store=store, progress=progress_on_stderr()).artefact.digest
        decision, statement = judge(policy, subject, store=store, on=day)
    if as_json:
        print_json("decide", {"id": statement.id, "decision": decision.to_json()})
    else:
        for line in decision_lines(decision, whole=True):
            click.echo(line)
        click.echo(f"\nNext: `weighbridge dossier {statement.id[7:19]}`")
    ctx.exit(verdict_code(decision, plain=no_verdict_code))
