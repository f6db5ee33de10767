"""What is known of each item before the first call: how earlier models and the baseline did on it.

Predictions only save calls. No verdict relies on them: features that are useless or hostile make it slower.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError
from weighbridge.statistics.sequential.logistic import Array, Belief, sigmoid, update
from weighbridge.statistics.sequential.plan import MAX_ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["History", "Predictor", "make_predictor"]

History: TypeAlias = NDArray[np.uint8] | NDArray[np.bool_] | NDArray[np.float32] | NDArray[np.float64]
_MAX_MODELS = 5_000
_PLAYERS = 64  # earlier models that play the candidate
_ROWS = 64  # models read at a time: 50 MB at 100,000 items
_PLAYED = 4_000  # items a player is fitted on
_FLAT = 1e-2  # precision of a coefficient that only data should tell
_VAGUE = (1.0, 0.5, 0.5, 1.0)  # standard deviations without earlier models: bias, stronger, weaker, baseline
_GUESS = (0.0, 0.5, 0.5, 2.5)  # means without earlier models
_DOUBT = 4.0  # earlier models that the vague belief counts for
_METHOD = "weighbridge.sequential-predictor/1"


@dataclass(frozen=True, slots=True)
class Predictor:
    """Features `x` [N, k] of the items, the belief about a new model's coefficients, and what both were made from.

    `baseline` is the mean score of the cached baseline, None without one. `digest` covers the inputs, not the
    features: the last bit of a logarithm differs between machines.
    """

    x: Array
    belief: Belief
    digest: str
    baseline: float | None

    @property
    def n_items(self) -> int:
        """Return the number of items."""
        return len(self.x)


@dataclass(frozen=True, slots=True)
class _Half:
    """Half of the earlier models: successes and answers of each item [N]."""

    successes: Array
    counts: Array

    def logit(self, without: Array | None = None) -> Array:
        """Return the logit of each item's success rate, shrunk by one answer at the mean; zeros without answers.

        `without` is a model's row [N] that is left out, NaN where it gave no answer.
        """
        successes, counts = self.successes, self.counts
        if without is not None:
            there = np.isfinite(without)
            successes, counts = successes - np.where(there, without, 0.0), counts - there
        if not counts.any():
            return np.zeros(len(counts))
        mean = (successes.sum() + 1.0) / (counts.sum() + 2.0)
        rate = np.clip((successes + mean) / (counts + 1.0), 1e-3, 1 - 1e-3)
        logit: Array = np.log(rate / (1 - rate))
        return logit


def make_predictor(
    n_items: int, *, history: History | None = None, baseline: History | None = None, seed: int = 0
) -> Predictor:
    """Return the predictor from earlier models' scores [J, N] and the baseline's cached scores [N].

    Scores lie in [0, 1]; NaN in `history` is an item that model was not asked. No history (or J = 0) and no baseline
    are fine. `seed` chooses which earlier models and items the prior is learned from, if there are many.
    Raises UsageError for shapes, sizes or scores outside these.
    """
    scores = _checked(history, n_items, "history")
    cached = None if baseline is None else _checked(baseline[None, :], n_items, "baseline")
    if cached is not None and not np.isfinite(cached).all():
        raise UsageError("the baseline's scores have gaps", hint="score what is missing as the run's policy says")
    answers = None if cached is None else cached[0].astype(np.float64)
    strong, weak, members = _halves(scores, n_items)
    x = _columns(strong.logit(), weak.logit(), None)
    surprise = None
    if answers is not None:
        expected = update(_vague(3), x, answers).mean
        surprise = (answers, expected)
        x = _columns(strong.logit(), weak.logit(), surprise)
    belief = _learn(scores, (strong, weak), members, surprise, seed)
    return Predictor(
        x, belief, _digest(n_items, scores, cached, seed), None if answers is None else float(answers.mean())
    )


def _checked(scores: History | None, n_items: int, name: str) -> History:
    """Return the scores as an array [J, N], or raise."""
    if not 1 <= n_items <= MAX_ITEMS:
        raise UsageError(f"a comparison cannot have {n_items} items", hint=f"1 to {MAX_ITEMS:,}")
    if scores is None:
        return np.zeros((0, n_items), dtype=np.uint8)
    if scores.ndim != 2 or scores.shape[1] != n_items or len(scores) > _MAX_MODELS:  # noqa: PLR2004 - models x items
        raise UsageError(
            f"the scores of `{name}` have the shape {scores.shape}",
            hint=f"models x items: at most {_MAX_MODELS:,} x {n_items:,}",
        )
    for rows in _rows(scores):
        if np.isinf(rows).any() or (rows < 0).any() or (rows > 1).any():
            raise UsageError(f"a score of `{name}` lies outside 0 to 1", hint="NaN stands for an item not asked")
    return scores


def _rows(scores: History) -> Iterator[Array]:
    """Yield the models' scores a few rows at a time, as floats."""
    for start in range(0, len(scores), _ROWS):
        yield scores[start : start + _ROWS].astype(np.float64)


