"""Partial pooling against the book's example and a brute-force posterior in other coordinates."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.special import betaln

from weighbridge.statistics.behaviour.pooling import _posterior, pooled_rates

# 71 groups of rats, tumours of rats: Tarone 1982, as table 5.1 of Bayesian Data Analysis, 3rd ed.
# fmt: off
TUMOURS = [0]*14 + [1]*8 + [2]*9 + [1, 5, 2, 5, 3, 2, 7, 7, 3, 3, 2, 9, 10, 4, 4, 4, 4, 4, 4, 4, 10, 4, 4, 4, 5, 11, 12,
                                    5, 5, 6, 5, 6, 6, 6, 6, 16, 15, 15, 9, 4]
RATS = [20]*7 + [19]*4 + [18, 18, 17] + [20]*4 + [19, 19, 18, 18, 25, 24, 23] + [20]*6 + [
    10, 49, 19, 46, 27, 17, 49, 47, 20, 20, 13, 48, 50] + [20]*7 + [48, 19, 19, 19, 22, 46, 49, 20, 20, 23, 19, 22, 20,
    20, 20, 52, 46, 47, 24, 14]
# fmt: on


def test_the_books_example() -> None:
    """Rat tumours: posterior means of alpha and beta 2.40 and 14.3 (Bayesian Data Analysis, section 5.3)."""
    nodes = _posterior(Counter((float(x), n) for x, n in zip(TUMOURS, RATS, strict=True)))
    assert sum(alpha * weight for alpha, _, weight in nodes) == pytest.approx(2.40, abs=0.01)
    assert sum(beta * weight for _, beta, weight in nodes) == pytest.approx(14.3, abs=0.05)


def brute_force(cells: list[tuple[int, int]]) -> list[float]:
    """Return the posterior mean rates on a fixed grid of (logit mu, log s), with the book's density there."""
    logit, log_s = np.meshgrid(np.linspace(-9, 9, 600), np.linspace(np.log(0.25), 12, 500), indexing="ij")
    mu, s = 1 / (1 + np.exp(-logit)), np.exp(log_s)
    alpha, beta = mu * s, (1 - mu) * s
    log = -2.5 * np.log(s) + np.log(alpha) + np.log(beta)  # (alpha + beta)^(-5/2), and the Jacobian
    for x, n in cells:
        log += betaln(alpha + x, beta + n - x) - betaln(alpha, beta)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    return [float((weight * (alpha + x) / (s + n)).sum()) for x, n in cells]


@pytest.mark.parametrize(
    "cells", [[(5, 5), (0, 30), (2, 4)], [(1, 6), (2, 6), (0, 6), (4, 6), (1, 6)], [(300, 900), (10, 40), (0, 3)]]
)
def test_rates_are_those_of_a_brute_force_posterior(cells: list[tuple[int, int]]) -> None:
    """The refined grid gives the means of 300,000 nodes in other coordinates."""
    rates = pooled_rates({str(i): cell for i, cell in enumerate(cells)})
    found = [rate.value for rate in rates.values() if rate is not None]
    assert found == pytest.approx(brute_force(cells), abs=4e-3)


def test_few_items_are_drawn_to_the_mean() -> None:
    """Among topics near 30%, one refusal of one is not 100%; a large topic keeps its own rate."""
    topics = {f"t{i}": (3, 10) for i in range(8)} | {"small": (1, 1), "large": (600, 1000)}
    rates = pooled_rates(topics)
    small, large = rates["small"], rates["large"]
    assert small is not None
    assert large is not None
    assert small.value < 0.6
    assert small.low < 0.3 < small.high
    assert large.value == pytest.approx(0.6, abs=0.01)
    assert small.high - small.low > 5 * (large.high - large.low)


def test_what_cannot_be_pooled_is_unknown() -> None:
    """A topic without items, and fewer than three topics with any."""
    assert pooled_rates({"a": (1, 4), "b": (2, 4), "c": (1, 5), "d": (0, 0)})["d"] is None
    assert pooled_rates({"a": (1, 4), "b": (2, 4)}) == {"a": None, "b": None}
    assert pooled_rates({}) == {}
    with pytest.raises(ValueError, match="between 0"):
        pooled_rates({"a": (5, 4)})


def test_extreme_topics_are_no_certainty() -> None:
    """All refused in some topics and none in others: rates near 1 and 0 with room, fractions allowed."""
    rates = pooled_rates({"a": (5, 5), "b": (0, 5), "c": (5, 5), "d": (0, 5), "e": (2 / 3, 4)})
    for rate in rates.values():
        assert rate is not None
        assert 0 < rate.value < 1
        assert 0 <= rate.low < rate.value < rate.high <= 1
        assert rate.high - rate.low > 0.1


def test_pooled_intervals_cover() -> None:
    """20 topics of 6 items, rates from Beta(0.6, 2.4): near 95% of the true rates are held, in 40 seeded worlds."""
    rng, held = np.random.default_rng(20261122), 0
    for _ in range(40):
        rates = rng.beta(0.6, 2.4, 20)
        refused = rng.binomial(6, rates)
        found = pooled_rates({str(i): (int(x), 6) for i, x in enumerate(refused)})
        held += sum(e is not None and e.low <= p <= e.high for e, p in zip(found.values(), rates, strict=True))
    assert 0.92 < held / 800 < 0.98
