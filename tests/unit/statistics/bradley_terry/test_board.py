"""The table, its ranks, the votes that hold up the leader, and the next pair."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry import (
    clustered_covariance,
    collect,
    count_cells,
    drop_robustness,
    fit,
    leaderboard,
    pair_chances,
    rank_intervals,
)


def test_the_table_names_models_best_first() -> None:
    """Ratings with intervals by prompt, the number of votes each, and ranks that the votes allow."""
    first = ["a", "a", "b", "c", "a", "b"] * 20
    second = ["b", "c", "c", "a", "b", "a"] * 20
    outcome = ["first", "first", "first", "second", "tie", "second"] * 17 + ["second"] * 18
    votes = collect(first, second, outcome, [i // 6 for i in range(120)])
    table = leaderboard(votes)
    rating = fit(count_cells(votes))
    error = np.sqrt(np.diag(clustered_covariance(votes, rating)))
    assert [place.model for place in table] == [votes.models[i] for i in np.argsort(-rating.theta)]
    assert [place.rank for place in table] == [1, 2, 3]
    for place in table:
        i = votes.models.index(place.model)
        assert place.rating.value == pytest.approx(rating.theta[i])
        assert place.rating.high - place.rating.value == pytest.approx(1.959964 * error[i], rel=1e-6)
        assert place.rating.n == first.count(place.model) + second.count(place.model)
        assert place.ranks[0] <= place.rank <= place.ranks[1]


def test_a_table_of_islands_is_refused_by_name() -> None:
    """The message names the models, not their numbers."""
    with pytest.raises(UsageError, match="qwen"):
        leaderboard(collect(["qwen", "glm"], ["yi", "phi"], ["first", "tie"]))


def test_ranks_by_hand() -> None:
    """Ratings 3, 2.9 and 0 with errors of 0.1 each: the first two may change places, the third is last."""
    ranks = rank_intervals(np.array([3.0, 2.9, 0.0]), np.diag([0.01, 0.01, 0.01]))
    assert ranks == [(1, 2), (1, 2), (3, 3)]


def test_ranks_cover_the_truth() -> None:
    """Six models, two of them equal: the true ranks lie in the intervals in at least 95% of 1,000 seeded draws."""
    random, runs = np.random.default_rng(20261122), 1000
    truth = np.array([1.0, 0.8, 0.8, 0.3, 0.2, 0.0])
    above, level = (truth[None, :] > truth[:, None]).sum(1), (truth[None, :] >= truth[:, None]).sum(1)
    covered = np.zeros(6)
    for _ in range(runs):
        ranks = rank_intervals(truth + random.normal(scale=0.15, size=6), np.eye(6) * 0.15**2)
        covered += [low <= 1 + a and high >= n for (low, high), a, n in zip(ranks, above, level, strict=True)]
    assert (covered / runs >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / runs)).all()


def fewest_by_counting(cells: np.ndarray, most: int) -> int | None:
    """Return the fewest votes whose removal changes the leader, by trying every choice of up to `most` votes."""
    leader, places = fit(cells).theta.argmax(), [tuple(int(x) for x in place) for place in np.argwhere(cells)]
    for number in range(1, most + 1):
        for choice in itertools.combinations_with_replacement(places, number):
            less = cells.copy()
            for place in choice:
                less[place] -= 1
            if (less >= 0).all():
                try:
                    theta = fit(less).theta
                except UsageError:
                    continue
                if theta.max() > theta[leader] + 1e-9:
                    return number
    return None


@pytest.mark.parametrize("seed", range(8))
def test_the_votes_that_hold_up_the_leader_are_the_fewest(seed: int) -> None:
    """On small tables the verified number is what trying every choice finds, and never less."""
    cells = np.random.default_rng(seed).integers(0, 6, size=(3, 3, 3))
    cells[np.arange(3), np.arange(3)] = 0
    found, truth = drop_robustness(cells), fewest_by_counting(cells, 3)
    if truth is not None:
        assert found.votes == truth
    elif found.votes is not None:
        assert found.votes > 3


def test_dropping_is_verified_and_shared_out() -> None:
    """A lead of one vote in a thousand falls with two votes; the rival that then leads is named."""
    cells = np.zeros((3, 3, 3), np.int64)
    cells[0, 1, :2], cells[0, 2, :2], cells[1, 2, :2] = (251, 250), (200, 50), (200, 50)
    found = drop_robustness(cells)
    assert (found.leader, found.rival, found.votes) == (0, 1, 2)
    assert found.share == pytest.approx(2 / 1001)


def test_a_lead_that_nothing_takes_is_none() -> None:
    """Where the votes fall apart before the lead does, no number is made up."""
    cells = np.zeros((2, 2, 3), np.int64)
    cells[0, 1] = [5, 0, 1]
    found = drop_robustness(cells)
    assert (found.leader, found.votes, found.rival, found.share) == (0, None, None, None)


def test_without_votes_all_pairs_are_alike() -> None:
    """Nothing known: six pairs of four models, one sixth each."""
    chances = pair_chances(np.zeros((4, 4, 3)))
    assert chances[np.triu_indices(4, 1)] == pytest.approx(np.full(6, 1 / 6))
    assert np.tril(chances).sum() == 0
    with pytest.raises(UsageError, match="no pair among 1 models"):
        pair_chances(np.zeros((1, 1, 3)))


def test_the_next_pair_is_the_one_that_shrinks_most() -> None:
    """The closed form equals inverting the information with one more expected vote, pair by pair."""
    cells = np.random.default_rng(9).integers(0, 30, size=(5, 5, 3))
    cells[:, 4] = cells[4, :] = 0
    cells[4, 0] = [2, 1, 1]
    rating = fit(cells, ridge=1.0)
    gains = np.zeros((5, 5))
    before = np.sqrt(np.diag(rating.bread()))
    for i, j in itertools.combinations(range(5), 2):
        x = np.eye(5)[i] - np.eye(5)[j]
        p = 1 / (1 + np.exp(rating.theta[j] - rating.theta[i]))
        more = np.linalg.inv(rating.information + p * (1 - p) * np.outer(x, x) + np.eye(5) + 1 / 5) - 1 / 10
        gains[i, j] = (before - np.sqrt(np.diag(more))).sum()
    chances = pair_chances(cells, ridge=1.0)
    assert chances == pytest.approx(gains / gains.sum(), abs=1e-9)
    assert 4 in np.unravel_index(chances.argmax(), (5, 5))
