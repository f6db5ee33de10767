"""Where the models stand by people's votes: ratings, what they rest on, head to head, and how far voters agree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from weighbridge.core.estimate import Estimate
from weighbridge.errors import UsageError
from weighbridge.evaluation.arena.draw import count_votes
from weighbridge.evaluation.arena.style import FEATURES, style_of
from weighbridge.statistics.bradley_terry import (
    DropRobustness,
    Place,
    clustered_covariance,
    collect,
    count_cells,
    drop_robustness,
    fit,
    fit_style,
    leaderboard,
    strong_groups,
    style_differences,
)
from weighbridge.statistics.bradley_terry.votes import half_wins
from weighbridge.statistics.clustered import unit_mean_estimate
from weighbridge.statistics.interval import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.votes import Vote
    from weighbridge.statistics.bradley_terry import Votes

__all__ = ["Heads", "Ratings", "Styled", "agreement", "first_place", "heads", "rate", "rate_styled", "to_compare"]

_OUTCOMES = {"left": "first", "right": "second"}


@dataclass(frozen=True, slots=True)
class Ratings:
    """Bradley-Terry ratings of the models that have votes, best first, and the differences behind them.

    `why_not` says why there are none; then `places` is empty and `compare` names the pairs that would join the models.
    """

    places: tuple[Place, ...]
    robustness: DropRobustness | None
    leaders: tuple[str | None, str | None]
    differences: Mapping[tuple[str, str], Estimate]
    why_not: str
    compare: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Styled:
    """The same at equal style: `effects` is what one standard deviation of each feature is worth, in log odds."""

    places: tuple[tuple[str, Estimate], ...]
    effects: Mapping[str, Estimate]
    differences: Mapping[tuple[str, str], Estimate]
    why_not: str


@dataclass(frozen=True, slots=True)
class Heads:
    """Two models head to head; the share won by the first, a tie being half a win, clustered by prompt."""

    wins: int
    losses: int
    ties: int
    both_bad: int
    voters: int
    win_rate: Estimate | None
    identical: int
    missing: int


def rate(ballot: Ballot, votes: Sequence[Vote]) -> Ratings:
    """Return the ratings, or why there are none and which models to compare."""
    try:
        table = _table(ballot, votes)
        places = leaderboard(table)
    except UsageError as error:
        why = error.message if votes else "there are no votes yet"
        return Ratings((), None, (None, None), {}, why, to_compare(ballot, votes))
    rating = fit(count_cells(table))
    differences = _differences(table.models, rating.theta, clustered_covariance(table, rating), "Bradley-Terry")
    robust = drop_robustness(count_cells(table))
    rival = None if robust.rival is None else table.models[robust.rival]
    unmet = set(ballot.names) - set(table.models)
    why = f"no votes yet on {', '.join(sorted(unmet))}" if unmet else ""
    pairs = to_compare(ballot, votes) if unmet else ()
    return Ratings(tuple(places), robust, (table.models[robust.leader], rival), differences, why, pairs)


def rate_styled(ballot: Ballot, votes: Sequence[Vote], texts: Mapping[str, str]) -> Styled:
    """Return the ratings at equal length and markdown; `texts` holds the answers by recipe."""
    if not votes:
        return Styled((), {}, {}, "there are no votes yet")
    counts = {recipe: style_of(text) for recipe, text in texts.items()}
    first, second = (
        np.array([counts[str(ballot.recipe(getattr(vote, side), vote.prompt))] for vote in votes])
        for side in ("left", "right")
    )
    try:
        table = _table(ballot, votes)
        columns = style_differences(first, second)
        varied = [f for f in range(len(FEATURES)) if columns[:, f].any()]
        if not varied:
            return Styled((), {}, {}, "the answers do not differ in length or markdown")
        found = fit_style(table, columns[:, varied])
    except UsageError as error:
        return Styled((), {}, {}, error.message)
    k, spread = len(table.models), np.sqrt(np.maximum(np.diag(found.covariance), 0))
    method = "Bradley-Terry at equal style, sandwich by prompt"
    order = np.argsort(-found.theta, kind="stable")
    ratings = [_estimate(float(found.theta[i]), float(spread[i]), len(votes), method) for i in range(k)]
    effects = {
        FEATURES[f]: _estimate(float(found.effects[place]), float(spread[k + place]), len(votes), method)
        for place, f in enumerate(varied)
    }
    differences = _differences(table.models, found.theta, found.covariance[:k, :k], method)
    return Styled(tuple((table.models[i], ratings[i]) for i in order), effects, differences, "")


def to_compare(ballot: Ballot, votes: Sequence[Vote]) -> tuple[tuple[str, str], ...]:
    """Return pairs of models whose votes could join all: between the groups that no wins both ways join yet."""
    wins = half_wins(count_votes(ballot, list(votes)))
    groups, names = strong_groups(wins), ballot.names
    met = (wins + wins.T).sum(1)
    middle = [max(group, key=lambda model: met[model]) for group in groups]
    return tuple((names[one], names[two]) for one, two in pairwise(middle))


def heads(ballot: Ballot, votes: Sequence[Vote], pair: tuple[int, int]) -> Heads:
    """Return how the first model of a pair did against the second."""
    own = [vote for vote in votes if vote.pair == (min(pair), max(pair))]
    scores = [0.5 if vote.winner is None else float(vote.winner == pair[0]) for vote in own]
    shown = [tuple(ballot.body.models[model].shown[p] for model in pair) for p in range(len(ballot.body.prompts))]
    return Heads(
        wins=scores.count(1.0),
        losses=scores.count(0.0),
        ties=scores.count(0.5),
        both_bad=sum(vote.act.outcome == "both-bad" for vote in own),
        voters=len({vote.act.voter for vote in own}),
        win_rate=unit_mean_estimate(scores, [vote.prompt for vote in own]),
        identical=sum(one is not None and one == two for one, two in shown),
        missing=sum(None in both for both in shown),
    )


def first_place(votes: Sequence[Vote], pair: tuple[int, int] | None = None) -> Estimate | None:
    """Return the share of decisive votes for the left answer, clustered by prompt; one half where nobody minds."""
    decisive = [vote for vote in votes if vote.winner is not None and pair in {None, vote.pair}]
    return unit_mean_estimate(
        [float(vote.act.outcome == "left") for vote in decisive], [vote.prompt for vote in decisive]
    )


def agreement(votes: Sequence[Vote], pair: tuple[int, int] | None = None) -> Estimate | None:
    """Return how often two people say the same of one pair (first, second, or neither), clustered by prompt.

    None where no two people voted on the same two answers.
    """
    shown: dict[tuple[int, tuple[int, int]], list[int | None]] = {}
    for vote in votes:
        if pair in {None, vote.pair}:
            shown.setdefault((vote.prompt, vote.pair), []).append(vote.winner)
    same = [(key[0], float(one == two)) for key, said in shown.items() for one, two in combinations(said, 2)]
    return unit_mean_estimate([value for _, value in same], [prompt for prompt, _ in same])


def _table(ballot: Ballot, votes: Sequence[Vote]) -> Votes:
    """Return the votes as columns; two bad answers are a tie."""
    names = ballot.names
    return collect(
        [names[vote.left] for vote in votes],
        [names[vote.right] for vote in votes],
        [_OUTCOMES.get(vote.act.outcome, "tie") for vote in votes],
        [vote.prompt for vote in votes],
    )


def _differences(
    names: Sequence[str], theta: NDArray[np.float64], covariance: NDArray[np.float64], method: str
) -> dict[tuple[str, str], Estimate]:
    """Return every rating less every other, with the interval of the difference."""
    return {
        (names[i], names[j]): _estimate(
            float(theta[i] - theta[j]),
            float(np.sqrt(max(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j], 0))),
            0,
            method,
        )
        for i in range(len(names))
        for j in range(len(names))
        if i != j
    }


def _estimate(value: float, error: float, n: int, method: str) -> Estimate:
    half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * error
    return Estimate(value, value - half, value + half, n, method)
