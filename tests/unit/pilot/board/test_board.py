from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from weighbridge.pilot.board.bucket import Bucket
from weighbridge.pilot.board.fold import BoardFold, read_board
from weighbridge.pilot.board.sketch import LEAST_S, MOST_S, RELATIVE_ERROR, bucket_of, quantile
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.noun import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOON = 1_795_348_800.0  # 2026-11-22 12:00 UTC


def seen(at: float = _NOON, leg: str = "primary", **fields: Any) -> Observation:
    """Return an observation of an answer that was good."""
    good = Observation(
        "id", at, "qwen", leg, "decision", "user", failed=False, total_s=1.0, first_s=0.1, output_tokens=100,
        refused=False, in_form=True, same_language=True, is_cut=False,
    )  # fmt: skip
    return replace(good, **fields)


def entries(observations: Iterable[Observation]) -> list[Entry]:
    """Return them as the journal has them, through JSON."""
    return [
        Entry(one.at, one.route, "seen", json.loads(json.dumps(one.to_facts())), number)
        for number, one in enumerate(observations, 1)
    ]


def folded(observations: Iterable[Observation], body: Any = None) -> Any:
    """Return a board's body."""
    fold = BoardFold("qwen")
    after, notices = fold.take(fold.begin() if body is None else body, entries(observations))
    assert not notices
    return after


@given(
    some.lists(some.floats(LEAST_S, MOST_S), min_size=1, max_size=200), some.sampled_from([0.01, 0.5, 0.95, 0.99, 1])
)
def test_a_quantile_is_near_the_observed_one(values: list[float], share: float) -> None:
    """Within the stated share of the value that numpy finds at that rank ("inverted_cdf")."""
    counts: dict[int, int] = {}
    for value in values:
        counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    found = quantile(counts, share)
    assert found is not None
    exact = float(np.quantile(values, share, method="inverted_cdf"))
    assert abs(found - exact) <= (RELATIVE_ERROR + 1e-9) * exact


def test_what_lies_beyond_the_buckets_is_held_to_their_ends() -> None:
    """Nothing, less than nothing, and ages do not raise; of no values there is no quantile."""
    assert bucket_of(0.0) == bucket_of(-1.0) == bucket_of(LEAST_S)
    assert bucket_of(1e300) == bucket_of(math.inf) == bucket_of(MOST_S)
    assert quantile({}, 0.5) is None


def test_a_board_counts_what_was_seen() -> None:
    """By leg and span, each share of those where it is known, seconds of what did not fail."""
    body = folded(
        [
            seen(),
            seen(refused=True, in_form=None, same_language=False, total_s=4.0),
            seen(in_form=False, is_cut=True, output_tokens=None, first_s=None, total_s=2.0),
            seen(failed=True, refused=None, in_form=None, same_language=None, is_cut=None, total_s=60.0),
            seen(_NOON + 300),
            seen(leg="canary", refused=True),
        ]
    )
    board = read_board(body, _NOON + 600)
    assert list(board["legs"]) == ["primary", "canary"]
    first, second = board["legs"]["primary"]["minutes"]
    assert (first["at"], second["at"]) == (int(_NOON), int(_NOON) + 300)
    assert (first["looked_at"], first["failed"]) == (4, 1)
    assert first["refused"] == {"count": 1, "of": 3}
    assert first["out_of_form"] == {"count": 1, "of": 2}
    assert first["other_language"] == {"count": 1, "of": 3}
    assert first["cut_off"] == {"count": 1, "of": 3}
    assert first["tokens_mean"] == 100
    assert first["total_s"]["p50"] == pytest.approx(2.0, rel=RELATIVE_ERROR)
    assert first["total_s"]["p99"] == pytest.approx(4.0, rel=RELATIVE_ERROR)
    assert first["first_s"]["p50"] == pytest.approx(0.1, rel=RELATIVE_ERROR)
    (hour,) = board["legs"]["primary"]["hours"]
    day = board["legs"]["primary"]["day"]
    assert hour["looked_at"] == day["looked_at"] == 5
    assert {name: day[name] for name in day if name != "at"} == {name: hour[name] for name in hour if name != "at"}
    assert board["legs"]["canary"]["day"]["refused"] == {"count": 1, "of": 1}
    assert board["legs"]["canary"]["day"]["out_of_form"] == {"count": 0, "of": 1}


