"""The contest: what has been drawn, what each side said, and what is still waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import STORED
from weighbridge.evaluation.compare.found import Pair
from weighbridge.evaluation.compare.journal import damaged
from weighbridge.evaluation.marks import Marker, said_of
from weighbridge.evaluation.suite import Score

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.compare.journal import Journal
    from weighbridge.evaluation.marks import Mark
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.suite import Suite
    from weighbridge.statistics.sequential import Sampler

__all__ = ["Contest"]

_AT_ONCE = 8  # items drawn ahead of the lanes that ask them
_PATIENCE = 32  # answers that did not come before the round ends and they are asked again
_MOST_LOST = 0.1  # share of the drawn items that may stay without an answer


class Contest:
    """Draws items for the lanes of one engine or two, marks what they say, and hands the marks to the sampler.

    `theirs` holds the baseline's stored marks and answers by item id, None where the baseline is asked. An answer
    that never came is asked for again in a further round; then it counts as missing if it is one of few, else the
    contest ends without a verdict: an endpoint that is down says nothing about a model. `ahead` bounds how far one
    engine may run ahead of the other.
    """

    def __init__(
        self,
        suite: Suite,
        sampler: Sampler,
        journal: Journal,
        theirs: Mapping[str, tuple[str, str]] | None,
        *,
        ahead: int,
    ) -> None:
        self.sampler = sampler
        self.trouble = ""
        self._suite, self._journal, self._theirs, self._ahead = suite, journal, theirs, ahead
        self._mine: dict[int, Mark] = {}
        self._others: dict[int, Mark] = {}
        self._lost: dict[int, str] = {}
        self._queue = deque(item for entry in sampler.log if entry["event"] == "draw" for item in entry["ids"])
        scores = [entry for entry in sampler.log if entry["event"] == "score"]
        self._scored = {entry["item"]: (entry["candidate"], entry["baseline"]) for entry in scores}
        self._written = len(sampler.log) if len(sampler.log) > 1 else 0
        self._rounds = self._answered = self._given_up = 0
        self._retried: set[int] = set()
        self._echo: asyncio.Queue[int | None] = asyncio.Queue()
        self._moved = asyncio.Event()

    def open_round(self) -> bool:
        """Begin a round; False when there is a verdict and nothing is waited for, or `trouble`."""
        if self._rounds:
            if not self._lost and self.sampler.verdict is not None:
                return False
            if not self._answered:
                self.trouble = next(iter(self._lost.values()), "nothing was answered")
                return False
            if not self._give_up({item for item in self._lost if item in self._retried}):
                return False
        for item in self._lost:
            self._forget(item)
        self._queue.extend(self._lost)
        self._retried.update(self._lost)
        self._lost.clear()
        self._rounds, self._answered = self._rounds + 1, 0
        self._echo = asyncio.Queue()
        return self._rounds == 1 or bool(self._queue) or self.sampler.verdict is None

    def _forget(self, item: int) -> None:
        """Forget who did not answer: the other side's answer, heard again first, must not be held against nothing."""
        for marks in (self._mine, self._others):
            if item in marks and marks[item].completion.outcome not in STORED:
                del marks[item]

    def _give_up(self, twice: set[int]) -> bool:
        """Count what was asked for twice in vain as missing, where it is little; else say the trouble."""
        self._given_up += len(twice)
        drawn = sum(len(entry["ids"]) for entry in self.sampler.log if entry["event"] == "draw")
        if self._given_up > max(1, _MOST_LOST * drawn):
            why = next(iter(self._lost.values()))
            self.trouble = f"{self._given_up} of {drawn} items got no answer, the first: {why}"
            return False
        for item in twice:
            del self._lost[item]
            self._score(item)
        return True

    def close_round(self) -> None:
        """Tell the other side that no more items come."""
        self._echo.put_nowait(None)

    def order(self) -> Iterator[int]:
        """Yield the items to ask of the candidate."""
        while (item := self._next()) is not None:
            yield item

    async def order_beside(self) -> AsyncIterator[int]:
        """Yield the items to ask of the candidate while the baseline is asked, too, by `echo`."""
        while True:
            while self._waiting() > self._ahead and self.sampler.verdict is None:
                self._moved.clear()
                await self._moved.wait()
            if (item := self._next()) is None:
                return
            self._echo.put_nowait(item)
            yield item

    def _waiting(self) -> int:
        """Return how many items were handed out and are not answered by both."""
        return len(self.sampler.in_flight) - len(self._queue) - len(self._lost)

    async def echo(self) -> AsyncIterator[int]:
        """Yield the same items to ask of the baseline."""
        while (item := await self._echo.get()) is not None:
            yield item

    def _next(self) -> int | None:
        """Return the next item, drawing where none waits; None with a verdict, or with too many answers missing."""
        if not self._queue and self.sampler.verdict is None and len(self._lost) < _PATIENCE:
            self._queue.extend(self.sampler.next(_AT_ONCE)[0].tolist())
            self._write()
        return self._queue.popleft() if self._queue else None

    def hear(self, plan: Plan) -> Callable[[int, Completion], None]:
        """Return what hears the candidate's completions."""
        return self._hearer(plan, self._mine)

    def hear_baseline(self, plan: Plan) -> Callable[[int, Completion], None]:
        """Return what hears the baseline's completions."""
        return self._hearer(plan, self._others)

    def _hearer(self, plan: Plan, marks: dict[int, Mark]) -> Callable[[int, Completion], None]:
        marker = Marker.of(self._suite)

        def heard(item: int, completion: Completion) -> None:
            marks[item] = marker.mark(plan.items[item], completion, plan.recipes[item])
            if completion.outcome in STORED:
                self._answered += 1
            elif item not in self._scored:
                self._lost[item] = completion.detail or completion.outcome.value
            if item in self._mine and (self._theirs is not None or item in self._others) and item not in self._lost:
                self._score(item)
            self._moved.set()

        return heard

    def _score(self, item: int) -> None:
        """Hand both marks of an item to the sampler, once; of a contest that goes on, hold them against the journal.

        An answer without a mark counts against the candidate: as wrong if it is its own, as right if the baseline's.
        """
        mine = _value(self._mine.get(item))
        baseline = None
        if self._theirs is None:
            other = _value(self._others.get(item))
            baseline = 1.0 if other is None else other
        if item in self._scored:
            sides = (mark for mark in (self._mine[item], self._others.get(item)) if mark is not None)
            lost = any(mark.completion.outcome not in STORED for mark in sides)
            before, before_baseline = self._scored[item]
            told = before in (None, mine) and before_baseline in (None, 1.0, baseline)  # what was missing may have come
            if not told and not lost:
                raise damaged(self._journal.place, f"it marks item {item} otherwise than the answer in the store")
            return
        self._scored[item] = (mine, baseline)
        self.sampler.record(item, mine, baseline)
        self._write()

    def _write(self) -> None:
        """Write down what happened since."""
        self._journal.write(self.sampler.log[self._written :])
        self._written = len(self.sampler.log)

    def note(self) -> str:
        """Return how it stands, in one line."""
        now = self.sampler.standing().difference
        return "" if now is None else f"{100 * now.value:+.1f} points [{100 * now.low:.1f}, {100 * now.high:.1f}]"

    def pairs(self) -> list[Pair]:
        """Return what the test has seen, in drawn order."""
        draws = [
            (item, q)
            for entry in self.sampler.log
            if entry["event"] == "draw"
            for item, q in zip(entry["ids"], entry["q"], strict=True)
        ]
        n_items = self.sampler.plan.n_items
        seen = draws[: self.sampler.standing().released]
        return [Pair(self._mine[item], *self._other(item), q, n_items - place) for place, (item, q) in enumerate(seen)]

    def _other(self, item: int) -> tuple[str, str]:
        """Return the baseline's mark and answer."""
        if self._theirs is not None:
            return self._theirs[self._suite.items[item].id]
        mark = self._others[item]
        return mark.label, said_of(mark)


def _value(mark: Mark | None) -> float | None:
    """Return the score of a mark; None where there is none."""
    return float(mark.mark.label == "right") if mark is not None and isinstance(mark.mark, Score) else None
