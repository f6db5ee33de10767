"""Long texts with hidden facts: made the same everywhere, and as long as said."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from weighbridge.evaluation.datasets.needle import CHARACTERS_PER_TOKEN, Needles, make_items


def test_facts_stand_once_and_spread_over_the_text() -> None:
    """Each code asked for is in the text once; depths go from the beginning to the end."""
    items = make_items(Needles(tokens=1500, items=11, distractors=3))
    depths = [item.question.index(item.data["needles"][0]) / len(item.question) for item in items]
    assert all(item.question.count(item.data["needles"][0]) == 1 for item in items)
    assert all(item.question.count("The code of the") == 4 for item in items)
    assert depths[0] < 0.05
    assert all(b - a == pytest.approx(0.1, abs=0.06) for a, b in itertools.pairwise(depths))
    assert all(abs(len(item.question) / (1500 * CHARACTERS_PER_TOKEN) - 1) < 0.1 for item in items)


def test_several_facts_are_asked_at_once() -> None:
    """All of them are needles, and all are named in the question."""
    (item,) = make_items(Needles(tokens=400, items=1, needles=3))
    asked = item.question.rpartition("\n\n")[2]
    assert len(set(item.data["needles"])) == 3
    assert asked.count("the ") >= 4
    assert item.answer == ", ".join(item.data["needles"])


def test_the_seed_decides_everything() -> None:
    """The same seed gives the same texts on every machine and version; another seed gives others."""
    one, same, other = (make_items(Needles(tokens=300, items=2, seed=seed)) for seed in (7, 7, 8))
    assert one == same
    assert one != other
    # Python promises the sequence of random() alone; this digest was made by 3.11
    assert hashlib.sha256(one[0].question.encode()).hexdigest() == DIGEST


def test_too_much_text_is_refused() -> None:
    """A suite from a stranger cannot fill the memory."""
    with pytest.raises(ValueError, match="60 million"):
        make_items(Needles(tokens=2_000_000, items=1000))


DIGEST = "dd68907745d86c9181e14989a422e098717dc4f955c1c507036653a3b2bde06c"
