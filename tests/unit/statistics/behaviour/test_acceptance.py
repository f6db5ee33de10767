"""Gates of counts against scipy and the figures of our knowledge base."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from weighbridge.statistics.behaviour.acceptance import CountGate, chance_of_all, gate_at_share, least_count_shown
from weighbridge.statistics.interval import wilson


@given(st.integers(1, 400), st.data(), st.floats(0, 1))
def test_the_chance_is_the_binomial_tail(n: int, data: st.DataObject, rate: float) -> None:
    """P(Binomial >= least), also near 0 and 1."""
    least = data.draw(st.integers(0, n))
    assert CountGate(least, n).chance(rate) == pytest.approx(binom.sf(least - 1, n, rate), abs=1e-9)


def test_a_gate_of_95_percent_of_300() -> None:
    """Behaviour.md, 0: a true rate of 94, 95, 96, 97% passes in 28, 57, 85, 98% of draws."""
    gate = gate_at_share(0.95, 300)
    assert gate == CountGate(285, 300)
    chances = [chance for _, chance in gate.characteristic([0.94, 0.95, 0.96, 0.97])]
    assert [round(chance, 2) for chance in chances] == [0.28, 0.57, 0.85, 0.98]
    assert gate.passes(285)
    assert not gate.passes(284)


def test_both_sides_of_a_gate_at_once() -> None:
    """A model at the threshold of both banks passes in .568^2 of draws; no gates stop nobody."""
    gate = gate_at_share(0.95, 300)
    assert chance_of_all([(gate, 0.95), (gate, 0.95)]) == pytest.approx(0.5681120**2, abs=1e-6)
    assert chance_of_all([]) == 1.0


def test_what_a_count_shows() -> None:
    """285 of 300 is 91.9 to 97.0%; to show 95% takes 293; 50 of 50 is 93 to 100% and shows no 95%."""
    assert wilson(285, 300) == pytest.approx((0.919, 0.970), abs=1e-3)
    assert least_count_shown(0.95, 300) == 293
    assert wilson(50, 50)[0] == pytest.approx(0.93, abs=2e-3)
    assert least_count_shown(0.95, 50) is None


@given(st.floats(0, 1), st.integers(1, 300))
def test_the_least_count_is_the_least(rate: float, n: int) -> None:
    """Its interval lies at or above the rate and the next lower one does not."""
    least = least_count_shown(rate, n)
    if least is None:
        assert wilson(n, n)[0] < rate
        return
    assert wilson(least, n)[0] >= rate
    assert least == 0 or wilson(least - 1, n)[0] < rate


def test_shares_are_not_binary_fractions() -> None:
    """0.95 of 300 and 0.07 of 100 are 285 and 7; a share between counts is rounded up."""
    assert gate_at_share(0.07, 100).least == 7
    assert gate_at_share(0.951, 300).least == 286
    assert gate_at_share(0.0, 10).chance(0.0) == 1.0


def test_impossible_gates_are_refused() -> None:
    """More than all, counts and rates outside."""
    with pytest.raises(ValueError, match="11 of 10"):
        CountGate(11, 10)
    with pytest.raises(ValueError, match="301 of 300"):
        CountGate(285, 300).passes(301)
    with pytest.raises(ValueError, match="rate"):
        CountGate(1, 2).chance(1.5)
    with pytest.raises(ValueError, match="share"):
        gate_at_share(95, 300)
    with pytest.raises(ValueError, match="items"):
        least_count_shown(0.5, 0)
