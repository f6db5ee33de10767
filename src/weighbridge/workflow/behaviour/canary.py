"""The canary asked again: every question anew, so that what answers now is what is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.engine.late import LateEngine
from weighbridge.errors import Interrupted
from weighbridge.evaluation.behaviour.asking import Asking, ask_items, suite_of
from weighbridge.evaluation.behaviour.canary.check import CanaryCheck, check_canary
from weighbridge.evaluation.behaviour.canary.rows import bank_of
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import engine_for
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.artefact import Artefact
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.behaviour.answered import Answered, Judged
    from weighbridge.evaluation.behaviour.canary.rows import CanaryRow
    from weighbridge.evaluation.run import Session
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.evaluation.measure import EngineChoice

__all__ = ["Checked", "ask_canary"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A model's answers to a canary, and what they show beside its references."""

    artefact: Artefact
    answers: tuple[Judged, ...]
    check: CanaryCheck


def ask_canary(
    reference: str,
    rows: Sequence[CanaryRow],
    choice: EngineChoice,
    session: Session,
    cache: DigestCache | None = None,
    *,
    draws: int = 2,
) -> Checked:
    """Ask every row `draws` times, greedily, and hold the answers against the references.

    The session's `draw` must be one that no run had before, or stored answers come back. Raises UsageError for a model
    that cannot be asked in chat, Interrupted where it was stopped.
    """
    inspected = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress)
    asked = [
        Asking(bank, bank.items, (language,), draws)
        for language in dict.fromkeys(row.language for row in rows)
        for bank in (bank_of(rows, language),)
    ]
    engine = engine_for([suite_of(one) for one in asked], inspected, choice)
    answers = judge_all(run(_ask(asked, inspected.artefact.digest, engine, session)))
    if session.stop.asked:
        raise Interrupted("stopped before all was asked", hint="run the same command again")
    return Checked(inspected.artefact, tuple(answers), check_canary(rows, answers))


async def _ask(asked: Sequence[Asking], subject: str, engine: Engine, session: Session) -> list[Answered]:
    """Ask language by language with one engine."""
    found: list[Answered] = []
    async with LateEngine(engine) as late:
        with session.stop.on_interrupt(), session.stop.scope():
            for one in asked:
                answers, _ = await ask_items(one, subject, late, session)
                found += answers
    return found