def _halves(scores: History, n_items: int) -> tuple[_Half, _Half, NDArray[np.bool_]]:
    """Split the models at the median of their accuracy: stronger, weaker, and who is among the stronger [J]."""
    means = np.zeros(len(scores))
    for start, rows in zip(range(0, len(scores), _ROWS), _rows(scores), strict=False):
        there = np.isfinite(rows)
        means[start : start + len(rows)] = np.where(there, rows, 0).sum(axis=1) / np.maximum(1, there.sum(axis=1))
    members = np.zeros(len(scores), dtype=np.bool_)
    members[np.argsort(-means, kind="stable")[: (len(scores) + 1) // 2]] = True
    sums = np.zeros((2, 2, n_items))
    for start, rows in zip(range(0, len(scores), _ROWS), _rows(scores), strict=False):
        there = np.isfinite(rows)
        filled = np.where(there, rows, 0.0)
        for half, chosen in enumerate((members, ~members)):
            mine = chosen[start : start + len(rows)]
            sums[half, 0] += filled[mine].sum(axis=0)
            sums[half, 1] += there[mine].sum(axis=0)
    return _Half(sums[0, 0], sums[0, 1]), _Half(sums[1, 0], sums[1, 1]), members


def _columns(strong: Array, weak: Array, surprise: tuple[Array, Array] | None) -> Array:
    """Return the features: 1, both logits, and how far the baseline's answer lies from what they lead to expect."""
    columns = [np.ones(len(strong)), strong, weak]
    if surprise is not None:
        answers, coefficients = surprise
        columns.append(answers - sigmoid(np.column_stack(columns) @ coefficients))
    return np.column_stack(columns)


def _vague(size: int) -> Belief:
    """Return a belief that leaves everything to the data."""
    return Belief(np.zeros(size), np.eye(size) * _FLAT)


def _learn(
    scores: History,
    halves: tuple[_Half, _Half],
    members: NDArray[np.bool_],
    surprise: tuple[Array, Array] | None,
    seed: int,
) -> Belief:
    """Return the belief about a new model: each earlier model plays it, predicted from the others (empirical Bayes)."""
    size = 3 if surprise is None else 4
    guess = np.array(_GUESS[:size])
    if surprise is not None and not len(scores):
        mean = float(np.clip(surprise[0].mean(), 0.05, 0.95))
        guess[0] = np.log(mean / (1 - mean))
    vague = np.diag(np.square(_VAGUE[:size]))
    played = [] if len(scores) < 2 else _play(scores, halves, members, surprise, seed)  # noqa: PLR2004 - self and another
    if not played:
        return Belief(guess, np.linalg.inv(vague))
    table = np.array(played)
    mean = (table.sum(axis=0) + guess) / (len(table) + 1)
    off = table - mean
    spread = (off.T @ off + _DOUBT * vague) / (len(table) + _DOUBT)
    return Belief(mean, np.linalg.inv(spread))


def _play(
    scores: History,
    halves: tuple[_Half, _Half],
    members: NDArray[np.bool_],
    surprise: tuple[Array, Array] | None,
    seed: int,
) -> list[Array]:
    """Return the coefficients of each earlier model that plays the candidate."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 1))))
    n_items = scores.shape[1]
    items = np.sort(rng.permutation(n_items)[:_PLAYED])
    played = []
    for model in np.sort(rng.permutation(len(scores))[:_PLAYERS]):
        row = scores[model].astype(np.float64)
        if surprise is not None and np.array_equal(row, surprise[0]):
            continue  # the baseline itself, kept among the earlier models, says nothing about another
        mine = 0 if members[model] else 1
        logits = [half.logit(row) if number == mine else half.logit() for number, half in enumerate(halves)]
        x = _columns(logits[0], logits[1], surprise)
        asked = items[np.isfinite(row[items])]
        if len(asked):
            played.append(update(_vague(x.shape[1]), x[asked], row[asked]).mean)
    return played


def _digest(n_items: int, scores: History, cached: History | None, seed: int) -> str:
    """Return the digest of what the predictions are made from."""
    found = []
    for part in (scores, cached):
        if part is None:
            found.append("none")
            continue
        hasher = hashlib.sha256(repr(part.shape).encode())
        for rows in _rows(part):
            rows[np.isnan(rows)] = np.nan  # one bit pattern
            hasher.update((rows + 0.0).astype("<f4").tobytes())
        found.append(hasher.hexdigest())
    return digest_of({"method": _METHOD, "n_items": n_items, "history": found[0], "baseline": found[1], "seed": seed})
