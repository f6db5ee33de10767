"""The sums of pairs: all that a running comparison remembers, as JSON values."""

from __future__ import annotations

import math
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.shadow.asking.judging import LEAST_CHANCE
from weighbridge.statistics.stream_mean import StreamMean, weighted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.shadow.pair import Outcome, Pair, Two

__all__ = ["BINS_PER_OCTAVE", "FLAGS", "RATIOS", "SAME_BAND", "Tally", "cell_of", "is_judged", "preference_of"]

FLAGS = ("refused", "in_form", "same_language", "cut")
RATIOS = ("chars", "total_s", "first_s")
BINS_PER_OCTAVE = 8  # so a ratio is known within 4.5%
SAME_BAND = 10
"""The band of answers that are the same; the others are the tenths of agreement, from 0 to 9."""

_MOST_BIN = 20 * BINS_PER_OCTAVE
_KEPT_DAYS = 31
_GUESS = 0.5  # of what is not judged: a tie
_LOW = weighted(0.0, LEAST_CHANCE, _GUESS)
_VALUES: dict[str, float] = {"win": 1.0, "loss": 0.0, "tie": 0.5}


class Tally:
    """Sums of pairs, copied from `body` (`Tally.empty` at first) and grown; `body` is what stays."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body: dict[str, Any] = deepcopy(dict(body))

    @staticmethod
    def empty() -> dict[str, Any]:
        """Return the sums of nothing."""
        named: dict[str, Any] = {name: {} for name in (*FLAGS, *RATIOS)}
        return named | {
            "since": None, "until": None, "pairs": 0, "gaps": 0, "unreadable": 0, "failed": {}, "cells": {},
            "agreement": {}, "measures": {}, "judge": {}, "days": {}, "cost": {}, "spent_out": {}, "concluded": None,
        }  # fmt: skip

    def add(self, pair: Pair, at: float) -> bool:
        """Add a pair, and return whether the preference counts it; raises ValueError for a chance that none has."""
        cell, body = cell_of(pair), self.body
        body["since"] = body["since"] or at
        body["until"] = max(body["until"] or at, at)
        body["pairs"] += 1
        if pair.failed:
            _grow(body["failed"], pair.failed[:40])
        for name in FLAGS:
            _add_flags(body[name], getattr(pair, name))
        for name in RATIOS:
            _add_ratio(body[name], getattr(pair, name), least=name == "chars")
        if pair.agreement is not None:
            _grow(body["agreement"], str(SAME_BAND if pair.same else min(SAME_BAND - 1, int(pair.agreement * 10))))
            _grow(body["measures"], pair.measure)
        self._add_judged(pair)
        self._add_cost(pair, at)
        body["gaps"] += pair.gap
        if cell:
            _grow(body["cells"], cell)
        return bool(cell)

    def _add_judged(self, pair: Pair) -> None:
        """Add what tells how good a judge is."""
        judge = self.body["judge"]
        if not pair.judged:
            return
        _grow(judge, "asked")
        if pair.judged == "none":
            _grow(judge, "unread")
        elif pair.judged != "tie":
            _grow(judge, "first" if (pair.judged == "win") == pair.first else "second")

    def _add_cost(self, pair: Pair, at: float) -> None:
        """Add what a pair cost, to its day and to all."""
        day = datetime.fromtimestamp(at, UTC).date().isoformat()
        days = self.body["days"]
        spent = pair.spent
        usd = {"usd": spent.usd + spent.embedding_usd, "judge_usd": spent.judge_usd}
        calls = {"calls": spent.calls, "judge_calls": spent.judge_calls, "embedding_calls": spent.embedding_calls}
        for sums in (days.setdefault(day, {}), self.body["cost"]):
            for name, amount in (usd | calls).items():
                if amount:
                    sums[name] = sums.get(name, 0) + amount
        for old in sorted(days)[:-_KEPT_DAYS]:
            del days[old]


def cell_of(pair: Pair) -> str:
    """Return the cell in which a pair counts for the preference, "" where it does not.

    Raises ValueError for a chance that no pair has.
    """
    if 0 < pair.chance < LEAST_CHANCE:
        raise ValueError(f"a chance of {pair.chance}")
    if pair.gap:
        return ""
    return pair.settled or (f"{pair.chance:g} {pair.judged}".rstrip() if pair.chance else "")


def preference_of(cells: Mapping[str, int], unread: Outcome) -> StreamMean:
    """Return the candidate's preference: 1 better, 0 worse, 0.5 a tie, weighted by the chances of judging.

    A judge's reply that could not be read counts as `unread`: a bound takes the outcome that is worst for it.
    Raises ValueError for cells that no pair has.
    """
    mean = StreamMean(_LOW, 1 - _LOW)
    for cell, count in cells.items():
        chance, _, judged = cell.rpartition(" ") if " " in cell else (cell, "", "")
        if cell in _VALUES:
            mean.add(_VALUES[cell], count)
        else:
            value = _VALUES[unread if judged == "none" else judged] if judged else None
            mean.add(weighted(value, float(chance), _GUESS), count)
    return mean


def is_judged(cells: Mapping[str, int]) -> bool:
    """Whether a judge's word is among the cells, or none was needed: all pairs were settled."""
    is_open = [cell for cell in cells if cell not in _VALUES]
    return not is_open or any(cell.rpartition(" ")[2] in _VALUES for cell in is_open)


def _grow(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _add_flags(counts: dict[str, int], two: Two) -> None:
    """Count a flag of both answers: neither, only ours, only theirs, both."""
    ours, theirs = two
    if ours is not None and theirs is not None:
        _grow(counts, ("both" if theirs else "ours") if ours else ("theirs" if theirs else "neither"))


def _add_ratio(counts: dict[str, int], two: Two, *, least: bool) -> None:
    """Count theirs over ours in bins of an eighth of an octave; with `least` nothing counts as one."""
    ours, theirs = two
    if ours is None or theirs is None:
        return
    if least:
        ours, theirs = max(ours, 1), max(theirs, 1)
    if ours > 0 and theirs > 0:
        place = round(BINS_PER_OCTAVE * math.log2(theirs / ours))
        _grow(counts, str(max(-_MOST_BIN, min(_MOST_BIN, place))))
