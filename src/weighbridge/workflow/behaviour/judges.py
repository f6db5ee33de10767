"""Judges of behaviour as a use case: ask one model or two about the answers that the detector is unsure of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.engine.late import LateEngine
from weighbridge.errors import Interrupted, UsageError
from weighbridge.evaluation.arena.judge import Judge
from weighbridge.evaluation.behaviour.second_opinion import Taken, ask_opinion, take_opinions, unsure_texts
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import EngineChoice, choose_engine
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from weighbridge.engine.limits import Limits
    from weighbridge.engine.protocol import Engine, EngineIdentity
    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.behaviour.second_opinion import Opinion
    from weighbridge.evaluation.run import Session
    from weighbridge.hub.protocol import DigestCache

__all__ = ["Bench", "Judges", "at", "judge_imported", "plain_name", "seat", "second_opinion"]

_MOST_JUDGES = 2


@dataclass(frozen=True, slots=True)
class Judges:
    """The models that judge, by reference, each with the key for its own address."""

    references: tuple[str, ...]
    keys: tuple[str | None, ...] = ()
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """The judges as they were found: digest, name and engine of each."""

    seats: tuple[tuple[str, str, Engine], ...] = ()


def seat(
    judges: Judges | None, session: Session, cache: DigestCache | None = None, *, judged: Collection[str] = ()
) -> Bench:
    """Find the judges, before anybody is asked.

    `judged` tells whose answers they will see: by digest, by `at`, or by `plain_name` where nothing else is known.
    Raises UsageError for a judge that is one of them, for two that are one, or for a model that cannot be asked.
    """
    if judges is None:
        return Bench()
    if not 1 <= len(judges.references) <= _MOST_JUDGES:
        raise UsageError(f"{len(judges.references)} judges", hint="name one, or two of different makers")
    known: set[str] = set()
    seats = []
    for place, reference in enumerate(judges.references):
        artefact = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress).artefact
        key = judges.keys[place] if place < len(judges.keys) else None
        engine = choose_engine(artefact, EngineChoice(None, key, judges.limits))
        if isinstance(engine, str):
            raise UsageError(f"`{artefact.name}` cannot judge: {engine}")
        marks = {artefact.digest, at(engine.identity)} - {""}
        if (marks | {plain_name(artefact.name)}) & set(judged):
            raise UsageError(f"`{reference}` would judge its own answers", hint="name another judge")
        if marks & known:
            raise UsageError("the two judges are the same model", hint="take two of different makers")
        known |= marks
        seats.append((artefact.digest, artefact.name, engine))
    return Bench(tuple(seats))


def second_opinion(answers: Sequence[Judged], bench: Bench, session: Session) -> Taken:
    """Ask the judges about the unsure answers, and take what they agree on; an empty bench leaves all as it is.

    Raises Interrupted where it was stopped.
    """
    texts = unsure_texts(answers)
    if not bench.seats:
        return Taken(tuple(answers), None, ())
    if not texts:
        return Taken(tuple(answers), None, ("the detector was sure of every answer: no judge was asked",))
    return take_opinions(answers, [_ask(texts, *one, session=session) for one in bench.seats])


def judge_imported(
    answers: Sequence[Judged], judges: Judges, session: Session, cache: DigestCache | None = None
) -> Taken:
    """Ask the judges about answers of a file; what is known of who gave them is the name in its rows."""
    names = {plain_name(one.answered.model) for one in answers if one.answered.model}
    return second_opinion(answers, seat(judges, session, cache, judged=names), session)


def plain_name(name: str) -> str:
    """Return a model's name without its owner, for comparing: `openai/gpt-x` and `GPT-X` may be one model."""
    return name.rpartition("/")[2].strip().casefold()


def at(identity: EngineIdentity) -> str:
    """Return where an engine answers and under which name, "" for one without an address."""
    return f"{identity.address}#{identity.model}" if identity.address else ""


def _ask(texts: Sequence[tuple[str, str]], digest: str, name: str, engine: Engine, *, session: Session) -> Opinion:
    """Ask one judge."""

    async def ask() -> Opinion:
        async with LateEngine(engine) as late:
            with session.stop.on_interrupt(), session.stop.scope():
                judge = Judge(digest, name, late, getattr(engine, "reserve", None))
                return await ask_opinion(texts, judge, session)

    opinion = run(ask())
    if session.stop.asked:
        raise Interrupted("stopped before all was judged: the verdicts are kept", hint="run the same command again")
    return opinion
