"""The wealth process: exact by enumeration, whatever the predictions and the probabilities of drawing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from weighbridge.statistics.sequential import Draw, Draws, EProcess, Plan, make_predictor
from weighbridge.statistics.sequential.drawing import Call, probabilities
from weighbridge.statistics.sequential.eprocess import GRID, Wager, weigh
from weighbridge.statistics.sequential.trial import Trial

ONE_BET = np.array([1 - 9e-300] + [1e-300] * 9)  # all the wealth on the first gap of the grid


def steady(n_items: float, lam: float, tau: float, y: np.ndarray, f: np.ndarray) -> Draws:
    """Return uniform draws at which every bet is capped at `lam`, and the first one is it: lam = g / (v + g^2)."""
    left = n_items - np.arange(len(y), dtype=float)
    gap = GRID[0] * n_items / left
    f_left = f[::-1].cumsum()[::-1]
    seen = np.concatenate(([0.0], y.cumsum()[:-1]))
    centre = (n_items * tau - seen - f_left) / left
    cap, none = 0.95 / lam, np.zeros(len(y))
    return Draws(y, f, 1 / left, left, f_left, gap / lam - gap**2, none, centre - cap, centre + 10)


def wealth(n_items: int, tau: float, weights: np.ndarray, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return the wealth after each draw, up and down."""
    path = EProcess(n_items, np.array([tau]), weights).extend(draws)
    return path.up[:, 0], path.down[:, 0]


def test_wealth_of_a_known_path() -> None:
    """1101110111 at m = 0.5 and lam = 0.5, with replacement: 3.352761 (statistics.md 7.3; 1.25^8 * 0.75^2)."""
    y = np.array([float(digit) for digit in "1101110111"])
    endless = 1e12  # so many items that drawing changes nothing
    up, _ = wealth(int(endless), 0.5, ONE_BET, steady(endless, 0.5, 0.5, y, np.zeros(10)))
    assert up[-1] == pytest.approx(3.352761, abs=1e-6)


def test_mean_wealth_over_all_orders_is_one() -> None:
    """All 8! orders: mean final wealth 1 to 1e-9, P(max >= 1.5) = 0.288715 (statistics.md 7.3)."""
    y = np.array([1.0, 1, 0, 1, 0, 1, 0, 0])
    f = np.array([0.9, 0.8, 0.3, 0.6, 0.2, 0.7, 0.5, 0.4])
    total, above, count, mean = 0.0, 0, 0, float(y.mean())
    for order in itertools.permutations(range(8)):
        chosen, wager, most = list(order), Wager(8, mean, ONE_BET), 0.0
        draws = steady(8, 0.7, mean, y[chosen], f[chosen])
        for values in zip(*(getattr(draws, name).tolist() for name in Draw._fields), strict=True):
            wager.bet(Draw(*values))
            most = max(most, wager.up)
        total += wager.up
        above += most >= 1.5
        count += 1
    assert total / count == pytest.approx(1.0, abs=1e-9)
    assert above / count == pytest.approx(0.288715, abs=1e-6)


def test_one_threshold_and_many_are_the_same_arithmetic() -> None:
    """Wagers draw by draw, and all thresholds and draws at once in any portions: the same wealth to the last bit."""
    rng = np.random.default_rng(3)
    n, taus = 60, np.array([0.2, 0.5, 0.55, 0.9])
    left = np.arange(n, 0, -1.0)
    y, f = rng.integers(0, 2, n).astype(float), rng.uniform(0, 1, n)
    rest = f[::-1].cumsum()[::-1]
    q = np.minimum(rng.uniform(0.5, 2, n) / left, 1)
    draws = [
        Draw(*values)
        for values in zip(
            *(column.tolist() for column in (y, f, q, left, rest, rng.uniform(0.01, 0.3, n))),
            *(column.tolist() for column in (rng.uniform(-0.1, 0.1, n), np.full(n, -2.5), np.full(n, 2.5))),
            strict=True,
        )
    ]
    whole, parts = (EProcess(n, taus, weigh(0.03)) for _ in range(2))
    path = whole.extend(Draws.of(draws))
    pieces = [parts.extend(Draws.of(draws[start : start + 7])) for start in range(0, n, 7)]
    for k, tau in enumerate(taus.tolist()):
        wager = Wager(n, tau, weigh(0.03))
        for place, one in enumerate(draws):
            wager.bet(one)
            assert (wager.up, wager.down) == (path.up[place, k], path.down[place, k])
    assert np.array_equal(np.concatenate([piece.up for piece in pieces]), path.up)
    assert np.array_equal(np.concatenate([piece.down for piece in pieces]), path.down)


@pytest.mark.parametrize("seed", range(2))
def test_the_whole_machine_is_exact(seed: int) -> None:
    """Active draws, learned predictions, calibrated and capped bets: sum over all orders of P(order) wealth = 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 6).astype(float)
    history = rng.integers(0, 2, (5, 6)).astype(np.uint8)
    predictor = make_predictor(6, history=history, baseline=rng.integers(0, 2, 6).astype(np.uint8))
    plan = Plan(
        n_items=6,
        question="noninferior",
        tau=float(y.mean()),
        items="",
        predictions=predictor.digest,
        batch=2,
        margin=0.03,
    )
    up = down = chance = 0.0
    for order in itertools.permutations(range(6)):
        trial, left, likely = Trial(plan, predictor), np.arange(6), 1.0
        for start in range(6):
            weight, ids = trial.forecast.outlook.weight * (1 + start % 2), np.array([order[start]])
            q = probabilities(weight, left, ids)
            trial.take(Call(start, ids, q, weight), 0, (float(y[order[start]]), 0.0), (0.0, 0.0))
            left, likely = left[left != order[start]], likely * float(q[0])
        wager = trial.wager
        up, down, chance = up + likely * wager.up, down + likely * wager.down, chance + likely
    assert [chance, up, down] == pytest.approx([1.0, 1.0, 1.0], abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_random_predictions_and_probabilities(seed: int) -> None:
    """Random f and random q, chosen anew by prefix, with the true bounds and the full grid of bets: still 1."""
    rng = np.random.default_rng(seed)
    y, n = rng.uniform(-1, 1, 5), 5
    tables: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray, float, float]] = {}
    up = down = 0.0
    for order in itertools.permutations(range(n)):
        wager, likely = Wager(n, float(y.mean()), weigh(0.03)), 1.0
        for start in range(n):
            rest = [item for item in range(n) if item not in order[:start]]
            if order[:start] not in tables:
                weight = rng.uniform(0.1, 1, n)
                weight /= weight[rest].sum()
                tables[order[:start]] = weight, rng.uniform(-1, 1, n), *rng.uniform(0.01, 1, 2)
            q, f, variance, skew = tables[order[:start]]
            left, item = float(n - start), order[start]
            low, high = ((-1 - f[rest]) / q[rest] / left).min(), ((1 - f[rest]) / q[rest] / left).max()
            row = [y[item], f[item], q[item], left, f[rest].sum(), variance, skew - 0.5, low, high]
            wager.bet(Draw(*(float(value) for value in row)))
            likely *= q[item]
        up, down = up + likely * wager.up, down + likely * wager.down
    assert [up, down] == pytest.approx([1.0, 1.0], abs=1e-9)


def test_bets_are_divided_without_remainder() -> None:
    """The wealth starts at 1 for every margin, near and far from the grid."""
    for margin in (None, 0.0, 1e-6, 0.01, 0.03, 0.3, 0.99):
        assert weigh(margin).sum() == pytest.approx(1.0)
        assert weigh(margin).min() >= 0.3 / GRID.size * (1 - 1e-12)
