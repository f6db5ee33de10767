"""Compare: candidate against baseline on one suite or several, until it is clear."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge.core.digest import digest_of, short
from weighbridge.engine.late import LateEngine
from weighbridge.errors import UsageError
from weighbridge.evaluation.compare.journal import FileJournal
from weighbridge.evaluation.compare.sequential import compare_until_clear, prepare
from weighbridge.evaluation.compare.sides import Side
from weighbridge.evaluation.compare.terms import Terms
from weighbridge.evaluation.run import Session
from weighbridge.statistics.multiple import Metric, gate
from weighbridge.statistics.power import minimum_detectable
from weighbridge.statistics.sequential import Sampler, expected_calls
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import EngineChoice, askable, choose_engine, compare_scores, measure
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.core.progress import Progress
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.compare.sequential import Prepared
    from weighbridge.evaluation.suite import Suite
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.statistics.multiple import GateVerdict
    from weighbridge.store.protocol import Store
    from weighbridge.workflow.inspection.look import Inspected

__all__ = ["GAPS", "Compared", "Forecast", "Match", "compare", "forecast"]

GAPS = (0.01, 0.02, 0.03, 0.05, 0.10)
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_PORTS = {"http": 80, "https": 443}
_DISCORDANCE = 0.23  # of the one real MMLU pair at hand: Mixtral-8x7B beside GPT-4-1106, lm-sys/RouteLLM


@dataclass(frozen=True, slots=True)
class Match:
    """Who is compared with whom, on what and how; `full` asks both all questions instead of stopping early."""

    candidate: str
    baseline: str
    suites: Sequence[Suite]
    on: date
    terms: Terms = field(default_factory=Terms)
    full: bool = False
    draw: int = 0
    engine: EngineChoice = field(default_factory=EngineChoice)
    baseline_engine: EngineChoice = field(default_factory=EngineChoice)


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparisons, what they say together where each has a verdict, and what could not be compared."""

    candidate: Artefact
    baseline: Artefact
    evidence: tuple[Evidence, ...]
    gate: GateVerdict | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a comparison on one suite would take: questions drawn by the gap between truth and threshold (shares).

    `detectable` is the least true difference that a run of *all* questions shows with 90% power, seen as a sample of
    questions like these.
    """

    suite: Suite
    plan: str
    baseline_stored: bool
    history: int
    drawn_by_gap: dict[float, int]
    detectable: float | None


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both models as found, with what answers for each."""

    candidate: Artefact
    baseline: Artefact
    suites: list[Suite]
    engines: tuple[Engine, Engine | None]
    missing: list[str]


def compare(
    match: Match,
    journals: Path,
    *,
    store: Store,
    cache: DigestCache | None = None,
    progress: Progress,
    tell: Callable[[Evidence], None] = lambda _evidence: None,
) -> Compared:
    """Look at both models, compare them suite by suite, and keep plans, comparisons and outcomes in the store.

    `journals` is the folder where comparisons under way are written down; `tell` hears of each result.
    """
    sides = _look(match, store, cache, progress)
    session = Session(store, match.on, progress, draw=match.draw)
    if match.full:
        evidence, missing = _whole_runs(sides, session, store)
        for one in evidence:
            tell(one)
        return Compared(sides.candidate, sides.baseline, tuple(evidence), None, (*sides.missing, *missing))
    evidence = run(_until_clear(match, sides, session, journals, tell))
    together = gate([_metric(one) for one in evidence], match.terms.alpha) if _gated(match, evidence) else None
    return Compared(sides.candidate, sides.baseline, tuple(evidence), together, tuple(sides.missing))


def forecast(match: Match, *, store: Store, cache: DigestCache | None = None, progress: Progress) -> list[Forecast]:
    """Return what the comparison would take; settling a prompt form may take one call a suite."""
    sides = _look(match, store, cache, progress)
    session = Session(store, match.on, progress, draw=match.draw)

    async def plan_all() -> list[Forecast]:
        async with AsyncExitStack() as stack:
            pair = await _pair(sides, stack)
            return [_foreseen(await prepare(suite, *pair, match.terms, session)) for suite in sides.suites]

    return run(plan_all())


async def _pair(sides: _Sides, stack: AsyncExitStack) -> tuple[Side, Side]:
    """Return both sides, each with an engine that starts when it is first asked and ends with the stack."""
    ours, theirs = sides.engines
    engine = await stack.enter_async_context(LateEngine(ours))
    other = await stack.enter_async_context(LateEngine(theirs)) if theirs is not None else None
    return Side(sides.candidate.digest, sides.candidate.name, engine), Side(
        sides.baseline.digest, sides.baseline.name, other
    )


