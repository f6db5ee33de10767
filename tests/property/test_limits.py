"""Laws of limits in a tree of keys: no key, with all that was made below it, gets more than its own."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.pilot.access.keyring import Keyring
from weighbridge.pilot.access.keys import Key, Limits, Rights
from weighbridge.pilot.access.limits import Meter, Meters

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
            limits.settle(tokens, tokens, 0.0, 0.0)
            for one in above(tree, key):
                running[one] -= 1


class Reference:
    """A bucket counted in fractions of a unit, refilled step by step (Turner 1986), that knows what is only held."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.missing = Fraction(0)
        self.held: dict[Fraction, Fraction] = {}

    def refill(self, seconds: Fraction) -> None:
        """Let time pass."""
        self.missing = max(Fraction(0), self.missing - seconds * self.capacity / 60)

    def take(self, units: int, now: Fraction) -> None:
        """Hold so much."""
        self.cut()
        self.missing += units
        self.held[now] = self.held.get(now, Fraction(0)) + units

    def cut(self) -> None:
        """Forget what was held longest, until no more is held than is missing."""
        for since in sorted(self.held):
            beyond: Fraction = sum(self.held.values(), Fraction(0)) - self.missing
            self.held[since] = min(self.held[since], max(Fraction(0), self.held[since] - beyond))

    def settle(self, held: int, used: int, since: Fraction) -> None:
        """Take what was used beyond the hold, or give back what of it is still out."""
        out = min(Fraction(held), self.held[since])
        self.held[since] -= out
        if used > held:
            self.cut()
            self.missing += used - held
        else:
            self.missing -= min(Fraction(held - used), out, self.missing)


CALL = st.tuples(st.integers(0, 240), st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))


@given(st.integers(1, 50), st.lists(CALL, max_size=40))
def test_a_bucket_is_what_turner_made_it(capacity: int, calls: list[tuple[int, int, int, int]]) -> None:
    """Counted apart: the same requests pass, each as soon as it is said to, and the same units are said to be left."""
    now = Fraction(12_345)
    bucket, running = Reference(capacity), list[tuple[int, Fraction]]()
    meter = Meter(Limits(tokens_per_minute=capacity), float(now))
    for eighths, held, used, which in calls:
        now += Fraction(eighths, 8)
        bucket.refill(Fraction(eighths, 8))
        if which < len(running):
            ended, since = running.pop(which)
            meter.settle(ended, used, float(since), float(now))
            bucket.settle(ended, used, since)
        level = capacity - bucket.missing
        refusal = meter.take(held, float(now))
        assert (refusal is not None) == (level < held)
        if refusal is not None:
            wait_s = None if held > capacity else -((level - held) * 60 // capacity)
            assert (refusal.status, refusal.retry_after_s) == (429 if wait_s else 400, wait_s)
        else:
            running.append((held, now))
            bucket.take(held, now)
        level = capacity - bucket.missing
        headers = dict(refusal.headers if refusal is not None else meter.headers(float(now)))
        full_s = -((level - capacity) * 60 // capacity)
        assert headers[b"ratelimit"] == b'"tokens";r=%d;t=%d' % (max(0, int(level)), full_s)


TRICKLE = [(8, 1, -1)] * 60 + [(8, 60, -1)] + [(0, 1, 0)] * 60 + [(8, 1, -1)] * 60
STREAMS = [(480, 60, -1)] * 20 + [(0, 60, 0)] * 40
ENDING = st.tuples(st.integers(0, 480), st.integers(0, 60), st.integers(-1, 5))


@given(st.lists(ENDING, max_size=60), st.randoms(use_true_random=False))
@example(TRICKLE, None)
@example(STREAMS, None)
def test_no_minute_lets_in_more_than_twice_the_limit(calls: list[tuple[int, int, int]], coin: object) -> None:
    """However long answers run and however little they use of what was held: found by an attacker, who got 20 times.

    Worst are answers that were begun evenly and end together at no cost. Let in is what was used in the end.
    """
    now, capacity = 0.0, 60
    meter = Meter(Limits(tokens_per_minute=capacity), now)
    running: list[tuple[int, float]] = []
    let_in: list[tuple[float, int]] = []
    for eighths, held, which in calls:
        now += eighths / 8
        if 0 <= which < len(running):
            ended, since = running.pop(which)
            used = coin.randint(0, 1) * ended if coin is not None else 0  # type: ignore[attr-defined]
            meter.settle(ended, used, since, now)
            let_in.append((since, used))
        if meter.take(held, now) is None:
            running.append((held, now))
    let_in += [(since, held) for held, since in running]  # used as held
    for begin, _ in let_in:
        assert sum(used for since, used in let_in if begin <= since <= begin + 60) <= 2 * capacity


@given(st.integers(1, 50), st.lists(CALL, max_size=40))
def test_short_answers_give_back_what_they_did_not_use(capacity: int, calls: list[tuple[int, int, int, int]]) -> None:
    """All but what was refilled since they began, whatever else runs; what was used beyond a hold is taken whole."""
    now = 0.0
    meter = Meter(Limits(tokens_per_minute=capacity), now)
    running: list[tuple[int, float]] = []
    for eighths, held, used, which in calls:
        now += eighths / 64
        if which < len(running):
            ended, since = running.pop(which)
            before = min(float(capacity), meter.tokens.left(now))
            meter.settle(ended, used, since, now)
            least = before + ended - used - max(0.0, (now - since) * capacity / 60 if used < ended else 0.0)
            assert meter.tokens.left(now) >= min(capacity, least) - 1e-6
            assert meter.tokens.left(now) <= before + ended - used + 1e-6
        if meter.take(held, now) is None:
            running.append((held, now))


@given(st.lists(LIMITS, min_size=1, max_size=4), st.lists(CALL, min_size=1, max_size=20))
def test_whoever_waits_as_told_and_is_alone_gets_in(
    lines: list[Limits], calls: list[tuple[int, int, int, int]]
) -> None:
    """Found by an attacker: the wait is that of the limit that is short for longest, here or above; no second more."""
    now = 0.0
    all_of = [Meter(Limits(one.requests_per_minute, one.tokens_per_minute), now) for one in lines]
    limits = Meters(all_of[0], tuple(all_of[1:]))
    for eighths, held, used, _ in calls:
        now += eighths / 8
        refusal = limits.take(held, now)
        if refusal is not None and refusal.retry_after_s is None:
            assert any(one.tokens_per_minute is not None and one.tokens_per_minute < held for one in lines)
            continue
        if refusal is not None and refusal.retry_after_s is not None:
            assert limits.take(held, now + refusal.retry_after_s - 1.001) is not None
            now += refusal.retry_after_s
            assert limits.take(held, now) is None
        limits.settle(held, used, now, now)


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
