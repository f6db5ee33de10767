"""Contamination: the probes of the suites that a user names, on one model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.engine.late import LateEngine
from weighbridge.errors import UsageError
from weighbridge.evaluation.contamination.measure import probe_suite
from weighbridge.evaluation.run import Session
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import EngineChoice, askable, choose_engine
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.core.progress import Progress
    from weighbridge.evaluation.suite import Suite
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.store.protocol import Store

__all__ = ["Suspicion", "probe"]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Which model is probed for which suites; `control` holds questions that it cannot have seen."""

    model: str
    suites: Sequence[Suite]
    on: date
    control: Suite | None = None
    most: int = 60
    draw: int = 0
    engine: EngineChoice = field(default_factory=EngineChoice)


def probe(
    suspicion: Suspicion,
    *,
    store: Store,
    cache: DigestCache | None = None,
    progress: Progress,
    tell: Callable[[Evidence], None] = lambda _evidence: None,
) -> tuple[Artefact, list[Evidence]]:
    """Probe suite by suite, on one engine; `tell` hears of each. Raises UsageError where nothing can be asked."""
    inspected = look(suspicion.model, on=suspicion.on, cache=cache, store=store, progress=progress)
    artefact = inspected.artefact
    engine = choose_engine(artefact, suspicion.engine)
    if isinstance(engine, str):
        raise UsageError(f"`{artefact.name}` cannot be asked: {engine}")
    suites, gaps = askable(suspicion.suites, inspected, suspicion.engine)
    if not suites:
        raise UsageError("no suite can be asked", hint="; ".join(gaps))
    session = Session(store, suspicion.on, progress, draw=suspicion.draw)
    found: list[Evidence] = []

    async def probe_all() -> None:
        async with LateEngine(engine) as late:
            for suite in suites:
                evidence = await probe_suite(
                    suite, artefact.digest, late, session, control=suspicion.control, most=suspicion.most
                )
                tell(evidence)
                found.append(evidence)

    run(probe_all())
    return artefact, found
