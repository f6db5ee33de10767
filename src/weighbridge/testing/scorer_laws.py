"""The laws of a scorer: what every plug-in of `weighbridge.scorers` must keep.

In the test module of a scorer, for pytest; `item` is one that it can mark, `answers` are answers to it:

    TestMyScorer = laws_of_a_scorer(my_scorer, Item("q", "1+1=", answer="2"), answers=["2", "3"])
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.testing.law import hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["ScorerLaws", "hostile_texts", "laws_of_a_scorer"]

_MAX_SAID = 4_000
_MAX_REASON = 300
_LONG = 100_000
_PIECES = (
    *("a", "A", "1", "\u4e00", "\u0663", " ", "\n", "\t", "\0", "\ud800", "\u202e", "e\u0301\u0301"),
    *("(", "[", "{", "<", "((", "[[", "{{", '{"a":', "<think>", "</think>", "<tool_call>", "```", "`", "$"),
    *("*", "**", "***", "- ", "# ", "####", "1,", "1.", "1 000 ", "1/", "=", "= 1 ", "-", "%", '"', "'", "\\"),
    *("/", ":", "\\boxed{", "Answer: ", "answer is A ", "The answer is 1. ", "\u7b54\u6848\u662f", "A or B "),
    *("I cannot. ", "NaN ", "null ", "&amp;", "../"),
)


def hostile_texts() -> Iterator[str]:
    """Yield answers that break careless readers: empty, long repeats of what readers look for, and all of it mixed."""
    yield ""
    for piece in _PIECES:
        yield piece
        yield piece * (_LONG // len(piece))
    yield "".join(_PIECES) * 20


class ScorerLaws:
    """One method a law. `scorer`, `item` and `answers` are overridden for the scorer under test."""

    def scorer(self, item: Any, completion: Completion) -> Any:
        """Mark one answer; overridden."""
        raise NotImplementedError

    def item(self) -> Any:
        """Return an item that the scorer can mark; overridden."""
        raise NotImplementedError

    def answers(self) -> Sequence[str]:
        """Return answers to the item; overridden."""
        raise NotImplementedError

    def test_every_answer_gets_a_mark_or_a_reason(self) -> None:
        """No text raises, and marks stay small: they stand in evidence."""
        for text in (*self.answers(), *hostile_texts()):
            for outcome in (Outcome.ANSWERED, Outcome.TRUNCATED):
                _hold_mark(self.scorer(self.item(), Completion(outcome, text)))

    def test_a_mark_depends_on_nothing_else(self) -> None:
        """The same item and answer give the same mark; neither is changed; how long the answer took is no matter."""
        item = self.item()
        before = digest_of([item.id, item.question, list(item.choices), item.answer, item.group, dict(item.data)])
        for text in self.answers():
            completion = Completion(Outcome.ANSWERED, text)
            first = self.scorer(item, completion)
            hold(self.scorer(item, completion) == first, f"the same answer gets the same mark: {text[:80]!r}")
            slower = replace(completion, total_s=9.0, attempts=3, served_model="another", completion_tokens=7)
            hold(self.scorer(item, slower) == first, "a mark is of the answer, not of the way it came")
        after = digest_of([item.id, item.question, list(item.choices), item.answer, item.group, dict(item.data)])
        hold(before == after, "a scorer leaves the item as it was")

    def test_answers_differ(self) -> None:
        """Of the answers given, not all get the same mark: a scorer that cannot tell them apart measures nothing."""
        marks = {self.scorer(self.item(), Completion(Outcome.ANSWERED, text)) for text in self.answers()}
        hold(len(marks) > 1, "a scorer tells answers apart")

    def test_an_item_of_another_suite_is_survived(self) -> None:
        """An item without answer, choices and data, and data of any shape, get a mark or a reason."""
        bare = replace(self.item(), choices=(), answer="", data={})
        shapes: tuple[Any, ...] = (None, 1, "text", [], [1], {}, {"any": 1}, [None], [{}], [[]])
        names = dict(self.item().data)
        broken = [replace(self.item(), data={**names, name: shape}) for name in names for shape in shapes]
        for item in (bare, *broken):
            for text in self.answers():
                _hold_mark(self.scorer(item, Completion(Outcome.ANSWERED, text)))


def _hold_mark(mark: Any) -> None:
    """Hold a mark to its form: a label with what was said, or a reason; bounded."""
    if hasattr(mark, "reason"):
        hold(isinstance(mark.reason, str) and 0 < len(mark.reason) <= _MAX_REASON, "a reason is one short sentence")
    else:
        hold(isinstance(mark.label, str) and bool(mark.label), "a mark has a label")
        hold(isinstance(mark.said, str) and len(mark.said) <= _MAX_SAID, "`said` is short: it stands in evidence")


def laws_of_a_scorer(scorer: Callable[[Any, Completion], Any], item: Any, answers: Sequence[str]) -> type[ScorerLaws]:
    """Return the laws as a class, which pytest collects where its name begins with `Test`."""
    given = answers

    class TestScorerLaws(ScorerLaws):
        def scorer(self, item: Any, completion: Completion) -> Any:
            return scorer(item, completion)

        def item(self) -> Any:
            return item

        def answers(self) -> Sequence[str]:
            return given

    return TestScorerLaws