def test_pages_of_entries_make_one_board() -> None:
    """However they come in pages, late ones among them, the board is the same; the old body stays as it was."""
    draw = random.Random(7)  # noqa: S311 - a fixed sample
    every = [
        seen(_NOON + draw.random() * 7200, draw.choice(["primary", "canary"]), total_s=draw.lognormvariate(0, 1))
        for _ in range(300)
    ]
    whole = folded(every)
    body = None
    for start in range(0, 300, 37):
        before = json.dumps(body)
        after = folded(every[start : start + 37], body)
        assert json.dumps(body) == before
        body = after
    assert body == whole
    assert sum(row["looked_at"] for row in read_board(whole, _NOON + 7200)["legs"]["canary"]["minutes"]) == sum(
        one.leg == "canary" for one in every
    )


def test_a_bucket_comes_back_from_its_text() -> None:
    """Written and read it is the same, merged it is the sum."""
    one, other = Bucket(), Bucket()
    for number in range(50):
        one.add(seen(total_s=0.01 * number, refused=number % 3 == 0, first_s=None))
        other.add(seen(total_s=number, failed=number % 2 == 0, in_form=None))
    assert Bucket.read(one.write()) == one
    both = Bucket()
    both.merge(one)
    both.merge(other)
    assert both.looked_at == 100
    assert sum(both.total.values()) == 75
    assert Bucket.read(Bucket().write()) == Bucket()
    for wrong in ("", "1;2", one.write() + ";", "x" * 100):
        with pytest.raises(ValueError, match=r".*"):
            Bucket.read(wrong)


def test_a_board_stays_small() -> None:
    """Twenty days of every minute and many legs: a day of minutes and 14 of hours are kept, of the first legs."""
    minute, days = 60, 20
    every = [seen(_NOON + minute * number, total_s=0.1 + number % 37) for number in range(0, days * 24 * 60, 5)]
    body = folded([*every, *(seen(leg=f"leg-{number}") for number in range(100))])
    assert len(body["legs"]) == 16
    primary = body["legs"]["primary"]
    assert (len(primary["minutes"]), len(primary["hours"])) == (288, 336)
    assert len(json.dumps(primary)) < 200_000
    now = _NOON + days * 86_400
    board = read_board(body, now)["legs"]["primary"]
    assert board["day"]["looked_at"] == 24 * 12
    assert board["hours"][0]["at"] >= now - 14 * 86_400 - 3600
    assert read_board(body, now + 86_400 * 30)["legs"]["primary"]["hours"] == []


def test_what_is_no_observation_is_passed_over() -> None:
    """Orders, pairs, and facts that no Weighbridge wrote."""
    fold = BoardFold("qwen")
    good = entries([seen()])[0]
    strange = [
        replace(good, kind="order"), replace(good, facts={}), replace(good, facts={**good.facts, "at": "noon"}),
        replace(good, facts={**good.facts, "total_s": None}), good,
    ]  # fmt: skip
    body, _ = fold.take(fold.begin(), strange)
    assert read_board(body, _NOON)["legs"]["primary"]["day"]["looked_at"] == 1


def test_entries_that_nobody_can_read_are_told_of_once() -> None:
    """One notice says how many and where; the others count."""
    fold = BoardFold("qwen")
    entries = [Entry(1e9 + n, "qwen", "unreadable", {}, n) for n in (3, 5)]
    body, (notice,) = fold.take(fold.begin(), entries)
    assert body == fold.begin()
    assert (notice.event, notice.severity, notice.facts) == (
        "journal.damaged", "warning", {"route": "qwen", "entries": 2, "first": 3, "last": 5},
    )  # fmt: skip
    assert fold.take(fold.begin(), [Entry(1e9, "qwen", "order", {}, 4)])[1] == []
