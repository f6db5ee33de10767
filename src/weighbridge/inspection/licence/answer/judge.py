"""Judge an intended use by licence clauses: a pure function. It is a reading aid, not legal advice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from weighbridge.core.kinds.licence import AnswerWord
from weighbridge.inspection.licence.answer.condition import holds, not_said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.kinds.licence import GateBody
    from weighbridge.inspection.licence.answer.use import IntendedUse

__all__ = ["ANSWERS", "NOT_ADVICE", "Answer", "Reason", "judge"]

ANSWERS: tuple[AnswerWord, ...] = get_args(AnswerWord)  # the mildest first
NOT_ADVICE = "Not legal advice: a reading aid that quotes the clauses; counsel decides"


@dataclass(frozen=True, slots=True)
class Reason:
    """One clause that counts: what follows from it, and its words.

    `missing` are the inputs that are not said and on which it depends; for a duty they say that it may not apply.
    """

    says: str
    kind: str
    clause: str
    quote: str
    licence: str
    licensor: str
    source: str
    missing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "says": self.says,
            "kind": self.kind,
            "clause": self.clause,
            "quote": self.quote,
            "licence": self.licence,
            "licensor": self.licensor,
            "source": self.source,
            "missing": list(self.missing),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one use, with every clause that it rests on."""

    answer: AnswerWord
    forbidden: tuple[Reason, ...] = ()
    licences_needed: tuple[Reason, ...] = ()
    questions: tuple[Reason, ...] = ()
    duties: tuple[Reason, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "answer": self.answer,
            "needs_licence_from": sorted({reason.licensor for reason in self.licences_needed}),
            "forbidden": [reason.to_json() for reason in self.forbidden],
            "licences_needed": [reason.to_json() for reason in self.licences_needed],
            "questions": [reason.to_json() for reason in self.questions],
            "duties": [reason.to_json() for reason in self.duties],
            "advice": NOT_ADVICE,
        }


def judge(use: IntendedUse, gates: Iterable[GateBody] | None, *, multimodal: bool | None = None) -> Answer:
    """Answer whether a use is allowed by all of these clauses; None for clauses means that no terms are known.

    The worst clause decides: forbidden, then a licence to get, then a question, then duties. A clause whose condition
    rests on something that was not said becomes a question, a duty stays a duty that may not apply.
    `multimodal` says whether the model takes more than text. Nothing here reads a clock, a disk or the network.
    """
    if gates is None:
        reason = Reason("The terms are not known: which licence is it?", "ask", "", "", "", "", "")
        return Answer("a human must decide", questions=(reason,))
    found: dict[str, list[Reason]] = {"forbidden": [], "needs-licence": [], "ask": [], "duty": []}
    for gate in gates:
        met = holds(gate.when, use, multimodal=multimodal)
        if met is False:
            continue
        missing = () if met else not_said(gate.when, use, multimodal=multimodal)
        effect = gate.effect if met or gate.effect == "duty" else "ask"
        reason = _reason(gate, missing)
        if reason not in found[effect]:
            found[effect].append(reason)
    word = (
        "forbidden" if found["forbidden"]
        else "needs a licence" if found["needs-licence"]
        else "a human must decide" if found["ask"]
        else "allowed with duties" if found["duty"]
        else "allowed"
    )  # fmt: skip
    parts = (tuple(found[effect]) for effect in ("forbidden", "needs-licence", "ask", "duty"))
    return Answer(word, *parts)  # type: ignore[arg-type]


def _reason(gate: GateBody, missing: tuple[str, ...]) -> Reason:
    """Say what a clause means for a use; where its condition is open, as a question."""
    says = gate.says
    if missing and gate.effect != "duty":
        says = f"{gate.says}: does that apply? Not said: {', '.join(missing)}"
    kind = gate.duty or "other" if gate.effect == "duty" else gate.effect
    return Reason(says, kind, gate.clause, gate.quote, gate.licence, gate.licensor, gate.source, missing)
