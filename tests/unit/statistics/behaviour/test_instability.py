"""Labels that flip between draws, by hand."""

from __future__ import annotations

import random

import pytest

from weighbridge.statistics.behaviour.instability import instability


def test_flips_by_hand() -> None:
    """Three draws: R R R, R R C, R D C; pairs that differ 0, 2/3, 1. A single valid draw cannot flip."""
    draws = {"q1": "RRR", "q2": "RRC", "q3": "RDC", "q4": "R"}
    labels: dict[tuple[str, str, int], str | None] = {
        (item, "en", i): label for item, drawn in draws.items() for i, label in enumerate(drawn)
    }
    labels["q4", "en", 1] = None
    found = instability(labels)
    assert found.left_out == 1
    assert found.flipped is not None
    assert found.pairwise is not None
    assert found.flipped.value == pytest.approx(2 / 3)
    assert found.flipped.n == 3
    assert found.pairwise.value == pytest.approx((0 + 2 / 3 + 1) / 3)


def test_no_flip_is_not_no_instability() -> None:
    """Thirty stable items leave up to 11% open (Wilson, 0 of 30); nothing drawn twice is unknown."""
    labels: dict[tuple[str, str, int], str | None] = {(f"q{i}", "en", k): "R" for i in range(30) for k in range(3)}
    found = instability(labels)
    assert found.flipped is not None
    assert found.flipped.low == 0.0
    assert found.flipped.high == pytest.approx(0.1135, abs=1e-3)
    assert instability({("q", "en", 0): "R"}).flipped is None


def test_languages_of_an_item_are_one_cluster() -> None:
    """Items that flip in all four languages or in none say as much as thirty cells, not 120."""
    labels: dict[tuple[str, str, int], str | None] = {
        (f"q{i}", language, k): "RC"[k if i < 12 else 0]
        for i in range(30) for language in ("en", "zh-Hans", "de", "fr") for k in range(2)
    }  # fmt: skip
    one = instability({key: label for key, label in labels.items() if key[1] == "en"}).flipped
    four = instability(labels).flipped
    assert one is not None
    assert four is not None
    assert (four.low, four.high) == pytest.approx((one.low, one.high), abs=1e-9)


def test_pairs_do_not_depend_on_the_draws() -> None:
    """A coin of 50% differs in half the pairs at any k; the share that flipped grows from 50 to 94%."""
    draw = random.Random(1)  # noqa: S311 - a simulation
    for k, share in ((2, 0.5), (5, 1 - 2 * 0.5**5)):
        found = instability({(str(i), "en", j): draw.choice("RC") for i in range(2000) for j in range(k)})
        assert found.flipped is not None
        assert found.pairwise is not None
        assert found.flipped.value == pytest.approx(share, abs=0.03)
        assert found.pairwise.value == pytest.approx(0.5, abs=0.03)
