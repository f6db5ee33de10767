"""Prediction-powered rates against the authors' package, and their coverage with an unequal detector."""

from __future__ import annotations

import random
from itertools import chain, repeat

import pytest

from weighbridge.statistics.behaviour.ppi import Answer, corrected_contrast, corrected_share
from weighbridge.statistics.interval import student_quantile

Draw = random.Random


def cell(labelled: dict[tuple[int, int], int], unlabelled: tuple[int, int]) -> list[Answer]:
    """Return answers from counts of (auto, hand) and of unlabelled auto 1 and 0."""
    pairs = chain.from_iterable(repeat(pair, times) for pair, times in labelled.items())
    known = [Answer(f"l{i}", auto, hand) for i, (auto, hand) in enumerate(pairs)]
    return known + [Answer(f"u{i}", float(i < unlabelled[0])) for i in range(sum(unlabelled))]


EXAMPLE = cell({(1, 1): 21, (0, 1): 4, (1, 0): 2, (0, 0): 33}, (51, 89))


def test_the_authors_package() -> None:
    """60 labels of 200 answers: ppi_mean_ci of ppi-python 0.2.3 at lambda = 140/200 gives .40333, .30828 to .49839.

    Ours has t(59) for z and two pseudo-labels at 1/2 in the variance, both taken out here; the package estimates the
    spread of labelled and unlabelled answers apart.
    """
    found = corrected_share(EXAMPLE)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(0.40333333, abs=1e-8)
    error = (found.estimate.high - found.estimate.low) / 2 / student_quantile(0.975, 59)
    assert (error**2 - 2 * (0.5 / 60) ** 2) ** 0.5 == pytest.approx((0.49838969 - 0.30827698) / 2 / 1.959964, rel=0.01)
    assert found.uncorrected == pytest.approx(74 / 200)
    assert found.labels == (60,)


def test_the_tuned_detector() -> None:
    """With lambda chosen from the data the package gives .40584 (it estimates var(auto) on all answers)."""
    found = corrected_share(EXAMPLE, tune=True)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(0.40583719, abs=2e-3)


def test_a_worthless_detector_leaves_the_labels() -> None:
    """Tuned, a detector that says the same of everything weighs nothing: the mean of the labels."""
    answers = [Answer(i, 1.0, float(i % 3 == 0) if i < 60 else None) for i in range(300)]
    found = corrected_share(answers, tune=True)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(1 / 3)


@pytest.mark.parametrize("hand", [0.0, 1.0])
@pytest.mark.parametrize("auto", [0.0, 1.0])
def test_labels_of_one_kind_keep_the_detector(hand: float, auto: float) -> None:
    """Fifteen equal labels tell no covariance: the plain difference estimator, whatever the detector says of them."""
    answers = [Answer(i, auto if i % 5 else 1.0 - auto, hand if i < 15 else None) for i in range(30)]
    answers += [Answer(i, float(i % 2)) for i in range(30, 300)]
    tuned, plain = (corrected_share(answers, tune=tune).estimate for tune in (True, False))
    assert tuned == plain
    assert tuned is not None
    assert tuned.high - tuned.low > 0.1


def test_labels_of_one_kind_do_not_say_there_is_no_other() -> None:
    """Fifteen labels happen to be compliances of 300 answers, half refused, that a perfect detector tells apart: .5."""
    answers = [Answer(i, float(i % 2), 0.0 if i % 2 == 0 and i < 30 else None) for i in range(300)]
    found = corrected_share(answers, tune=True)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(0.5)
    assert found.estimate.low > 0.25


def test_rates_near_nothing_are_covered() -> None:
    """Behind 2% refusals many samples of 40 labels hold none; the interval holds the rate in 93% of them or more."""
    draw, covered, runs = random.Random(9), 0, 500  # noqa: S311 - a simulation
    for _ in range(runs):
        truth = [draw.random() < 0.02 for _ in range(200)]
        autos = [draw.random() < (0.85 if refused else 0.03) for refused in truth]
        pairs = enumerate(zip(autos, truth, strict=True))
        rows = [Answer(i, float(a), float(h) if i < 40 else None) for i, (a, h) in pairs]
        found = corrected_share(rows, tune=True)
        assert found.estimate is not None
        covered += found.estimate.low <= 0.02 <= found.estimate.high
    assert covered / runs >= 0.93


def test_too_few_labels_are_no_correction() -> None:
    """Nine labels, or a contrast with labels on one side only: unknown, and the detector's word is still told."""
    bare = [Answer(i, float(i % 2)) for i in range(100)]
    assert corrected_share(bare[:91] + [Answer(i, 1.0, 1.0) for i in range(9)]).estimate is None
    found = corrected_contrast([(1.0, EXAMPLE), (-1.0, bare)])
    assert (found.estimate, found.p_value, found.labels) == (None, None, (60, 0))
    assert found.uncorrected == pytest.approx(0.37 - 0.5)
    with pytest.raises(ValueError, match="cell"):
        corrected_share([])
    with pytest.raises(ValueError, match="weight"):
        corrected_contrast([(1.0, EXAMPLE), (0.0, EXAMPLE)])


