"""`weighbridge evaluate REF`: ask suites, keep the answers, score them."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import evidence_lines, in_workspace, print_json, program
from weighbridge.dossier.visible import single_line
from weighbridge.errors import Interrupted, UsageError

__all__ = ["command"]


@click.command(name="evaluate")
@click.argument("reference", metavar="REF")
@options.suites
@options.data
@options.limit
@options.again
@options.engine
@options.in_flight
@options.timeout_s
@click.option("--dry-run", is_flag=True, help="Say what would be asked, and ask nothing.")
@options.workspace
@options.as_json
def command(reference: str, *, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Ask a model the questions of one or more suites, and keep every answer.

    Answers that are in the store are not asked for again; scoring them anew calls no model.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import find_suite
    from weighbridge.workflow.look import look
    from weighbridge.workflow.measure import STARTER_SUITES, EngineChoice, askable, choose_engine, measure

    settings = load_settings(weighed=reference, workspace=given["workspace"], engine=given["engine"])
    data = given["data"]
    if data is not None and len(given["suites"]) != 1:
        raise UsageError("`--data` is the data of one suite", hint="name that one with `--suite`")
    suites = [find_suite(name, data) for name in given["suites"] or STARTER_SUITES]
    for notice in (notice for suite in suites for notice in suite.notices):
        click.echo(f"note: {single_line(notice)}", err=True)
    if dry_run:
        _tell_plan(suites, given["limit"], as_json=as_json)
        return
    progress = progress_on_stderr()
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        inspected = look(reference, on=today, cache=cache, store=store, progress=progress)
        artefact = inspected.artefact
        limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
        choice = EngineChoice(settings.engine, settings.key, limits)
        engine = choose_engine(artefact, choice)
        if isinstance(engine, str):
            raise UsageError(f"`{artefact.name}` cannot be evaluated: {engine}")
        suites, gaps = askable(suites, inspected, choice)
        for gap in gaps:
            click.echo(f"warning: {gap}", err=True)
        draw = today.toordinal() if given["again"] else 0
        session = Session(store, today, progress, given["limit"], draw)
        known = {statement.id for statement in store.select(subject=artefact.digest)}
        results = measure(artefact, engine, suites, session)
    if as_json:
        statements = [{"id": statement.id, **statement.to_json()} for statement in results]
        print_json("evaluate", {"digest": artefact.digest, "evidence": statements})
    else:
        click.echo(f"{single_line(artefact.name)}\n")
        for line in evidence_lines(results):
            click.echo(line)
        made = [statement.body["calls"] for statement in results if statement.id not in known]
        calls, reused, failed = (sum(count[key] for count in made) for key in ("calls", "reused", "failed"))
        reused += sum(s.body["calls"]["asked"] for s in results if s.id in known)
        click.echo(f"\n{calls} calls, {reused} answers from the store, {failed} questions without an answer")
        click.echo(f"Next: `{program()} decide {single_line(reference)}{in_workspace(settings.workspace.path)}`")
    if any(statement.body["calls"]["coverage"] == 0 for statement in results):
        raise Interrupted(
            "a suite got no answer at all",
            hint="`weighbridge evidence show` tells what the engine said; then run it again",
        )


def _tell_plan(suites: list[Any], limit: int | None, *, as_json: bool) -> None:
    """Say how many questions would be asked."""
    rows = [
        {
            "suite": suite.name,
            "questions": min(limit or len(suite.items), len(suite.items)),
            "max_tokens": suite.max_tokens,
        }
        for suite in suites
    ]
    if as_json:
        print_json("plan", {"suites": rows})
        return
    for row in rows:
        click.echo(f"  {row['suite']:<16}{row['questions']:>6} questions, at most {row['max_tokens']} tokens each")
    total = sum(int(row["questions"]) for row in rows)
    click.echo(f"\nWould ask at most {total} questions; answers in the store are not asked again")
