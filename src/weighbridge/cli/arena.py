"""`weighbridge arena ...`: blind votes of people and of a judge between the answers of models."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.lines.arena import ballot_lines, report_lines, verdict_lines
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import in_workspace, print_json, program
from weighbridge.core.digest import short
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from weighbridge.evaluation.suite import Suite

__all__ = ["command"]

_ballot = click.option("--ballot", metavar="ID", help="Ballot by the head of its id; the newest where none is named.")
_TABLES = frozenset({".jsonl", ".ndjson", ".csv", ".tsv", ".json", ".parquet", ".gz"})


@click.group(name="arena")
def command() -> None:
    """Let people and a judge vote, blind, between the answers of models."""


@command.command(name="new")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--suite", required=True, metavar="NAME|DIR|FILE", help="A suite, or a table with a column of prompts.")
@options.data
@options.limit
@options.again
@options.in_flight
@options.timeout_s
@click.option(
    "--max-tokens",
    type=click.IntRange(1, 65_536),
    default=1024,
    show_default=True,
    help="Longest answer to a prompt of a table.",
)
@options.workspace
@options.as_json
def new(models: tuple[str, ...], suite: str, *, as_json: bool, **given: Any) -> None:
    """Ask two or more models the same prompts, and freeze what is put to the vote.

    A MODEL is a model as anywhere else (an endpoint with its name, a GGUF file, a folder), or `evidence:ID` of a score
    whose answers are stored. Answers that are in the store are not asked for again.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.evaluation.arena import Call, open_arena
    from weighbridge.workflow.evaluation.measure import EngineChoice

    settings = load_settings(weighed=models[0], workspace=given["workspace"])
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    call = Call(
        _suite(suite, given), models, secrets.token_hex(32), EngineChoice(settings.engine, settings.key, limits)
    )
    draw = today.toordinal() if given["again"] else 0
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        session = Session(store, today, progress_on_stderr(), given["limit"], draw)
        evidence = open_arena(call, session, cache)
    if as_json:
        body = {key: value for key, value in evidence.body.items() if key != "seed"}
        print_json("arena-ballot", {"id": evidence.id, **body})
        return
    for line in ballot_lines(evidence):
        click.echo(line)
    place = in_workspace(settings.workspace.path)
    click.echo(f"\nNext: `{program()} arena vote --ballot {short(evidence.id)}{place}`")


@command.command(name="vote")
@_ballot
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8781,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@options.workspace
@options.as_json
def vote(ballot: str | None, port: int, workspace: str | None, *, as_json: bool) -> None:
    """Serve the page where people vote, on 127.0.0.1, until Ctrl-C; every vote is kept as it is cast.

    Keys: 1 left, 2 right, 0 equally good, b both bad, s skip, u take back.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.web.server import serve

    settings = load_settings(workspace=workspace)

    def announce(url: str) -> None:
        if as_json:
            print_json("arena-vote", {"url": url})
        else:
            place = in_workspace(settings.workspace.path)
            click.echo(f"Vote at: {url}\nStop with Ctrl-C, then: `{program()} arena report{place}`")

    serve(settings.workspace.path, port, announce, ballot=ballot or "")


@command.command(name="judge")
@_ballot
@click.option("--engine", "judge", required=True, metavar="MODEL", help="The judge: http://host/v1#name, or a GGUF.")
@click.option("--pairs", type=click.IntRange(min=1), help="Show the judge at most this many pairs.")
@click.option(
    "--turned", type=click.IntRange(min=0), default=50, show_default=True, help="Pairs to show in both orders."
)
@click.option(
    "--canaries",
    type=click.IntRange(0, 100),
    default=10,
    show_default=True,
    help="Answers with a hidden order to choose them.",
)
@options.in_flight
@options.timeout_s
@options.workspace
@options.as_json
def judge(judge: str, *, as_json: bool, **given: Any) -> None:
    """Let a model judge the pairs, each once in random order, and measure how far its word can be taken.

    People's votes calibrate it: without some, no rate of wins is told that is near even.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.arena.judging import Terms
    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.evaluation.arena import ballot_at, judge_arena
    from weighbridge.workflow.evaluation.measure import EngineChoice

    settings = load_settings(weighed=judge, workspace=given["workspace"])
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    terms = Terms(given["pairs"], given["turned"], given["canaries"])
    today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        session = Session(store, today, progress_on_stderr())
        choice = EngineChoice(None, settings.key, limits)
        ballot = ballot_at(store, given["ballot"])
        evidence = judge_arena(ballot, judge, terms, session, engine=choice, cache=cache)
    if as_json:
        print_json("arena-verdicts", {"id": evidence.id, **evidence.body})
        return
    for line in verdict_lines(evidence.body):
        click.echo(line)
    place = in_workspace(settings.workspace.path)
    click.echo(f"\nNext: `{program()} arena report --ballot {short(ballot.id)}{place}`")


@command.command(name="report")
@_ballot
@click.option("--baseline", metavar="NAME", help="Write evidence of every other model beside this one.")
@click.option(
    "--chart", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.svg", help="Draw the ratings, too."
)
@options.workspace
@options.as_json
def report(baseline: str | None, chart: Path | None, *, as_json: bool, **given: Any) -> None:
    """Say where the models stand, how sure that is, and what it rests on.

    Of two models the second is the baseline; `arena/v1` of the other goes into the store, for a policy to ask.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.evaluation.arena import draw_ratings, report_arena, stand_beside

    settings = load_settings(workspace=given["workspace"])
    with settings.workspace.store() as store:
        found = report_arena(store, given["ballot"])
        made = stand_beside(found, baseline, store)
    content = found.to_json()
    if chart is not None:
        draw_ratings(content, chart)
    if as_json:
        print_json("arena", {**content, "evidence": [{"id": one.id, **one.to_json()} for one in made]})
        return
    for line in report_lines(content):
        click.echo(line)
    place = in_workspace(settings.workspace.path)
    if made:
        click.echo(f"\nNext: `{program()} evidence show {short(made[0].id)}{place}`")
    else:
        names = single_line(content["models"][-1]["name"])
        what = f"arena report --baseline '{names}'" if content["votes"] else "arena vote"
        click.echo(f"\nNext: `{program()} {what}{place}`")


def _suite(name: str, given: dict[str, Any]) -> Suite:
    """Load a suite, or a table of prompts; the terms of its data are told."""
    from weighbridge.evaluation.arena.prompts import prompts_suite
    from weighbridge.evaluation.suite import find_suite

    place = Path(name)
    if place.is_file() and place.suffix.lower() in _TABLES:
        return prompts_suite(place, given["max_tokens"])
    suite = find_suite(name, given["data"])
    for notice in suite.notices:
        click.echo(f"note: {single_line(notice)}", err=True)
    return suite
