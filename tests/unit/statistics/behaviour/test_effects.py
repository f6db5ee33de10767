"""Rates, gaps and their difference against scipy, statsmodels and hand-made examples."""

from __future__ import annotations

import random

import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp, ttest_ind
from statsmodels.stats.proportion import confint_proportions_2indep

from weighbridge.statistics.behaviour.effects import (
    Effect,
    Form,
    difference_in_differences,
    group_gap,
    item_means,
    language_gap,
    matched_gap,
    rate,
)
from weighbridge.statistics.interval import wilson
from weighbridge.statistics.paired import mcnemar_exact, tango_interval

thirds = st.sampled_from([0.0, 1 / 3, 2 / 3, 1.0])


def limits(effect: Effect) -> tuple[float, float]:
    """Return the interval of an effect that has one."""
    assert effect.estimate is not None
    return effect.estimate.low, effect.estimate.high


def named(values: list[float]) -> dict[str, float | None]:
    """Return the values as means of items."""
    return {f"q{i}": value for i, value in enumerate(values)}


def test_draws_are_averaged_inside_an_item() -> None:
    """Three draws are one number; a missing draw is left out of it, and an item without a valid one is missing."""
    outcomes = {
        ("q1", "en", 0): 1.0, ("q1", "en", 1): 0.0, ("q1", "en", 2): 1.0,
        ("q2", "en", 0): 0.0, ("q2", "en", 1): None,
        ("q3", "en", 0): None, ("q1", "zh-Hans", 0): 1.0,
    }  # fmt: skip
    means = item_means(outcomes)
    assert means == {"en": {"q1": pytest.approx(2 / 3), "q2": 0.0, "q3": None}, "zh-Hans": {"q1": 1.0}}
    found = rate(means["en"], draws=3)
    assert found.left_out == 1
    assert found.estimate is not None
    assert (found.estimate.n, found.estimate.unscored) == (2, 1)
    with pytest.raises(ValueError, match="outcome of 2"):
        item_means({("q", "en", 0): 2.0})


def test_single_answers_have_the_classical_intervals() -> None:
    """One draw: Wilson's for a rate, Tango's and the exact McNemar test for a gap."""
    first, second = [1.0] * 8 + [0.0] * 12, [1.0] * 2 + [0.0] * 17 + [1.0]
    assert limits(rate(named(first))) == wilson(8, 20)
    gap = language_gap(named(first), named(second))
    tango = tango_interval(6, 1, 20)
    assert tango is not None
    assert limits(gap) == (tango.low, tango.high)
    assert gap.p_value == mcnemar_exact(6, 1)


def test_a_missing_side_leaves_both() -> None:
    """An item without a valid answer in one language counts in neither, and is counted as left out."""
    first: dict[str, float | None] = {"a": 1.0, "b": 1.0, "c": None, "d": 0.0, "e": 1.0}
    second: dict[str, float | None] = {"a": 0.0, "b": None, "c": 1.0, "d": 0.0, "f": 0.0}
    gap = language_gap(first, second)
    assert gap.estimate is not None
    assert (gap.estimate.value, gap.estimate.n, gap.left_out, gap.estimate.unscored) == (0.5, 2, 4, 4)


@given(st.lists(st.tuples(thirds, thirds), min_size=12, max_size=60))
def test_gaps_of_draws_have_students_interval_with_two_more_units(pairs: list[tuple[float, float]]) -> None:
    """Scipy's t interval and test on the differences and -1/2, 1/2 (-1, 1 where fewer than five items differ)."""
    gaps = [a - b for a, b in pairs]
    if all(gap in {-1.0, 0.0, 1.0} for gap in gaps):
        return
    end = 0.5 if sum(abs(gap) > 1e-9 for gap in gaps) >= 5 else 1.0
    reference = ttest_1samp([*gaps, -end, end], 0.0)
    found = language_gap(named([a for a, _ in pairs]), named([b for _, b in pairs]))
    low, high = reference.confidence_interval(0.95)
    value = sum(gaps) / len(gaps)
    assert limits(found) == pytest.approx((min(low, value), max(high, value)), abs=1e-9)
    assert found.p_value == pytest.approx(reference.pvalue, abs=1e-9)


