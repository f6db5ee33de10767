"""`weighbridge decide REF`: a verdict from the evidence that is there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import decision_lines, in_workspace, print_json, program, verdict_code
from weighbridge.core.digest import short
from weighbridge.errors import UsageError

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

    The files are inspected if they were not yet, but not with --on; no engine is started.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.core.reference import Reference
    from weighbridge.decision.shipped import load_policy
    from weighbridge.decision.staleness import stale_of
    from weighbridge.hub.protocol import resolve
    from weighbridge.workflow.inspection.look import look
    from weighbridge.workflow.judge import judge

    settings = load_settings(weighed=reference, workspace=given["workspace"], policy=given["policy"])
    today = date.today()  # noqa: DTZ011 - a decision is dated by the calendar on the wall
    day = on.date() if on else today
    if day > today:
        raise UsageError(f"{day} is still to come", hint="decide as on a day that has been, or as of today")
    policy = load_policy(settings.policy)
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        subject = reference
        if on is not None and not reference.startswith("sha256:"):  # what is read today is no evidence of that day
            subject = resolve(Reference.parse(reference), cache, progress_on_stderr()).digest
        elif on is None and not reference.startswith("sha256:"):
            subject = look(reference, on=day, cache=cache, store=store, progress=progress_on_stderr()).artefact.digest
        stale = stale_of(store, subject)
        decision, statement = judge(policy, subject, store=store, on=day)
    if stale is not None:
        click.echo(f"note: the decision before was overtaken: {stale.why} Next: {stale.next_step}", err=True)
    if as_json:
        print_json("decide", {"id": statement.id, "decision": decision.to_json()})
    else:
        for line in decision_lines(decision, whole=True):
            click.echo(line)
        where = in_workspace(settings.workspace.path)
        click.echo(f"\nNext: `{program()} dossier {short(statement.id)}{where}`")
    ctx.exit(verdict_code(decision, plain=no_verdict_code))
