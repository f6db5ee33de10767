"""Pairwise votes as columns and as counts, and whether they join all models."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]

__all__ = ["OUTCOMES", "Votes", "collect", "count_cells", "half_wins", "require_connected", "strong_groups"]

OUTCOMES = {"first": 0, "second": 1, "tie": 2}  # the last axis of the cells: wins and losses of the first, ties
SHOWN = 4  # groups, and models of each, that a message names


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """n votes between K models, each a row: who was shown first and second, who won, on which prompt.

    `models` are the K names; `first`, `second` int[n] index them; `outcome` int[n] as in OUTCOMES; `prompt` int[n]
    numbers the prompts from 0.
    """

    models: tuple[str, ...]
    first: Ints
    second: Ints
    outcome: Ints
    prompt: Ints


def collect(
    first: Sequence[str], second: Sequence[str], outcome: Sequence[str], prompt: Sequence[Hashable] | None = None
) -> Votes:
    """Return the votes given as columns of labels; models in alphabetical order, each vote its own prompt by default.

    Raises UsageError where there are none, the lengths differ, an outcome is not first, second or tie, or a model
    meets itself.
    """
    lengths = {len(first), len(second), len(outcome)} | ({len(prompt)} if prompt is not None else set())
    if len(lengths) > 1 or 0 in lengths:
        raise UsageError(
            f"{min(lengths)} to {max(lengths)} entries in the columns of votes", hint="give one row for each vote"
        )
    models = sorted(dict.fromkeys(chain(first, second)))
    if unknown := set(outcome) - set(OUTCOMES):
        raise UsageError(
            f"a vote says {min(map(repr, unknown))[:40]}", hint=f"an outcome is one of: {', '.join(OUTCOMES)}"
        )
    prompts = range(len(first)) if prompt is None else prompt
    one, two = _numbers(models, first), _numbers(models, second)
    if (one == two).any():
        raise UsageError(
            f"{models[int(one[int(np.argmax(one == two))])]} is compared with itself",
            hint="leave out votes of a model against itself",
        )
    places = list(dict.fromkeys(prompts))
    return Votes(tuple(models), one, two, _numbers(list(OUTCOMES), outcome), _numbers(places, prompts))


def count_cells(votes: Votes) -> Ints:
    """Return the votes as counts, int[K, K, 3]: [i, j] holds the wins, losses and ties of i shown before j."""
    k = len(votes.models)
    return np.bincount(cell_codes(votes), minlength=k * k * 3).reshape(k, k, 3)


def cell_codes(votes: Votes) -> Ints:
    """Return the flat number of each vote's cell, int[n]."""
    return (votes.first * len(votes.models) + votes.second) * 3 + votes.outcome


def half_wins(cells: NDArray[Any]) -> Floats:
    """Return W[..., K, K], how often i beat j in either place, a tie as half a win of each, from [..., K, K, 3]."""
    won = cells[..., 0] + cells[..., 2] / 2
    lost = cells[..., 1] + cells[..., 2] / 2
    joined: Floats = won + np.swapaxes(lost, -1, -2)
    return joined


def strong_groups(wins: NDArray[Any]) -> list[tuple[int, ...]]:
    """Return the groups of models joined by wins in both directions: the strong components of i -> j where W[i, j] > 0.

    Finite ratings exist exactly where there is one group (Ford, American Mathematical Monthly 64, 1957).
    """
    reach = (wins > 0) | np.eye(len(wins), dtype=bool)
    while True:
        further = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
        if (further == reach).all():
            break
        reach = further
    both = reach & reach.T
    return sorted({tuple(int(i) for i in np.flatnonzero(row)) for row in both})


def require_connected(cells: NDArray[Any], *, ridge: float = 0.0, names: Sequence[str] | None = None) -> None:
    """Raise UsageError, with the groups, where the votes do not determine the ratings.

    Without a ridge every model must be reached from every other by wins (or ties) in both directions; with one, by
    any votes: across groups that never met, a ridge would invent the ratings.
    """
    wins = half_wins(cells)
    groups = strong_groups(wins + wins.T if ridge > 0 else wins)
    if len(groups) == 1:
        return
    apart = [", ".join(str(names[i] if names else i) for i in group[:SHOWN]) for group in sorted(groups, key=len)]
    met = len(strong_groups(wins + wins.T)) == 1
    what = "no wins both ways join" if met else "no votes join"
    raise UsageError(
        f"{what} all models, so no rating compares them; groups apart: {'; '.join(apart[:SHOWN])}",
        hint="collect votes between the groups" + (", or rate with a ridge, which is a stated prior" if met else ""),
    )


def _numbers(names: Sequence[Hashable], column: Sequence[Hashable]) -> Ints:
    """Return the place of each entry of a column among the names."""
    index = {name: i for i, name in enumerate(names)}
    return np.fromiter(map(index.__getitem__, column), np.int64, len(column))
