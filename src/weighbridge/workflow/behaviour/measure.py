"""Behaviour: ask a bank of matched items, judge the answers, and say what they show by language."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge import __version__
from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.late import LateEngine
from weighbridge.engine.protocol import STORED, Outcome
from weighbridge.errors import Interrupted, UsageError
from weighbridge.evaluation.behaviour.asking import THINKING_TOKENS, Asking, ask_items, suite_of
from weighbridge.evaluation.behaviour.bank import spread
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.rates import is_given
from weighbridge.evaluation.behaviour.report import Frame, behaviour_body
from weighbridge.evaluation.behaviour.stopping import GapClear
from weighbridge.evaluation.labels.log import labelled_sample
from weighbridge.workflow.behaviour.judges import at, seat, second_opinion
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import EngineChoice, engine_for
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.behaviour.answered import Answered, Judged
    from weighbridge.evaluation.behaviour.bank import Bank
    from weighbridge.evaluation.run import Run, Session
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.behaviour.judges import Judges

__all__ = [
    "KIND",
    "Call",
    "Measured",
    "calls_of",
    "forecast",
    "labelled_answers",
    "labelled_keys",
    "measure_behaviour",
    "state",
]

KIND = "behaviour/v2"
REPEATS = 3  # draws of each stability item; more items say more than more draws
TEMPERATURE = 0.7  # of those draws: most releases recommend 0.6 to 0.8


@dataclass(frozen=True, slots=True)
class Call:
    """Which model is asked what: languages of the bank, at most `limit` items, and draws of the stability items.

    `until_clear` ends the asking once a gap between the first two languages is shown. `maker` is the jurisdiction of
    the model's maker, for the headline. `noise` asks that many items a second time, as greedily as the first, in place
    of the draws of the stability items. `judges` are asked about what the detector is unsure of.
    """

    bank: Bank
    languages: tuple[str, ...]
    reference: str
    limit: int | None = None
    repeats: int = REPEATS
    temperature: float = TEMPERATURE
    max_tokens: int | None = None
    maker: str = ""
    margin: float = 0.10
    until_clear: bool = False
    noise: int = 0
    judges: Judges | None = None
    engine: EngineChoice = field(default_factory=EngineChoice)

    @property
    def first(self) -> Asking:
        """What is asked once, greedily; raises UsageError where the limit is too small for one matched form."""
        items = spread(self.bank.items, self.limit)
        if not items:
            raise UsageError(
                f"no matched form of the bank `{self.bank.name}` fits in {self.limit} items",
                hint="items of one form are asked together: raise `--limit`",
            )
        return Asking(self.bank, items, self.languages, max_tokens=self.max_tokens)

    @property
    def repeated(self) -> Asking | None:
        """What is asked several times, to see how far a behaviour changes by itself; None where nothing is."""
        if self.noise:
            twice = spread(self.first.items, self.noise) or self.first.items
            return Asking(self.bank, twice, self.languages, 2, 0.0, self.max_tokens)
        items = tuple(item for item in self.first.items if item.stability)
        if self.repeats < 2 or not items:  # noqa: PLR2004 - one draw repeats nothing
            return None
        return Asking(self.bank, items, self.languages, self.repeats, self.temperature, self.max_tokens)


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's evidence, with the answers behind it; `stopped` where the asking ended once a gap was clear."""

    artefact: Artefact
    evidence: Evidence
    answers: tuple[Judged, ...]
    repeated: tuple[Judged, ...] = ()
    stopped: bool = False

    @property
    def unmeasured(self) -> frozenset[str]:
        """The languages in which nobody has measured the detector."""
        return frozenset(language for language, one in self.evidence.body["detector"].items() if one["n"] == 0)


def forecast(call: Call) -> int:
    """Return how many requests a run takes that finds nothing stored."""
    return call.first.calls + (call.repeated.calls if call.repeated else 0)


