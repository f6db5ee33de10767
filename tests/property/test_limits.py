"""Laws of limits in a tree of keys: no key, with all that was made below it, gets more than its own."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.pilot.access.keyring import Keyring
from weighbridge.pilot.access.keys import Key, Limits, Rights
from weighbridge.pilot.access.limits import Meter

BOUND = st.none() | st.integers(1, 8)
LIMITS = st.builds(
    Limits, requests_per_minute=BOUND, tokens_per_minute=st.none() | st.integers(1, 40), concurrent=BOUND
)


class Tree(NamedTuple):
    """Keys of which each but the first was made by an earlier one."""

    parents: list[int]
    limits: list[Limits]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Draw a tree of one to eight keys."""
    size = draw(st.integers(1, 8))
    parents = [-1] + [draw(st.integers(-1, number - 1)) for number in range(1, size)]
    return Tree(parents, [draw(LIMITS) for _ in range(size)])


def above(tree: Tree, key: int) -> list[int]:
    """Return a key and all those above it."""
    return [] if key < 0 else [key, *above(tree, tree.parents[key])]


def is_full(most: Limits, requests: int, tokens: int, running: int) -> bool:
    """Whether one more request with so many tokens in all is beyond some limit."""
    beyond = (
        (most.requests_per_minute, requests + 1),
        (most.tokens_per_minute, tokens),
        (most.concurrent, running + 1),
    )
    return any(bound is not None and count > bound for bound, count in beyond)


STEP = st.tuples(st.integers(0, 7), st.integers(0, 10), st.booleans())


@given(trees(), st.lists(STEP, max_size=60), st.randoms(use_true_random=False))
def test_no_tree_gets_more_than_its_root(tree: Tree, steps: list[tuple[int, int, bool]], random: object) -> None:
    """Counted apart: requests, tokens and places held below each key stay within it; refused only where one is full."""
    ring = Keyring(lambda: 0.0)  # time stands still, so that nothing comes back
    keys = [
        Key(f"k{number}", "a key", Rights("team", limits=limits), 0.0, parent=f"k{parent}" if parent >= 0 else "")
        for number, (parent, limits) in enumerate(zip(*tree, strict=True))
    ]
    random.shuffle(keys)  # type: ignore[attr-defined]  # in whatever order the store tells them
    ring.apply(1, keys)
    asked, used, running = ([0] * len(keys) for _ in range(3))
    for number, tokens, ends in steps:
        key = number % len(keys)
        limits = ring.accounts[f"k{key}"].limits
        full = [
            one for one in above(tree, key) if is_full(tree.limits[one], asked[one], used[one] + tokens, running[one])
        ]
        assert (limits.take(tokens, 0.0) is not None) == bool(full)
        if full:
            continue
        for one in above(tree, key):
            asked[one] += 1
            used[one] += tokens
            running[one] += 1
        if ends:
            limits.settle(tokens, tokens)
            for one in above(tree, key):
                running[one] -= 1


CALL = st.tuples(st.integers(0, 240), st.integers(0, 60), st.integers(0, 60))


@given(st.integers(1, 50), st.lists(CALL, max_size=40))
def test_a_bucket_is_what_turner_made_it(capacity: int, calls: list[tuple[int, int, int]]) -> None:
    """Counted in fractions, refilled step by step: the same requests pass, and the same units are said to be left."""
    now, level = Fraction(12_345), Fraction(capacity)
    meter = Meter(Limits(tokens_per_minute=capacity), float(now))
    for eighths, held, used in calls:
        now += Fraction(eighths, 8)
        level = min(Fraction(capacity), level + Fraction(eighths, 8) * capacity / 60)
        refusal = meter.take(held, float(now))
        assert (refusal is not None) == (level < held)
        if refusal is not None:
            wait_s = None if held > capacity else -((level - held) * 60 // capacity)
            assert (refusal.status, refusal.retry_after_s) == (429 if wait_s else 400, wait_s)
        else:
            level -= held
        headers = dict(refusal.headers if refusal is not None else meter.headers(float(now)))
        full_s = -((level - capacity) * 60 // capacity)
        assert headers[b"ratelimit"] == b'"tokens";r=%d;t=%d' % (max(0, int(level)), full_s)
        if refusal is None:
            meter.settle(held, used)
            level = min(Fraction(capacity), level + held - used)


def test_only_what_is_limited_is_told() -> None:
    """A key may have a limit of requests, of tokens, of both or of none; its headers name those, requests first."""
    told = {}
    for requests in (None, 6):
        for tokens in (None, 600):
            meter = Meter(Limits(requests, tokens), 5.0)
            assert meter.take(60, 5.0) is None
            told[requests, tokens] = [value.decode() for _, value in meter.headers(5.0)]
    assert told == {
        (None, None): [],
        (6, None): ['"requests";q=6;w=60', '"requests";r=5;t=10'],
        (None, 600): ['"tokens";q=600;w=60', '"tokens";r=540;t=6'],
        (6, 600): ['"requests";q=6;w=60, "tokens";q=600;w=60', '"requests";r=5;t=10, "tokens";r=540;t=6'],
    }
