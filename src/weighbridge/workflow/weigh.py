"""Weigh: the main job, from a reference to a dossier."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.errors import DamagedFile, Interrupted
from weighbridge.evaluation.run import Session
from weighbridge.workflow.evaluation.measure import EngineChoice, askable, choose_engine, compare_scores, measure
from weighbridge.workflow.inspection.look import Inspected, look
from weighbridge.workflow.judge import dossier_of, judge, write_dossier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.decision.decide import Decision
    from weighbridge.decision.policy import Policy
    from weighbridge.evaluation.suite import Suite
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.store.protocol import Store

__all__ = ["Order", "Weighed", "weigh"]


@dataclass(frozen=True, slots=True)
class Order:
    """What to weigh, by which policy, with which questions, against what, and where the dossier goes."""

    reference: str
    policy: Policy
    suites: Sequence[Suite]
    on: date
    output: Path
    engine: EngineChoice = field(default_factory=EngineChoice)
    baseline: str | None = None
    baseline_engine: EngineChoice = field(default_factory=EngineChoice)
    limit: int | None = None
    draw: int = 0
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Weighed:
    """The result: the artefact, all evidence, the decision, the dossier's files, and what could not be done."""

    artefact: Artefact
    evidence: tuple[Evidence, ...]
    decision: Decision
    statement: Evidence
    files: tuple[Path, ...]
    missing: tuple[str, ...]


def weigh(
    order: Order,
    *,
    store: Store,
    cache: DigestCache | None = None,
    progress: Progress = silent,
    tell: Callable[[Artefact, Evidence], None] = lambda _artefact, _evidence: None,
) -> Weighed:
    """Resolve, inspect, evaluate, compare, decide and write the dossier.

    Every step keeps its evidence in `store` before the next begins, so that a killed run goes on where it
    was. `tell` hears of evidence as it comes. What cannot be done is in `missing`, never guessed.
    """
    inspected = look(order.reference, on=order.on, cache=cache, store=store, progress=progress)
    artefact = inspected.artefact
    for statement in inspected.evidence:
        tell(artefact, statement)
    told = partial(tell, artefact)
    measured, missing = _measured(order, inspected, store, progress, told)
    compared: list[Evidence] = []
    if order.baseline is not None:
        compared, gaps = _against_baseline(order, measured, store, cache, progress)
        missing += gaps
        for statement in compared:
            told(statement)
    decision, decided = judge(order.policy, artefact.digest, store=store, on=order.on)
    files = write_dossier(dossier_of(decided, store), order.output, ("html", "json", "markdown"), order.language)
    evidence = (*inspected.evidence, *measured, *compared)
    return Weighed(artefact, evidence, decision, decided, tuple(files), tuple(missing))


def _measured(
    order: Order, inspected: Inspected, store: Store, progress: Progress, tell: Callable[[Evidence], None]
) -> tuple[list[Evidence], list[str]]:
    """Evaluate where there is an engine; say why where there is none."""
    artefact = inspected.artefact
    if not order.suites:
        return [], ["behaviour is not looked at: there is no suite to ask"]
    engine = choose_engine(artefact, order.engine)
    if isinstance(engine, str):
        return [], [f"the behaviour of `{artefact.name}` is not looked at: {engine}"]
    session = Session(store, order.on, progress, order.limit, order.draw)
    suites, gaps = askable(order.suites, inspected, order.engine)
    try:
        measured = measure(artefact, engine, suites, session, tell=tell)
    except DamagedFile as error:
        return [], [*gaps, f"the behaviour of `{artefact.name}` is not looked at: {error.message}"]
    _end_where_stopped(session)
    return measured, gaps


def _end_where_stopped(session: Session) -> None:
    """Raise Interrupted where the user stopped the asking: half the evidence decides nothing."""
    if session.stop.asked:
        raise Interrupted("stopped before every question was asked", hint="run it again: it goes on where it was")


def _against_baseline(
    order: Order, measured: Sequence[Evidence], store: Store, cache: DigestCache | None, progress: Progress
) -> tuple[list[Evidence], list[str]]:
    """Ask the baseline the same questions in the same form, and compare."""
    scored = [suite for suite in order.suites if suite.measures == "score/v1"]
    if not measured or not scored:
        return [], [f"there is no comparison with `{order.baseline}`: no suite was scored"]
    baseline = look(str(order.baseline), on=order.on, cache=cache, store=store, progress=progress).artefact
    engine = choose_engine(baseline, order.baseline_engine)
    if isinstance(engine, str):
        return [], [f"there is no comparison with `{baseline.name}`: {engine}"]
    forms = {evidence.body["suite"]["name"]: evidence.body["form"] for evidence in measured}
    session = Session(store, order.on, progress, order.limit, order.draw)
    theirs = measure(baseline, engine, scored, session, forms=forms)
    _end_where_stopped(session)
    return compare_scores(measured, theirs, baseline.name, store=store)
