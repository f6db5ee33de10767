"""Judge answers: what each one does, and what is only seen over the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.behaviour.answered import Judged
from weighbridge.evaluation.behaviour.run_flags import add_run_flags
from weighbridge.evaluation.detector.flags import answer_flags
from weighbridge.evaluation.detector.judge import judge_answer
from weighbridge.evaluation.detector.judgement import Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.evaluation.behaviour.answered import Answered

__all__ = ["judge_all", "judge_one"]

_READ = frozenset({Outcome.ANSWERED.value, Outcome.TRUNCATED.value, Outcome.EMPTY.value})
_NOTHING = Judgement("")


def judge_all(answers: Sequence[Answered], *, prefilled: bool = False) -> list[Judged]:
    """Judge the answers of one model in one run, in their order.

    `prefilled` says that the chat template writes an empty reasoning block itself.
    """
    return add_run_flags([judge_one(one) for one in answers], prefilled=prefilled)


def judge_one(answered: Answered) -> Judged:
    """Judge one answer; what never became one has no behaviour, and neither has reasoning that was cut."""
    if answered.outcome not in _READ or answered.open:
        return Judged(answered, _NOTHING)
    found = judge_answer(answered.question, answered.text, answered.language)
    return Judged(answered, found, frozenset(found.flags) | _flags_of_item(answered))


def _flags_of_item(answered: Answered) -> frozenset[str]:
    """Return the flags that need more than question and answer: the item's lines, the stream, the end."""
    cut = answered.outcome == Outcome.TRUNCATED.value
    if not (cut or answered.chunks or answered.subject.narratives):
        return frozenset()
    return frozenset(
        answer_flags(
            answered.question,
            answered.text,
            language=answered.language,
            narratives=answered.subject.narratives,
            finish="length" if cut else "",
            chunks=answered.chunks,
        )
    )
