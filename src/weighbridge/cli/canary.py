"""`weighbridge canary`: thirty questions with stable answers, and whether they are still answered alike."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import line, plain, wrapped
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import print_json, program
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.evaluation.behaviour.canary.check import CanaryCheck
    from weighbridge.evaluation.behaviour.canary.rows import CanaryRow

__all__ = ["command"]

_KIND = "behaviour/v2"
_BANK = "behaviour"
_CHANGED = {"behaviour changed": 12, "unsteady": 12, "words changed": 12, "not known": 11, "no change shown": 0}


@click.group(name="canary", invoke_without_command=True)
@click.option("--from-evidence", "statement", metavar="ID", help=f"Choose from this `{_KIND}`, by what was stable.")
@click.option("--bank", metavar="NAME|DIR|FILE", help="Choose from the items that a bank marks, without a reference.")
@click.option("--languages", metavar="LIST", help="With --bank: languages to ask in. Default: en,zh-Hans.")
@click.option("--items", "count", type=click.IntRange(6, 1000), default=30, show_default=True, help="Rows to choose.")
@click.option("--max-tokens", type=click.IntRange(16, 65_536), help="Budget of an answer, as it was when measured.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to this file.")
@options.workspace
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Write a canary: questions whose behaviour is stable, with digests of what was answered, as JSON Lines.

    `canary check` asks them again.
    """
    if ctx.invoked_subcommand is not None:
        return
    if given["statement"] is None and given["bank"] is None:
        raise UsageError("nothing is named to choose from", hint="give `--from-evidence ID` or `--bank NAME`")
    if given["statement"] and given["bank"]:
        raise UsageError("`--from-evidence` and `--bank` are two sources", hint="give one of them")
    rows = _chosen(given) if given["statement"] else _marked(given)
    if not rows:
        raise UsageError(
            "no item is stable: each changed its behaviour, was unsure, or was cut by the token budget",
            hint=f"measure again with more tokens, or `{program()} canary --bank {_BANK}`",
        )
    _write(rows, given["out"])
    once = sum(row.draws == 1 for row in rows)
    said = f"{len(rows)} rows in {', '.join(dict.fromkeys(row.language for row in rows))}"
    if once:
        said += f"; {once} of them were asked only once, so nobody knows whether they are stable"
    if not rows[0].behaviour:
        said += "; without a reference: `canary check --record` writes one"
    click.echo(said, err=True)


