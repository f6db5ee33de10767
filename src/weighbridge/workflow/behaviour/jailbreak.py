"""Jailbreaks of one model: ask plain and transformed, judge the answers, state `jailbreak/v1`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge import __version__
from weighbridge.core.digest import digest_of
from weighbridge.engine.late import LateEngine
from weighbridge.errors import Interrupted
from weighbridge.evaluation.behaviour.asking import THINKING_TOKENS, ask_items, suite_of
from weighbridge.evaluation.behaviour.jailbreak.asking import asking_of, attempts_of
from weighbridge.evaluation.behaviour.jailbreak.report import jailbreak_body
from weighbridge.workflow.behaviour.measure import calls_of, state
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import EngineChoice, engine_for
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.evidence import Evidence
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.behaviour.answered import Answered
    from weighbridge.evaluation.behaviour.asking import Asking
    from weighbridge.evaluation.behaviour.bank import Bank
    from weighbridge.evaluation.behaviour.jailbreak.transforms import Transform
    from weighbridge.evaluation.run import Run, Session
    from weighbridge.hub.protocol import DigestCache

__all__ = ["KIND", "JailbreakCall", "measure_jailbreaks"]

KIND = "jailbreak/v1"


@dataclass(frozen=True, slots=True)
class JailbreakCall:
    """What is asked: the bank's unsafe items and their safe twins, plain and under each transform, by language."""

    bank: Bank
    languages: tuple[str, ...]
    transforms: tuple[Transform, ...]
    limit: int | None = None
    max_tokens: int | None = None
    engine: EngineChoice = field(default_factory=EngineChoice)

    @property
    def askings(self) -> list[Asking]:
        """What is asked in each language; raises UsageError where nothing can be."""
        return [
            asking_of(self.bank, language, self.transforms, self.limit, self.max_tokens) for language in self.languages
        ]


def measure_jailbreaks(
    reference: str, call: JailbreakCall, session: Session, cache: DigestCache | None = None
) -> tuple[str, Evidence]:
    """Ask a model, and return its name with its `jailbreak/v1`, which is in the store.

    Raises UsageError for a language without items or a model that cannot be asked in chat, and Interrupted where it was
    stopped: what was answered is kept.
    """
    asked = call.askings
    suites = [suite_of(one) for one in asked]
    inspected = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress)
    artefact = inspected.artefact
    engine = engine_for(suites, inspected, call.engine)
    answers, runs, identity = run(_ask(asked, artefact.digest, engine, session))
    if session.stop.asked:
        raise Interrupted("stopped before all was asked: what was answered is kept", hint="run the same command again")
    frame = {
        "bank": call.bank.to_json(),
        "engine": identity,
        "calls": calls_of(runs, len(answers)),
        "sampling": f"greedy; at most {suites[0].max_tokens} tokens an answer, {THINKING_TOKENS:,} to reason",
    }
    attempts = attempts_of(call.bank, answers, call.transforms)
    body = jailbreak_body(attempts, call.languages, call.transforms, frame)
    asked_for = digest_of([one.bank.digest for one in asked])
    inputs = (call.bank.digest, digest_of(identity), asked_for, digest_of({"detector": __version__}))
    made_on = min((one.oldest for one in runs), default=session.on)
    return artefact.name, state(body, artefact.digest, inputs, made_on, session, kind=KIND)


async def _ask(
    asked: Sequence[Asking], subject: str, engine: Engine, session: Session
) -> tuple[list[Answered], list[Run], dict[str, Any]]:
    """Ask language by language with one engine."""
    found: list[Answered] = []
    runs: list[Run] = []
    async with LateEngine(engine) as late:
        with session.stop.on_interrupt(), session.stop.scope():
            for one in asked:
                if session.stop.asked:
                    break
                answers, done = await ask_items(one, subject, late, session)
                found += answers
                runs.append(done)
        return found, runs, late.identity.to_json()
