"""How far two fingerprints are apart, held against distances computed from whole distributions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.engine.discovery.fingerprint import Fingerprint, distance_between


def _of(row: tuple[tuple[str, float], ...]) -> Fingerprint:
    return Fingerprint("1", "chat", tuple(row for _ in range(20)), noise=0.0, mean_noise=0.0)


@given(
    st.lists(st.integers(1, 1000), min_size=4, max_size=30),
    st.lists(st.integers(1, 1000), min_size=4, max_size=30),
    st.integers(2, 20),
)
def test_it_is_a_lower_bound_of_the_total_variation(one: list[int], other: list[int], top: int) -> None:
    """Of any two distributions, seen through their `top` likeliest tokens; exact where all tokens are seen."""
    p, q = ({chr(97 + n): weight / sum(row) for n, weight in enumerate(row)} for row in (one, other))
    whole = sum(abs(p.get(name, 0.0) - q.get(name, 0.0)) for name in p.keys() | q.keys()) / 2
    prints = []
    for weights in (p, q):
        seen = sorted(weights.items(), key=lambda pair: -pair[1])[:top]
        prints.append(_of(tuple((name, math.log(weight)) for name, weight in seen)))
    found = distance_between(*prints)
    assert found is not None
    assert -1e-9 <= found <= whole + 1e-9
    assert found == pytest.approx(distance_between(*reversed(prints)))
    if len(one) == len(other) <= top:
        assert found == pytest.approx(whole, abs=1e-9)


def test_ends_of_the_scale() -> None:
    """The same is 0; certain of two different tokens is nearly 1; absurd numbers stay within 0 and 1."""
    a, b = _of((("a", -1e-6), ("x", -14.0))), _of((("b", -1e-6), ("x", -14.0)))
    assert distance_between(a, a) == 0.0
    assert distance_between(a, b) == pytest.approx(1.0, abs=1e-5)
    assert distance_between(a, _of((("a", 1e9), ("x", -1e9)))) == pytest.approx(0.0, abs=1e-5)


def test_texts_part_where_they_first_differ() -> None:
    """Greedy texts never meet again: what stands after the first difference says nothing."""
    one = Fingerprint("1", "chat", texts=("abcd",) * 20, noise=0.0)
    other = Fingerprint("1", "chat", texts=("abxdefgh",) * 20, noise=0.0)
    assert distance_between(one, other) == 0.75
    assert distance_between(one, one) == 0.0


@pytest.mark.parametrize(
    "other",
    [
        Fingerprint("2", "chat", ((("a", -1.0),),) * 20),
        Fingerprint("1", "completion", ((("a", -1.0),),) * 20),
        Fingerprint("1", "chat", texts=("a",) * 20),
        Fingerprint("1", "chat", ((("a", -1.0),),) * 14 + ((),) * 6),
    ],
)
def test_what_cannot_be_compared_has_no_distance(other: Fingerprint) -> None:
    """Other prompts, another form, texts beside distributions, fewer than 15 answers."""
    assert distance_between(Fingerprint("1", "chat", ((("a", -1.0),),) * 20), other) is None