def _look(match: Match, store: Store, cache: DigestCache | None, progress: Progress) -> _Sides:
    """Find both models, their engines, and the suites that both can be asked."""
    ours, theirs = (
        look(reference, on=match.on, cache=cache, store=store, progress=progress)
        for reference in (match.candidate, match.baseline)
    )
    if _what(ours.artefact) == _what(theirs.artefact):
        raise UsageError(
            f"`{match.candidate}` and `{match.baseline}` are the same artefact", hint="name the model in use today"
        )
    engine = choose_engine(ours.artefact, match.engine)
    if isinstance(engine, str):
        raise UsageError(f"`{ours.artefact.name}` cannot be asked: {engine}")
    other = choose_engine(theirs.artefact, match.baseline_engine)
    suites, missing = _askable(match, ours, theirs)
    if not suites:
        raise UsageError("no suite can be compared", hint="; ".join(missing) or "name one with `--suite`")
    baseline_engine = None if isinstance(other, str) else other
    return _Sides(ours.artefact, theirs.artefact, suites, (engine, baseline_engine), missing)


def _what(artefact: Artefact) -> str:
    """Return what an artefact is: its digest, or an endpoint whose machine may have been called by another name."""
    reference = artefact.reference
    if reference.kind != "endpoint":
        return artefact.digest
    parts = urlsplit(reference.target)
    try:
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # none that there is: asking will say so
        return artefact.digest
    host = "localhost" if parts.hostname in _THIS_MACHINE else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path}?{parts.query}#{reference.detail}"


def _askable(match: Match, ours: Inspected, theirs: Inspected) -> tuple[list[Suite], list[str]]:
    """Return the suites that are scored and that both sides can be asked, and why others are not."""
    scored = [suite for suite in match.suites if suite.measures == "score/v1"]
    missing = [f"`{suite.name}` has no right answers to compare" for suite in match.suites if suite not in scored]
    able, gaps = askable(scored, ours, match.engine)
    able, more = askable(able, theirs, match.baseline_engine)
    return able, [*missing, *gaps, *more]


async def _until_clear(
    match: Match, sides: _Sides, session: Session, journals: Path, tell: Callable[[Evidence], None]
) -> list[Evidence]:
    """Compare suite by suite; each engine is started once, and only if it is asked."""
    found = []
    async with AsyncExitStack() as stack:
        pair = await _pair(sides, stack)
        for suite in sides.suites:
            prepared = await prepare(suite, *pair, match.terms, session)
            with FileJournal(journals / f"{short(_question(prepared))}.jsonl") as journal:
                evidence = await compare_until_clear(prepared, session, journal)
            tell(evidence)
            found.append(evidence)
    return found


def _question(prepared: Prepared) -> str:
    """Return the digest of what is asked, whatever the budget: a larger one goes on in the same journal."""
    return digest_of({**prepared.plan.to_json(), "budget": None})


def _whole_runs(sides: _Sides, session: Session, store: Store) -> tuple[list[Evidence], list[str]]:
    """Ask both models everything, in one prompt form, and compare the scores."""
    ours, theirs = sides.engines
    if theirs is None:
        raise UsageError(f"nothing answers for `{sides.baseline.name}`", hint="give its address: `--baseline-engine`")
    mine = measure(sides.candidate, ours, sides.suites, session)
    forms = {evidence.body["suite"]["name"]: evidence.body["form"] for evidence in mine}
    others = measure(sides.baseline, theirs, sides.suites, session, forms=forms)
    return compare_scores(mine, others, sides.baseline.name, store=store)


def _gated(match: Match, evidence: Sequence[Evidence]) -> bool:
    """Say whether there is more than one non-inferiority verdict to join."""
    return match.terms.question == "noninferior" and len(evidence) > 1


def _metric(evidence: Evidence) -> Metric:
    """Return one comparison as a metric of the gate; what arithmetic settled is certain."""
    ended = evidence.body["sequential"]
    good, bad = math.exp(min(ended["log_e_up"], 700)), math.exp(min(ended["log_e_down"], 700))
    if ended["reason"] in {"arithmetic", "exhausted"}:
        good, bad = (math.inf, 0.0) if ended["verdict"] == "noninferior" else (0.0, math.inf)
    if ended["verdict"] is None:
        bad = min(bad, 1.0)  # answers that never came could have turned it
    return Metric(evidence.body["suite"]["name"], good, bad)


def _foreseen(prepared: Prepared) -> Forecast:
    """Return what a prepared comparison would take."""
    plan = prepared.plan
    variance = Sampler(plan, prepared.predictor).variance
    drawn = {gap: expected_calls(plan.n_items, variance, gap, plan.alpha_each) for gap in GAPS}
    detectable = minimum_detectable(plan.n_items, _DISCORDANCE, margin=plan.margin or 0.0)
    return Forecast(
        prepared.suite, plan.digest, prepared.stored is not None, len(prepared.history.ids), drawn, detectable
    )
