"""`weighbridge evaluate REF`: ask suites, keep the answers, score them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import evidence_lines, in_workspace, print_json, program
from weighbridge.dossier.visible import single_line
from weighbridge.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.cli.settings import Settings
    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.evaluation.campaign import Forecast
    from weighbridge.workflow.evaluation.measure import EngineChoice

__all__ = ["command"]

_MOST_NAMES = 3  # of other models in a batch, told one by one


@click.command(name="evaluate")
@click.argument("reference", metavar="REF")
@options.suites
@options.data
@options.limit
@options.again
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="URL",
    help="Address of an engine that serves the model: http://host/v1[#name]. Given several times, the questions are "
    "spread over all of them.",
)
@click.option(
    "--copies", type=click.IntRange(1, 64), default=1, help="Embedded engines of the model to start side by side."
)
@options.in_flight
@options.timeout_s
@click.option("--price", metavar="IN,OUT", help="Price of a million prompt tokens and a million written tokens.")
@click.option("--ray", metavar="ADDRESS|local", help="Ask from the workers of this Ray cluster; `local` starts one.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked and what it would take, and ask nothing.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Answers a second that `--dry-run` reckons with.")
@click.option(
    "--batch-out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what would be asked as the vendor's batch file, instead of asking it.",
)
@click.option(
    "--batch-in",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Take the answers of a batch from this file first; what it lacks is asked as usual.",
)
@options.workspace
@options.as_json
def command(reference: str, *, as_json: bool, **given: Any) -> None:
    """Ask a model the questions of one or more suites, and keep every answer.

    Answers that are in the store are not asked for again; scoring them anew calls no model. Ctrl-C ends the run with
    what it has; the same command goes on from there.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.engine.fleet import Fleet
    from weighbridge.engine.limits import Limits
    from weighbridge.evaluation.run import Session
    from weighbridge.workflow.evaluation.campaign import choose_engines, forecast, price_for
    from weighbridge.workflow.evaluation.measure import EngineChoice, measure

    addresses: tuple[str, ...] = given["engines"]
    settings = load_settings(
        weighed=reference, workspace=given["workspace"], engine=addresses[0] if len(addresses) == 1 else None
    )
    suites = _suites(given)
    limits = Limits(in_flight=given["in_flight"], timeout_s=given["timeout_s"])
    choice = EngineChoice(settings.engine, settings.key, limits)
    with settings.workspace.store() as store, settings.workspace.digest_cache() as cache:
        today = date.today()  # noqa: DTZ011 - evidence is dated by the calendar on the wall
        draw = today.toordinal() if given["again"] else 0
        session = Session(store, today, progress_on_stderr(), given["limit"], draw)
        artefact, suites = _looked_at(reference, suites, choice, session, cache)
        session = Session(
            store, today, session.progress, session.limit, draw, price_for(artefact, given["price"], settings.knowledge)
        )
        engine = choose_engines(artefact, choice, addresses, given["copies"])
        if isinstance(engine, str):
            raise UsageError(f"`{artefact.name}` cannot be evaluated: {engine}")
        if given["dry_run"]:
            _tell_forecast(forecast(suites, artefact, engine, session, rate=given["rate"]), as_json=as_json)
            return
        if given["batch_out"]:
            _write_batch(artefact, engine, suites, session, given["batch_out"], as_json=as_json)
            return
        if given["batch_in"]:
            _take_batch(artefact, engine, suites, session, given["batch_in"])
        known = {statement.id for statement in store.select(subject=artefact.digest)}
        if given["ray"]:
            from weighbridge.engine.ray_workers import RayFleet

            engine = RayFleet(engine.engines if isinstance(engine, Fleet) else [engine], given["ray"])
        results = measure(artefact, engine, suites, session)
    if as_json:
        statements = [{"id": statement.id, **statement.to_json()} for statement in results]
        print_json("evaluate", {"digest": artefact.digest, "evidence": statements})
    else:
        _tell(artefact, results, known)
    _end(results, session, len(suites))
    if not as_json:
        click.echo(f"Next: `{program()} decide {single_line(reference)}{_workspace(settings)}`")


def _write_batch(
    artefact: Artefact, engine: Engine, suites: Sequence[Suite], session: Session, place: Path, *, as_json: bool
) -> None:
    """Write the batch file, and say what to do with it."""
    from weighbridge.workflow.evaluation.batch import write_batch

    count = write_batch(artefact.digest, engine, suites, session, place)
    if as_json:
        print_json("batch", {"file": str(place), "requests": count})
        return
    click.echo(f"{count:,} requests in {single_line(str(place))}")
    click.echo("\nNext: hand it to the vendor's batches, and give the results with `--batch-in` to the same command")


def _take_batch(artefact: Artefact, engine: Engine, suites: Sequence[Suite], session: Session, place: Path) -> None:
    """Take the answers of a batch, and say on stderr what could not be taken."""
    from weighbridge.workflow.evaluation.batch import take_batch

    taken = take_batch(artefact.digest, engine, suites, session, place)
    click.echo(f"note: {taken.kept:,} answers were taken from {single_line(str(place))}", err=True)
    if taken.strangers:
        click.echo(f"warning: {taken.strangers:,} of its lines answer other questions than these", err=True)
    for name, count in list(taken.other_models.items())[:_MOST_NAMES]:
        click.echo(
            f"warning: {count:,} of the answers name the model `{single_line(name)}`, which is not what was asked",
            err=True,
        )
    for why in taken.failures:
        click.echo(f"warning: of {taken.failed:,} without an answer: {single_line(why)}", err=True)


