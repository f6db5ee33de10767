"""Stop asking once a gap between two languages is shown, by an e-process that may be looked at at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.evaluation.behaviour.judging import judge_one
from weighbridge.evaluation.behaviour.rates import has_outcome, is_valid
from weighbridge.statistics.behaviour.discordant import DiscordantTest

if TYPE_CHECKING:
    from weighbridge.evaluation.behaviour.answered import Answered

__all__ = ["GapClear"]


class GapClear:
    """Hears the answers of a run in the order they were drawn, and says when one language is shown to avoid more.

    An answer that came early for being short must wait for its turn: refusals are short. Without a valid answer in both
    languages an item says nothing.
    """

    def __init__(self, first: str, second: str, *, alpha: float = 0.05) -> None:
        self.sides = (first, second)
        self._alpha = alpha
        self._waiting: dict[str, dict[str, bool]] = {}
        self._test = DiscordantTest()

    @property
    def clear(self) -> bool:
        """Whether the gap is shown."""
        return self._test.verdict(self._alpha) != "not shown"

    @property
    def sentence(self) -> str:
        """What the test says, for the notes of the report."""
        first, second = self.sides
        counts = f"{self._test.first_only} items avoided only in {first}, {self._test.second_only} only in {second}"
        said = {"first more": f"{first} avoids more", "second more": f"{second} avoids more"}
        verdict = said.get(self._test.verdict(self._alpha), "no gap shown")
        return f"stopped by an anytime-valid test: {verdict} (p {self._test.p_value:.2g}; {counts})"

    def __call__(self, answered: Answered) -> bool:
        """Take one answer; True once the gap is shown."""
        if answered.language in self.sides and answered.draw == 0:
            judged = judge_one(answered)
            if is_valid(judged):
                item = self._waiting.setdefault(answered.subject.id, {})
                item[answered.language] = has_outcome(judged, "avoided")
                if len(item) == len(self.sides):
                    one, other = (self._waiting[answered.subject.id][side] for side in self.sides)
                    del self._waiting[answered.subject.id]
                    if one != other:
                        self._test.add("first_only" if one else "second_only")
        return self.clear
