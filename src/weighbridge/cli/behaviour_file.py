"""`weighbridge behaviour --from FILE`: answers that somebody else asked for, and who decides where the rules do not."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.behaviour_report import told_of_file, write_report
from weighbridge.cli.lines.behaviour import behaviour_lines
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, program
from weighbridge.core.digest import short
from weighbridge.errors import UsageError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weighbridge.cli.settings import Settings
    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.behaviour.bank import Bank
    from weighbridge.workflow.behaviour.judges import Judges

__all__ = ["judges_of", "maker_of", "of_file"]

_WITH_FILE = (
    "languages", "limit", "repeats", "temperature", "max_tokens", "until_clear", "dry_run", "engine", "again",
    "baseline_engine", "service", "pairs",
)  # fmt: skip


def of_file(ctx: click.Context, source: Path, settings: Settings, given: dict[str, Any], bank: Bank | None) -> None:
    """Judge the answers of a file; a workspace is opened only where something is kept or was kept."""
    from click.core import ParameterSource

    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.behaviour.judges import judge_imported
    from weighbridge.workflow.behaviour.of_file import judge_file, keep, score_file

    for name in _WITH_FILE:
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise UsageError(f"`--{name.replace('_', '-')}` says nothing beside `--from`: no model is asked")
    today, judges = date.today(), judges_of(given)  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    rows_alone = given["as_json"] and not given["keep"] and not given["report"]
    asked: dict[str, Any] = {"model": given["of_model"]}
    with ExitStack() as stack:
        session = None
        if given["keep"] or judges is not None or (settings.workspace.path.exists() and not rows_alone):
            session = Session(stack.enter_context(settings.workspace.store()), today, progress_on_stderr())
        if session is not None and judges is not None:
            cache = stack.enter_context(settings.workspace.digest_cache())
            asked["decide"] = partial(judge_imported, judges=judges, session=session, cache=cache)
        if rows_alone:
            _tell_rows(judge_file(source, bank, **asked))
            return
        asked["store"] = session.store if session is not None else None
        scored = score_file(source, bank, maker=maker_of(given), margin=given["margin"] / 100, **asked)
        kept = keep(scored, session) if given["keep"] and session is not None else None
    write_report(given["report"], [told_of_file(scored, kept, today)], settings)
    if given["as_json"]:
        _tell_rows(scored.answers)
        return
    click.echo(f"{len(scored.answers):,} answers\n")
    for line in behaviour_lines(scored.body):
        click.echo(line)
    if kept is not None:
        click.echo(f"\nNext: `{program()} evidence show {short(kept.id)}{in_workspace(settings.workspace.path)}`")
    else:
        click.echo(f"\nNext: `{program()} label --from {source}` to correct the rates by hand labels")


def _tell_rows(answers: Sequence[Judged]) -> None:
    """Print one JSON object an answer."""
    from weighbridge.workflow.behaviour.of_file import row_of

    for one in answers:
        click.echo(json.dumps(row_of(one), ensure_ascii=False))


def maker_of(given: dict[str, Any]) -> str:
    """Return the jurisdiction of the maker, a union for its members; raises UsageError for what is no code."""
    from weighbridge.evaluation.behaviour.bank import jurisdiction_of

    code = str(given["maker"]).strip().upper()
    if code and not (len(code) == len("CN") and code.isascii() and code.isalpha()):
        raise UsageError(
            f"`--maker` takes a code of two letters, not {quote(code, 20)}", hint="CN, US, KR ... (ISO 3166), or EU"
        )
    return jurisdiction_of(code)


def judges_of(given: dict[str, Any]) -> Judges | None:
    """Return the judges, each with a key of its own: what another host was given is nothing for theirs."""
    from weighbridge.cli.settings import read_secret
    from weighbridge.engine.limits import Limits
    from weighbridge.workflow.behaviour.judges import Judges

    if not given["judges"]:
        return None
    keys = tuple(read_secret(name) for name in ("WEIGHBRIDGE_JUDGE_API_KEY", "WEIGHBRIDGE_JUDGE_2_API_KEY"))
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    return Judges(tuple(given["judges"]), keys, limits)