def _workspace(settings: Settings) -> str:
    """Return the option that names the workspace, where it is not the default."""
    return in_workspace(settings.workspace.path)


def _suites(given: dict[str, Any]) -> list[Suite]:
    """Load the suites, and tell the terms of their data."""
    from weighbridge.evaluation.suite import find_suite
    from weighbridge.workflow.evaluation.measure import STARTER_SUITES

    data, names = given["data"], given["suites"]
    if twice := next((name for number, name in enumerate(names) if name in names[:number]), None):
        raise UsageError(f"the suite `{single_line(twice)}` is named twice", hint="name each suite once")
    if data is not None and len(given["suites"]) != 1:
        raise UsageError("`--data` is the data of one suite", hint="name that one with `--suite`")
    suites = [find_suite(name, data) for name in given["suites"] or STARTER_SUITES]
    digests = [suite.digest for suite in suites]
    if twice := next((suite for at, suite in enumerate(suites) if suite.digest in digests[:at]), None):
        raise UsageError(f"the suite `{single_line(twice.name)}` is given twice", hint="name each suite once")
    for notice in (notice for suite in suites for notice in suite.notices):
        click.echo(f"note: {single_line(notice)}", err=True)
    return suites


def _looked_at(
    reference: str, suites: list[Suite], choice: EngineChoice, session: Session, cache: DigestCache
) -> tuple[Artefact, list[Suite]]:
    """Pin the model, inspect its files, and leave out what cannot be asked."""
    from weighbridge.core.reference import Reference
    from weighbridge.hub.protocol import resolve

    parsed = Reference.parse(reference)
    if parsed.kind == "endpoint":  # it has no files: half the start-up is the inspection's
        return resolve(parsed, cache, session.progress), suites
    from weighbridge.workflow.evaluation.measure import askable
    from weighbridge.workflow.inspection.look import look

    inspected = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress)
    able, gaps = askable(suites, inspected, choice)
    for gap in gaps:
        click.echo(f"warning: {gap}", err=True)
    return inspected.artefact, able


def _tell(artefact: Artefact, results: Sequence[Evidence], known: set[str]) -> None:
    """Print the results, and what they cost."""
    click.echo(f"{single_line(artefact.name)}\n")
    for line in evidence_lines(results):
        click.echo(line)
    made = [statement.body["calls"] for statement in results if statement.id not in known]
    calls, reused, failed = (sum(count[key] for count in made) for key in ("calls", "reused", "failed"))
    reused += sum(s.body["calls"]["asked"] for s in results if s.id in known)
    click.echo(f"\n{calls} calls, {reused} answers from the store, {failed} questions without an answer")
    prices = [count["price"] for count in made if count.get("price") is not None]
    if prices:
        currency = next(count["currency"] for count in made if count.get("price") is not None)
        click.echo(f"{sum(prices):.4f} {currency} for the tokens that the engine counted")


def _end(results: Sequence[Evidence], session: Session, n_suites: int) -> None:
    """Raise Interrupted where the run did not come to its end."""
    if session.stop.asked:
        asked = sum(s.body["calls"]["asked"] - s.body["calls"]["failed"] for s in results)
        raise Interrupted(
            f"stopped: {asked:,} answers are kept; {len(results)} of {n_suites} suites were begun, see their coverage",
            hint="run the same command again: it goes on from there",
        )
    if any(statement.body["calls"]["coverage"] == 0 for statement in results):
        raise Interrupted(
            "a suite got no answer at all",
            hint="`weighbridge evidence show` tells what the engine said; then run it again",
        )


def _tell_forecast(rows: Sequence[Forecast], *, as_json: bool) -> None:
    """Say what would be asked."""
    if as_json:
        print_json("plan", {"suites": [row.to_json() for row in rows]})
        return
    for row in rows:
        click.echo(
            f"  {row.suite:<16}{row.calls:>7,} calls ({row.stored:,} of {row.questions:,} answers are in the store), "
            f"{row.prompt_tokens_low:,} to {row.prompt_tokens_high:,} prompt tokens, "
            f"at most {row.output_tokens_at_most:,} written"
        )
    click.echo(
        f"\nWould make {sum(row.calls for row in rows):,} calls, retries not counted. "
        "Prompt tokens are estimated from bytes, without the tokenizer."
    )
    if rows and rows[0].currency is not None:
        low, high = (sum(getattr(row, name) or 0.0 for row in rows) for name in ("price_low", "price_high"))
        click.echo(f"Price: {low:.4f} to {high:.4f} {rows[0].currency}, the most if every answer takes all its tokens")
    else:
        click.echo("Price: not known; `--price IN,OUT` says it per million tokens")
    if rows and rows[0].seconds is not None:
        click.echo(f"Duration at the rate given: {sum(row.seconds or 0.0 for row in rows):,.0f} s")