def test_items_of_a_cluster_err_together() -> None:
    """Statsmodels' clustered regression on a constant, over twelve templates of four items and the two more units."""
    draw = random.Random(3)  # noqa: S311 - a simulation
    gaps = [draw.choice([0.0, 1 / 3, 2 / 3, 1.0]) * (1 if i // 4 % 2 else -0.5) for i in range(48)]
    first, second = named([max(gap, 0.0) for gap in gaps]), named([max(-gap, 0.0) for gap in gaps])
    found = language_gap(first, second, clusters={f"q{i}": i // 4 for i in range(48)})
    groups = [i // 4 for i in range(48)] + [98, 99]
    fit = sm.OLS([*gaps, -0.5, 0.5], [[1.0]] * 50).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    assert limits(found) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-7)
    alone = language_gap(first, second)
    assert limits(found)[1] - limits(found)[0] > 1.3 * (limits(alone)[1] - limits(alone)[0])


@given(st.lists(thirds, min_size=5, max_size=40), st.lists(thirds, min_size=5, max_size=40))
def test_groups_have_welchs_interval_with_two_more_units_each(sensitive: list[float], control: list[float]) -> None:
    """Scipy's Welch interval and p-value on both groups with a 0 and a 1 added to each."""
    reference = ttest_ind([*sensitive, 0.0, 1.0], [*control, 0.0, 1.0], equal_var=False)
    low, high = reference.confidence_interval(0.95)
    found = group_gap(named(sensitive), named(control))
    value = sum(sensitive) / len(sensitive) - sum(control) / len(control)
    assert limits(found) == pytest.approx((min(low, value), max(high, value)), abs=1e-9)
    assert found.p_value == pytest.approx(reference.pvalue, abs=1e-9)


def test_single_answers_in_groups_are_agresti_and_caffos() -> None:
    """Statsmodels' agresti-caffo for 240 of 400 against 90 of 300; t in place of z is nothing at that size."""
    found = group_gap(named([1.0] * 240 + [0.0] * 160), named([1.0] * 90 + [0.0] * 210))
    assert limits(found) == pytest.approx(
        confint_proportions_2indep(240, 400, 90, 300, method="agresti-caffo"), abs=5e-4
    )


FORMS = [Form(("s1", "s2"), ("c1",)), Form(("s3",), ("c3",)), Form(("s4",), ("c4",)), Form(("s5",), ("c5",))]
ENGLISH: dict[str, float | None] = {
    "s1": 0.0, "s2": 1.0, "c1": 0.0, "s3": 1.0, "c3": 1.0, "s4": 0.0, "c4": 0.0, "s5": 1.0, "c5": 0.0,
}  # fmt: skip
CHINESE: dict[str, float | None] = {
    "s1": 1.0, "s2": 1.0, "c1": 0.0, "s3": 1.0, "c3": 0.0, "s4": 1.0, "c4": 1.0, "s5": 1.0, "c5": None,
}  # fmt: skip


def test_the_difference_in_differences_by_hand() -> None:
    """(sensitive - control) by form, Chinese 1, 1, 0, unknown and English .5, 0, 0, 1: .5, 1, 0 over three forms."""
    found = difference_in_differences(CHINESE, ENGLISH, FORMS)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(0.5)
    assert (found.estimate.n, found.left_out) == (3, 2)
    assert -2 <= found.estimate.low < 0.5 < found.estimate.high <= 2
    english = matched_gap(ENGLISH, FORMS)
    assert english.estimate is not None
    assert english.estimate.value == pytest.approx(0.375)
    assert (english.estimate.n, english.left_out) == (4, 0)
    swapped = difference_in_differences(ENGLISH, CHINESE, FORMS)
    assert limits(swapped) == pytest.approx((-limits(found)[1], -limits(found)[0]))


def test_matched_single_answers_are_pairs() -> None:
    """One sensitive and one control item a form, one draw each: Tango's interval and McNemar's test."""
    forms = [Form((f"s{i}",), (f"c{i}",)) for i in range(30)]
    means = {f"s{i}": float(i < 9) for i in range(30)} | {f"c{i}": float(i == 0) for i in range(30)}
    found, tango = matched_gap(means, forms), tango_interval(8, 0, 30)
    assert tango is not None
    assert limits(found) == (tango.low, tango.high)
    assert found.p_value == mcnemar_exact(8, 0)


def test_too_few_units_are_unknown() -> None:
    """No items, one item, one form: no interval is made up."""
    assert rate({}).estimate is None
    assert rate({"a": None}) == Effect(None, None, 1)
    assert language_gap({"a": 1.0}, {"a": 0.0}).estimate is None
    assert language_gap({"a": 1 / 3}, {"a": 0.0}).estimate is None
    assert group_gap({"a": 1.0}, {"b": 0.0, "c": 1.0}).estimate is None
    assert difference_in_differences(CHINESE, ENGLISH, FORMS[:1]).estimate is None
    assert matched_gap(ENGLISH, []).estimate is None


def test_no_difference_in_draws_still_has_a_width() -> None:
    """Five or 10,000 items without any difference: the interval holds 0, and shrinks with the items."""
    widths = []
    for n in (5, 50, 10_000):
        same = named([1 / 3] * n)
        low, high = limits(language_gap(same, same, clusters={item: item for item in same}))
        assert low < 0 < high
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2] > 0
    assert widths[0] > 0.5


def test_draws_count_for_what_they_carry() -> None:
    """Draws that never change are one answer an item; draws that are a new coin each time nearly three."""
    fixed = rate(named([1.0] * 40 + [0.0] * 60), draws=3)
    assert limits(fixed) == wilson(40, 100)
    draw = random.Random(5)  # noqa: S311 - a simulation
    fresh = rate(named([sum(draw.random() < 0.4 for _ in range(3)) / 3 for _ in range(2000)]), draws=3)
    low, high = wilson(2400, 6000)
    assert limits(fresh)[1] - limits(fresh)[0] == pytest.approx(high - low, rel=0.05)
    never = limits(rate(named([1 / 3] * 30), draws=3))
    assert never == pytest.approx(wilson(10, 30))


def test_clusters_count_for_what_they_carry() -> None:
    """Ten templates of five items that always agree are ten answers, not fifty."""
    means = named([float(i // 5 < 4) for i in range(50)])
    low, high = limits(rate(means, clusters={f"q{i}": i // 5 for i in range(50)}))
    assert high - low > 0.95 * (wilson(4, 10)[1] - wilson(4, 10)[0])


@pytest.mark.parametrize(("moved", "end"), [(4, 1.0), (5, 0.5)])
def test_few_items_that_differ_get_whole_pseudo_units(moved: int, end: float) -> None:
    """Four of 30 that differ by a third say little of the spread: two units at -1 and 1; from five on at 1/2."""
    gaps = [1 / 3] * moved + [0.0] * (30 - moved)
    low, high = ttest_1samp([*gaps, -end, end], 0.0).confidence_interval(0.95)
    assert limits(language_gap(named(gaps), named([0.0] * 30))) == pytest.approx((low, high))


def test_few_items_pay_for_their_own_spread() -> None:
    """Six items: mean 1/2, SE^2 = s^2 / 6, and z / t(5) on both sides of the share: Korn and Graubard's size."""
    values = [0.0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1.0]
    spread = sum((value - 0.5) ** 2 for value in values) / 5
    size = 0.25 / (spread / 6) * (1.959964 / 2.570582) ** 2
    assert limits(rate(named(values), draws=3)) == pytest.approx(wilson(size / 2, size), abs=1e-6)
