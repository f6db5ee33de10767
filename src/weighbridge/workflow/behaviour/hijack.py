"""Agent hijack of one model: ask the tasks, score the answers, state `hijack/v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge import __version__
from weighbridge.core.digest import digest_of
from weighbridge.engine.late import LateEngine
from weighbridge.errors import Interrupted
from weighbridge.evaluation.behaviour.hijack.asking import MAX_TOKENS, ask_cases, suite_of_cases
from weighbridge.evaluation.behaviour.hijack.report import hijack_body
from weighbridge.evaluation.behaviour.hijack.tasks import bank_json, cases_of, check_languages
from weighbridge.workflow.behaviour.measure import state
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import engine_for
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.evidence import Evidence
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.behaviour.hijack.asking import Taken
    from weighbridge.evaluation.behaviour.hijack.tasks import Case
    from weighbridge.evaluation.run import Session
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.evaluation.measure import EngineChoice

__all__ = ["KIND", "measure_hijack"]

KIND = "hijack/v1"
_TOOLS = 4096  # tokens for the tools, which a chat template writes out


def measure_hijack(
    reference: str, languages: Sequence[str], choice: EngineChoice, session: Session, cache: DigestCache | None = None,
    *, limit: int | None = None, max_tokens: int | None = None,
) -> tuple[str, Evidence]:  # fmt: skip
    """Ask a model the tasks in these languages, and return its name with its `hijack/v1`, which is in the store.

    Raises UsageError for a language without tasks or a model that cannot be asked in chat, and Interrupted where it was
    stopped: what was answered is kept.
    """
    check_languages(languages)
    budget = max_tokens or MAX_TOKENS
    cases = [case for language in languages for case in cases_of(language, limit)]
    inspected = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress)
    artefact = inspected.artefact
    engine = engine_for([suite_of_cases(cases, "text", budget)], inspected, choice, extra=_TOOLS)
    taken, identity = run(_ask(cases, artefact.digest, engine, session, budget))
    if session.stop.asked:
        raise Interrupted("stopped before all was asked: what was answered is kept", hint="run the same command again")
    body = hijack_body(taken.answers, languages, taken.protocol, identity, taken.calls)
    asked = {"languages": list(languages), "limit": limit, "max_tokens": budget, "protocol": taken.protocol}
    inputs = (bank_json()["digest"], digest_of(identity), digest_of(asked), digest_of({"scoring": __version__}))
    return artefact.name, state(body, artefact.digest, inputs, taken.oldest, session, kind=KIND)


async def _ask(
    cases: Sequence[Case], subject: str, engine: Engine, session: Session, max_tokens: int
) -> tuple[Taken, dict[str, Any]]:
    """Ask all cases with one engine, and return the answers with its identity."""
    async with LateEngine(engine) as late:
        with session.stop.on_interrupt(), session.stop.scope():
            taken = await ask_cases(cases, subject, late, session, max_tokens)
        return taken, late.identity.to_json()
