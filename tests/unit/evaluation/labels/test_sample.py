"""The sample: uniform within a language, found again, and one order for all draws."""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import NotFound, UsageError
from weighbridge.evaluation.labels.answers import Given, kept
from weighbridge.evaluation.labels.sample import _draw, freeze_sample, newest_sample, population_of, samples_of
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path

ON = date(2026, 11, 22)


def test_each_language_has_its_number(store: SQLiteStore, givens: Any) -> None:
    """60 of 80, all of 5; chances follow; texts of the drawn answers are kept."""
    sample = freeze_sample(givens(80) + givens(5, "ko"), 60, store, ON, empty=2)
    assert {name: (one.answers, one.drawn) for name, one in sample.body.languages.items()} == {
        "en": (80, 60),
        "ko": (5, 5),
    }
    assert (sample.chance("en"), sample.chance("ko")) == (0.75, 1.0)
    assert len(sample.drawn("en")) == 60
    assert len(kept([one.digest for one in sample.drawn()], store)) == 65
    assert sample.body.empty == 2


def test_copies_are_one_answer(store: SQLiteStore, givens: Any) -> None:
    """The same answer from two draws is labelled once, and counted."""
    (one,) = freeze_sample(givens(1) * 3, 60, store, ON).drawn()
    assert one.copies == 3


def test_the_same_draw_is_found_again(store: SQLiteStore, givens: Any) -> None:
    """Another order of rows, another day: one statement; it is the newest."""
    first = freeze_sample(givens(30), 10, store, ON)
    again = freeze_sample(list(reversed(givens(30))), 10, store, date(2027, 1, 1))
    assert again.id == first.id == newest_sample(store).id
    assert first.population == population_of(one.key for one in givens(30))


def test_a_larger_sample_holds_the_smaller(store: SQLiteStore, givens: Any) -> None:
    """Who decides to label more goes on; the order stays."""
    small = [one.digest for one in freeze_sample(givens(50), 10, store, ON).drawn()]
    large = [one.digest for one in freeze_sample(givens(50), 30, store, ON).drawn()]
    assert large[:10] == small


def test_the_order_cannot_be_known_beforehand(store: SQLiteStore, tmp_path: Path, givens: Any) -> None:
    """Two stores draw two orders, and so do two sets of answers in one: who writes answers cannot choose places."""
    first = freeze_sample(givens(50), 50, store, ON)
    with closing(SQLiteStore(tmp_path / "other.sqlite")) as other:
        elsewhere = freeze_sample(givens(50), 50, other, ON)
    assert len({first.body.seed, elsewhere.body.seed, freeze_sample(givens(51), 50, store, ON).body.seed}) == 3
    assert [one.digest for one in first.drawn()] != [one.digest for one in elsewhere.drawn()]


def test_the_first_draw_of_a_part_stands(store: SQLiteStore, givens: Any) -> None:
    """Parts that were drawn together keep that order alone; with anything drawn before or after, it is no new draw."""
    parts = [givens(20, start=100 * n) for n in range(3)]
    names = [population_of(one.key for one in part) for part in parts]
    mixed = freeze_sample(parts[0] + parts[1], 40, store, ON, parts=names[:2])
    assert freeze_sample(parts[0], 20, store, ON).body.seed == mixed.body.seed
    with pytest.raises(UsageError, match="the first draw stands"):
        freeze_sample(parts[0] + parts[2], 20, store, ON, parts=[names[0], names[2]])
    assert freeze_sample(parts[2], 20, store, ON).body.seed != mixed.body.seed
    with pytest.raises(UsageError, match="the first draw stands"):
        freeze_sample([*parts[0], *parts[1], *parts[2]], 20, store, ON, parts=names)
    assert freeze_sample(parts[0] + parts[1], 10, store, ON, parts=names[:2]).body.seed == mixed.body.seed


def test_a_second_draw_at_the_same_time_is_none(store: SQLiteStore, givens: Any, monkeypatch: Any) -> None:
    """Another process draws between the look and the write: its seed stands, and both show one order."""
    seeds = iter(["cd" * 32])
    other = []

    def token(_size: int) -> str:
        monkeypatch.setattr(secrets, "token_hex", lambda _size: "ab" * 32)
        other.append(freeze_sample(givens(9), 9, store, ON))
        return next(seeds)

    monkeypatch.setattr(secrets, "token_hex", token)
    mine = freeze_sample(givens(9), 9, store, ON)
    assert mine == other[0]
    assert mine.body.seed == "ab" * 32
    assert [sample.id for sample in samples_of(store, mine.population)] == [mine.id]


def test_every_answer_is_equally_likely() -> None:
    """Over 2,000 sets of 20 answers, each place is drawn 5 of 20 times: chi-square under its 99.9% point for 19."""
    drawn: Counter[int] = Counter()
    for n in range(2000):
        keys = [Given("", "en", "", f"{n} {i}").key for i in range(20)]
        drawn.update(keys.index(key) for key in _draw(dict.fromkeys(keys, "en"), 5, "5e" * 32))
    expected = 2000 * 5 / 20
    # drawing without replacement: the variance of a count is 3/4 of the binomial's mean, times 20/19 for the sum
    statistic = sum((drawn[i] - expected) ** 2 / expected for i in range(20)) / (15 / 20) * 19 / 20
    assert statistic < 43.82


def test_nothing_to_draw(store: SQLiteStore) -> None:
    """No answers, or nothing drawn before: said plainly."""
    with pytest.raises(UsageError, match="nothing to label"):
        freeze_sample([], 60, store, ON)
    with pytest.raises(NotFound):
        newest_sample(store)