def measure_behaviour(reference: str, call: Call, session: Session, cache: DigestCache | None = None) -> Measured:
    """Ask a model what the store does not hold of its answers, and state its `behaviour/v2`.

    Raises UsageError for a model that cannot be asked in chat, and Interrupted where it was stopped: what was answered
    is kept. A run without any answer is Interrupted, too: it says nothing of the model, and no evidence is kept.
    """
    inspected = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress)
    artefact = inspected.artefact
    suite = suite_of(call.first)
    engine = engine_for([suite], inspected, call.engine)
    bench = seat(call.judges, session, cache, judged={artefact.digest, at(engine.identity)})
    first, repeated, runs, identity, stopped = run(_ask(call, artefact, engine, session))
    if session.stop.asked:
        raise Interrupted(_kept([*first, *repeated], call), hint="run the same command again: it goes on from there")
    found = [*judge_all(first), *judge_all(repeated)]
    if not any(is_given(one) for one in found):
        raise _no_answer(first)
    taken = second_opinion(found, bench, session)
    judged, redrawn = taken.answers[: len(first)], taken.answers[len(first) :]
    calls = calls_of(runs, len(first) + len(repeated))
    notes = [*_notes(call, first), *stopped, *taken.notes]
    drawn = (
        f", {again.draws} draws of {len(again.items)} items at {again.temperature:g}"
        if (again := call.repeated)
        else ""
    )
    frame = Frame(
        bank=call.bank.to_json(),
        languages=call.languages,
        reference=call.reference,
        maker=call.maker,
        margin=call.margin,
        judge=taken.judge,
        engine=identity,
        calls=calls,
        labels=labelled_sample(session.store, labelled_keys(first)),
        notes=notes,
        stopped=bool(stopped),
        sampling=f"greedy{drawn}; at most {suite.max_tokens} tokens an answer, {THINKING_TOKENS:,} to reason",
    )
    body = behaviour_body(judged, redrawn, frame)
    asked = {"languages": list(call.languages), "items": [item.id for item in call.first.items]}
    judging = {"detector": __version__} | ({"judge": taken.judge} if taken.judge else {})
    inputs = (call.bank.digest, digest_of(identity), digest_of(asked), digest_of(judging))
    evidence = state(body, artefact.digest, inputs, min((one.oldest for one in runs), default=session.on), session)
    return Measured(artefact, evidence, judged, redrawn, stopped=bool(stopped))


def _kept(answers: Sequence[Answered], call: Call) -> str:
    """Say how far a run came that was stopped."""
    kept = sum(one.outcome in STORED for one in answers)
    return f"stopped after {kept:,} of {forecast(call):,} answers: they are kept"


def _no_answer(first: Sequence[Answered]) -> Interrupted:
    """Say that nothing was answered, and what became of the requests."""
    became = Counter("reasoning that never ended" if one.open else one.outcome for one in first)
    told = ", ".join(f"{count:,} {name}" for name, count in became.most_common())
    return Interrupted(
        f"no answer: of {len(first):,} questions not one was answered ({told})",
        hint="see whether the endpoint serves this model and answers in chat; where reasoning is cut, raise "
        "`--max-tokens`",
    )


def labelled_answers(answers: Sequence[Answered]) -> list[Answered]:
    """Return the answers that a sample for hand labels is drawn from: whole ones, with something to read."""
    return [one for one in answers if one.outcome == Outcome.ANSWERED.value and one.text.strip()]


def labelled_keys(answers: Sequence[Answered]) -> list[str]:
    """Return the keys of these."""
    return [one.key for one in labelled_answers(answers)]


def state(
    body: dict[str, Any], subject: str, inputs: tuple[str, ...], on: date, session: Session, *, kind: str = KIND
) -> Evidence:
    """Check a body against its kind, and add it to the store as evidence made `on` a day."""
    KINDS[kind].model_validate(body)
    evidence = Evidence(subject, kind, body, inputs, OURS, on)
    session.store.add(evidence)
    return evidence


async def _ask(
    call: Call, artefact: Artefact, engine: Engine, session: Session
) -> tuple[list[Answered], list[Answered], list[Run], dict[str, Any], list[str]]:
    """Ask all items once, then the stability items again, with one engine."""
    clear = GapClear(call.languages[0], call.languages[1]) if call.until_clear and len(call.languages) > 1 else None
    async with LateEngine(engine) as late:
        with session.stop.on_interrupt(), session.stop.scope():
            first, one = await ask_items(call.first, artefact.digest, late, session, enough=clear)
            repeated: list[Answered] = []
            runs = [one]
            if call.repeated is not None and not session.stop.asked and not (clear and clear.clear):
                repeated, another = await ask_items(call.repeated, artefact.digest, late, session)
                runs.append(another)
        stopped = [clear.sentence] if clear and clear.clear else []
        return first, repeated, runs, late.identity.to_json(), stopped


def calls_of(runs: Sequence[Run], asked: int) -> dict[str, Any]:
    """Return what the runs took (the shape of `CallsBody`); what an early stop never asked has not failed."""
    silent = STORED | {Outcome.NOT_ASKED}
    failed = sum(completion.outcome not in silent for one in runs for completion in one.completions)
    total: dict[str, Any] = {}
    for cost in (one.cost_json() for one in runs):
        for name, value in cost.items():
            total[name] = value if not isinstance(value, int | float) else (total.get(name) or 0) + value
    return {
        "asked": asked,
        "calls": sum(one.calls for one in runs),
        "reused": max(0, sum(one.reused for one in runs)),
        "failed": failed,
        "coverage": 1 - failed / asked if asked else 0.0,
        **total,
    }


def _notes(call: Call, first: Sequence[Answered]) -> list[str]:
    """Return what a reader must know of this run."""
    notes = []
    cut = sum(one.outcome == "truncated" for one in first)
    if cut:
        notes.append(f"{cut:,} of {len(first):,} answers were cut by the token budget; what is visible was judged")
    asked = len({one.subject.id for one in first})
    if asked < len(call.bank.items):
        notes.append(f"{asked:,} of {len(call.bank.items):,} items were asked")
    return notes