@command.command(name="check")
@click.argument("canary", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
@click.argument("model", metavar="[MODEL]", required=False)
@click.option(
    "--draws", type=click.IntRange(1, 10), default=2, show_default=True, help="Answers a row; 2 tell the noise."
)
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the rows with today's answers as their reference.")  # fmt: skip
@options.engine
@options.in_flight
@options.timeout_s
@options.workspace
@options.as_json
def check(canary: Path, model: str | None, **given: Any) -> None:
    """Ask the questions of FILE again, and say whether the behaviour changed.

    Every question is asked anew, twice: what differs between the two is the noise of the host. Leaves with 12 where
    behaviour or words changed, answers are missing, or the two behave differently more often than they did; with 11
    where too few rows could be compared.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.behaviour.canary.rows import read_canary, recorded
    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.behaviour.canary import ask_canary
    from weighbridge.workflow.evaluation.measure import EngineChoice

    subject = model or given["engine"]
    if subject is None:
        raise UsageError("name the model to ask, or the engine that serves it with `--engine URL`")
    rows = read_canary(canary)
    settings = load_settings(weighed=subject, workspace=given["workspace"], engine=given["engine"] if model else None)
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    choice = EngineChoice(settings.engine, settings.key, limits)
    today = date.today()  # noqa: DTZ011 - answers are dated by the calendar on the wall
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        session = Session(store, today, progress_on_stderr(), draw=int(time.time()))  # what was stored is not asked now
        done = ask_canary(subject, rows, choice, session, cache, draws=given["draws"])
    if given["record"] is not None:
        kept = recorded(rows, done.answers, done.artefact.name[:200])
        _write(kept, given["record"])
        known = sum(bool(row.behaviour) for row in kept)
        noisy = sum(row.unsteady for row in kept)
        said = (
            f"; {noisy} of them behaved differently asked twice, which no check will then call a change"
            if noisy
            else ""
        )
        click.echo(f"Recorded: {given['record']}, with a reference for {known} of {len(kept)} rows{said}", err=True)
    unread = given["record"] is not None and not any(row.behaviour for row in rows)
    if given["as_json"]:
        print_json(
            "canary-check", {"model": done.artefact.name, "subject": done.artefact.digest, **done.check.to_json()}
        )
    elif unread:
        click.echo(line("canary", "nothing to compare with before today: only recorded"))
    else:
        for one in _lines(done.check):
            click.echo(one)
    raise click.exceptions.Exit(0 if unread else _CHANGED[done.check.verdict])


def _chosen(given: dict[str, Any]) -> list[CanaryRow]:
    """Choose from evidence."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.evaluation.behaviour.bank import load_bank, shipped_banks
    from weighbridge.evaluation.behaviour.canary.choice import choose_from_evidence
    from weighbridge.evaluation.behaviour.canary.rows import MAX_TOKENS

    if given["languages"]:
        raise UsageError("`--languages` belongs to `--bank`: evidence has its own")
    with load_settings(workspace=given["workspace"]).workspace.store(read_only=True) as store:
        found = store.get(given["statement"])
    if found.kind != _KIND:
        raise UsageError(f"this is `{found.kind}`, not `{_KIND}`", hint=f"`{program()} evidence list --kind {_KIND}`")
    name = found.body["bank"]["name"]
    budget = load_bank(name).max_tokens if name in shipped_banks() else MAX_TOKENS
    return choose_from_evidence(found.body, found.id, count=given["count"], max_tokens=given["max_tokens"] or budget)


def _marked(given: dict[str, Any]) -> list[CanaryRow]:
    """Choose from a bank."""
    from weighbridge.evaluation.behaviour.bank import load_bank
    from weighbridge.evaluation.behaviour.canary.choice import choose_from_bank

    bank = load_bank(given["bank"])
    languages = [one.strip() for one in (given["languages"] or "en,zh-Hans").split(",") if one.strip()]
    known = [one for one in languages if any(one in item.text for item in bank.items)]
    if not known or (given["languages"] and known != languages):
        raise UsageError(f"the bank `{bank.name}` has no items in all of {', '.join(languages)}",
                         hint=f"it has {', '.join(bank.languages)}")  # fmt: skip
    rows = choose_from_bank(bank, known, count=given["count"])
    budget = given["max_tokens"]
    return [row.model_copy(update={"max_tokens": budget}) for row in rows] if budget else rows


def _write(rows: list[CanaryRow], place: Path | None) -> None:
    """Write rows to a file, or to stdout."""
    from weighbridge.evaluation.behaviour.canary.rows import write_rows
    from weighbridge.workflow.workspace import write_whole

    if place is None:
        click.echo(write_rows(rows), nl=False)
    else:
        write_whole(place, write_rows(rows).encode())


def _lines(check: CanaryCheck) -> Iterator[str]:
    """Yield what a check shows."""
    from weighbridge.cli.lines.behaviour import share

    def said(estimate: Any) -> str:
        return share(None if estimate is None else estimate.to_json())

    yield line("canary", f"{check.verdict}: {check.rows} rows" + (f", {check.lost} lost" if check.lost else "")
               + (f", {check.half} with one answer of two" if check.half else ""))  # fmt: skip
    yield from wrapped(check.reason)
    yield line("words", f"{said(check.identical)} the same as recorded", f"by itself {said(check.noise_identical)}")
    yield line("opening", f"{said(check.same_opening)} open with the same sentence")
    yield line("behaviour", f"{said(check.flipped)} another than recorded", f"by itself {said(check.noise_flipped)}")
    p_flips = "" if check.p_flips is None else f"p {check.p_flips:.2g}, e {check.e_value:.3g}"
    yield line("direction", f"{check.stopped} no longer complied with, {check.started} now complied with", p_flips)
    for one in check.changes:
        yield line("", f"{plain(one.id)} ({one.language}): {one.before} -> {plain(one.now)}")
