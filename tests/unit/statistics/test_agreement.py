"""Cohen's kappa against published tables, and its interval by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from weighbridge.statistics.agreement import cohen_kappa


def _pairs(table: list[list[int]]) -> list[tuple[int, int]]:
    return [(row, column) for row, counts in enumerate(table) for column, n in enumerate(counts) for _ in range(n)]


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[20, 5], [10, 15]], 0.4),  # the worked example of the English Wikipedia, "Cohen's kappa", simple example
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676),  # Fleiss, Statistical Methods for Rates and Proportions, 18.1
        ([[0, 10], [10, 0]], -1.0),  # by definition: always the other label, even margins
    ],
)
def test_kappa_of_published_tables(table: list[list[int]], kappa: float) -> None:
    """The published value, inside its interval."""
    found = cohen_kappa(_pairs(table))
    assert found is not None
    assert found.value == pytest.approx(kappa, abs=5e-4)
    assert found.low <= found.value <= found.high
    assert found.n == sum(map(sum, table))


def test_full_agreement_is_no_point() -> None:
    """Five answers on which two people agree leave kappa open far down."""
    found = cohen_kappa([("a", "a"), ("b", "b"), ("a", "a"), ("b", "b"), ("a", "a")])
    assert found is not None
    assert found.value == found.high == 1
    assert found.low < 0.2


@pytest.mark.parametrize("pairs", [[], [("a", "a")] * 7])
def test_kappa_is_unknown_without_two_labels(pairs: list[tuple[str, str]]) -> None:
    """No pairs, or one label only: not defined, so not told."""
    assert cohen_kappa(pairs) is None


@pytest.mark.parametrize(("share", "accuracy"), [(0.5, 0.9), (0.25, 0.85), (0.5, 0.97)])
def test_interval_holds_the_true_kappa(share: float, accuracy: float) -> None:
    """Two people who each hit a hidden label with a known chance, 60 answers: 95% intervals hold kappa 93% or more."""
    draws = np.random.default_rng(20261122)
    agreed = accuracy**2 + (1 - accuracy) ** 2
    yes = share * accuracy + (1 - share) * (1 - accuracy)
    chance = yes**2 + (1 - yes) ** 2
    truth, held, rounds = (agreed - chance) / (1 - chance), 0, 1500
    for _ in range(rounds):
        pairs = []
        for _ in range(60):
            hidden = draws.random() < share
            one, two = (hidden == (draws.random() < accuracy) for _ in range(2))
            pairs.append((one, two))
        found = cohen_kappa(pairs)
        held += found is not None and found.low <= truth <= found.high
    assert held / rounds > 0.93