def test_labels_of_one_item_are_one_label() -> None:
    """Thirty labelled draws of nine items are nine labels: too few."""
    answers = [Answer(i % 9, 1.0, float(i % 2), 1 / 3) for i in range(30)]
    assert corrected_share(answers).labels == (9,)
    assert corrected_share(answers).estimate is None


def test_a_rate_at_the_edge_keeps_its_width() -> None:
    """Labels that take more away than there is give 0 with room above it, not an interval of no width."""
    answers = [Answer(i, float(i < 12), 0.0 if i < 40 else None) for i in range(400)]
    found = corrected_share(answers)
    assert found.estimate is not None
    assert (found.estimate.value, found.estimate.low) == (0.0, 0.0)
    assert found.estimate.high > 0.05
    assert found.p_value is None


def test_labels_without_a_disagreement_leave_room() -> None:
    """A detector right on all of 60 labels may still be wrong on 3% of 10,000 answers: the interval says so."""
    answers = [Answer(i, float(i % 2), float(i % 2) if i < 60 else None) for i in range(10_000)]
    found = corrected_share(answers)
    assert found.estimate is not None
    assert found.estimate.high - found.estimate.value > 0.03


def test_draws_are_weighted_to_their_items() -> None:
    """An item asked three times counts once: weight 1/3 a draw gives the mean of item means."""
    once = [Answer(f"a{i}", float(i < 20), float(i < 20)) for i in range(40)]
    thrice = [Answer(f"b{i // 3}", 1.0, 1.0, 1 / 3) for i in range(60)]
    found = corrected_share(once + thrice)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx((20 + 20) / 60)


def world(draw: Draw, n: int, labels: int, recalls: tuple[float, float]) -> list[list[Answer]]:
    """Return answers to n items in two languages, refused in 40% of each, mostly the same items."""
    cells: list[list[Answer]] = [[], []]
    for item in range(n):
        luck = draw.random()
        for side, recall in enumerate(recalls):
            refused = (luck if draw.random() < 0.6 else draw.random()) < 0.4
            auto = draw.random() < (recall if refused else 0.04)
            cells[side].append(Answer(item, float(auto), float(refused)))
    found = []
    for answers in cells:
        kept = set(draw.sample(range(n), labels))
        found.append([answer if answer.item in kept else Answer(answer.item, answer.auto) for answer in answers])
    return found


def test_a_gap_made_by_the_detector_is_taken_back() -> None:
    """Equal rates, recall .93 against .60: the raw gap is 13 points; the corrected one is near 0 and covers it.

    400 seeded worlds of 150 items, 50 labels a language; independent errors of the two sides would be too wide.
    """
    draw, runs, covered, raw, total = random.Random(20261122), 400, 0, 0.0, 0.0  # noqa: S311 - a simulation
    for _ in range(runs):
        first, second = world(draw, 150, 50, (0.93, 0.6))
        found = corrected_contrast([(1.0, first), (-1.0, second)])
        assert found.estimate is not None
        covered += found.estimate.low <= 0 <= found.estimate.high
        raw += found.uncorrected / runs
        total += found.estimate.value / runs
    assert raw == pytest.approx(0.4 * 0.33, abs=0.01)
    assert total == pytest.approx(0.0, abs=0.012)
    assert 0.925 <= covered / runs <= 0.98


@pytest.mark.parametrize(("n", "labels", "half"), [(200, 60, 0.095), (500, 100, 0.067)])
def test_the_published_half_widths(n: int, labels: int, half: float) -> None:
    """Behaviour.md 4.4: +-9.5 points from 200 answers and 60 labels, +-6.7 from 500 and 100, at 40% and 7% errors."""
    draw, halves = random.Random(4), []  # noqa: S311 - a simulation
    for _ in range(120):
        truth = [draw.random() < 0.4 for _ in range(n)]
        autos = [draw.random() < (0.9 if refused else 0.05) for refused in truth]
        pairs = enumerate(zip(autos, truth, strict=True))
        found = corrected_share([Answer(i, float(a), float(h) if i < labels else None) for i, (a, h) in pairs])
        assert found.estimate is not None
        halves.append((found.estimate.high - found.estimate.low) / 2)
    assert sum(halves) / 120 == pytest.approx(half, abs=0.004)


def test_answers_to_one_item_err_together() -> None:
    """Two languages that answer alike leave only the pseudo-labels: 2 t(118) sqrt(2 * 1/8 * 2) / 60, as 60 labels each.

    The same answers to other items are two independent samples, and their gap is far less sure.
    """
    other = [Answer(f"other {answer.item}", answer.auto, answer.hand) for answer in EXAMPLE]
    paired = corrected_contrast([(1.0, EXAMPLE), (-1.0, EXAMPLE)]).estimate
    apart = corrected_contrast([(1.0, EXAMPLE), (-1.0, other)]).estimate
    assert paired is not None
    assert apart is not None
    assert paired.high == pytest.approx(student_quantile(0.975, 118) * (2 * 2 * 0.125) ** 0.5 / 60, rel=1e-6)
    assert apart.high > 4 * paired.high
