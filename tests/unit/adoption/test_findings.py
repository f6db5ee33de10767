"""Warnings: one case that sets each off, and a clean listing that sets off none."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.adoption.definition import Definition
from weighbridge.adoption.published import published
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from tests.unit.adoption.conftest import Rows


def whole(n: int = 400) -> list[dict[str, Any]]:
    """Return a listing with nothing the matter: a long tail, makers, tasks and days, the newest of yesterday."""
    return [
        {"id": f"{('Qwen', 'meta-llama', 'mistralai')[at % 3]}/m{at}", "downloads": max(1, 200 - at),
         "createdAt": "2026-10-04", "license": "mit", "params_total": 7}
        for at in range(n)
    ]  # fmt: skip


def codes(rows: Rows, listing: list[dict[str, Any]], name: str = "hub-2026-10-05.jsonl", **asked: Any) -> set[str]:
    """Return the codes of the warnings on a listing."""
    (found,) = rows.measure(Definition(**asked), rows.write(listing, name))
    return {one.code for one in found.warnings}


def test_a_whole_listing_is_met_with_silence(rows: Rows) -> None:
    """Neither attribution nor any grouping has anything to warn of."""
    for asked in ({}, {"attribution": "base"}, {"by": "licence"}, {"created_after": date(2026, 1, 1)}):
        assert codes(rows, whole(), **asked) == set()


@pytest.mark.parametrize(
    ("change", "asked", "code"),
    [
        ({"pipeline_tag": None}, {}, "task-mostly-unknown"),
        ({"createdAt": None}, {"created_after": date(2026, 1, 1)}, "created-mostly-unknown"),
        ({"license": None}, {"by": "licence"}, "licence-unknown"),
        ({"params_total": None}, {"by": "size"}, "size-unknown"),
    ],
)
def test_a_column_that_hardly_anyone_filled_in(
    rows: Rows, change: dict[str, Any], asked: dict[str, Any], code: str
) -> None:
    """Strong where three of four rows say nothing and the question rests on it, silent where it does not."""
    listing: list[dict[str, Any]] = [{**row, **(change if at % 4 else {})} for at, row in enumerate(whole())]
    (found,) = rows.measure(Definition(**asked), rows.write(listing))
    assert [one.code for one in found.warnings if one.severity == "strong"] == [code]
    assert codes(rows, listing, population="all") == set()


def test_the_bound_is_said_with_the_warning(rows: Rows) -> None:
    """Half in doubt and all of it of one country: the share, the share with all of them, and the worst."""
    listing: list[dict[str, Any]] = [{"id": "Qwen/a"}, {"id": "meta-llama/b", "pipeline_tag": None}]
    (found,) = rows.measure(Definition(), rows.write(listing))
    (said,) = [one.message for one in found.warnings if one.code == "task-mostly-unknown"]
    assert "CN 100.0% (all of them in: 50.0%; at the worst 50% to 100%)" in said


@pytest.mark.parametrize(
    ("listing", "code"),
    [
        ([{**row, "downloads": row["downloads"] + 500} for row in whole()], "truncated"),
        ([*whole(), {"id": "Qwen/fixture", "downloads": 2_000}], "concentration"),
        ([*whole(), {"id": "tests/fixture", "downloads": 700}], "test-artefacts"),
        ([*whole(), *whole(3)], "duplicates"),
        ([*whole(), {"id": None}], "no-id"),
        ([*whole(), {"id": "Qwen/x", "downloads": None}], "uncounted"),
        ([*whole(), {"id": "Qwen/x", "createdAt": "2026-12-01"}], "date-before-content"),
        ([{**row, "createdAt": "2026-05-01"} for row in whole()], "date-after-content"),
        ([{"id": "me/x"}, {"id": "you/y"}], "country-unknown"),
        (whole(20), "few-models"),
    ],
)
def test_each_of_the_others(rows: Rows, listing: list[dict[str, Any]], code: str) -> None:
    """One change to a whole listing sets off its own warning."""
    assert code in codes(rows, listing)


def test_a_source_that_was_not_refreshed(rows: Rows) -> None:
    """Half of the counts are the very same a month later: the change is not to be read from them."""
    before = [{**row, "downloads": row["downloads"] + 1000} for row in whole()]
    after = [{**row, "downloads": row["downloads"] + (at % 2)} for at, row in enumerate(before)]
    after[0]["downloads"] = 90_000
    paths = [rows.write(after, "b-2026-10-05.jsonl"), rows.write(before, "a-2026-09-05.jsonl")]
    first, last = rows.measure(Definition(), *paths)
    assert "stale-source" not in {one.code for one in first.warnings}
    said = {one.code: one.message for one in last.warnings}
    assert said["stale-source"].startswith("50% of the 400 repositories")
    assert "`Qwen/m0` 1,200 to 90,000" in said["jumps"]
    refreshed = [{**row, "downloads": row["downloads"] + 1} for row in before]
    _, last = rows.measure(Definition(), rows.write(refreshed, "c-2026-10-05.jsonl"), paths[1])
    assert {one.code for one in last.warnings} <= {"truncated"}


def test_snapshots_over_time_need_their_days(rows: Rows) -> None:
    """Two files of one day, or one without: refused, with what to do."""
    paths = [rows.write(whole(2), name) for name in ("a-2026-10-05.jsonl", "b-2026-10-05.jsonl", "c.jsonl")]
    for pair in (paths[:2], paths[1:]):
        with pytest.raises(UsageError, match="a day each"):
            rows.measure(Definition(), *pair)


def test_published_figures_carry_their_definition() -> None:
    """What others have published: the figures as printed (arXiv 2512.03073, 2604.07190), each with its source."""
    longpre, atom, *_ = published()
    assert longpre.figures == {"CN": 0.171, "US": 0.158}
    assert atom.figures == {"CN": 1_150_000_000, "US": 723_000_000}
    assert all(one.source.startswith("https://arxiv.org/abs/") and one.why_apart for one in published())


def said_of(rows: Rows, listing: list[dict[str, Any]], **asked: Any) -> dict[str, tuple[str, str]]:
    """Return severity and sentence of each warning on a listing."""
    (found,) = rows.measure(Definition(**asked), rows.write(listing))
    return {one.code: (one.severity, one.message) for one in found.warnings}


def test_counts_that_are_missing_where_they_weigh(rows: Rows) -> None:
    """Four of 400 rows without a count: a note, and a warning where they hold much of the likes or of the past."""
    listing: list[dict[str, Any]] = [{**row, "likes": 1} for row in whole()]
    few: list[dict[str, Any]] = [{**row, "downloads": None} if at < 4 else row for at, row in enumerate(listing)]
    assert said_of(rows, few)["uncounted"][0] == "note"
    liked = [{**row, "likes": 40} if at < 4 else row for at, row in enumerate(few)]
    severity, message = said_of(rows, liked)["uncounted"]  # 160 of 160 + 396 likes
    assert (severity, "29% of all likes" in message, "(1.0%)" in message) == ("warning", True, True)
    before = [{**row, "downloads": 9_000} if at < 4 else row for at, row in enumerate(listing)]
    paths = [rows.write(before, "a-2026-09-05.jsonl"), rows.write(few, "b-2026-10-05.jsonl")]
    _, last = rows.measure(Definition(), *paths)
    assert {one.code: one.severity for one in last.warnings}["uncounted"] == "strong"


def test_a_row_in_doubt_that_jumps_or_weighs(rows: Rows) -> None:
    """A thousandfold count of a repository without a task: it could move the share, and is named."""
    before = [*whole(), {"id": "Qwen/odd", "downloads": 100, "pipeline_tag": None}]
    after = [*whole(), {"id": "Qwen/odd", "downloads": 100_000, "pipeline_tag": None}]
    paths = [rows.write(before, "a-2026-09-05.jsonl"), rows.write(after, "b-2026-10-05.jsonl")]
    _, last = rows.measure(Definition(), *paths)
    said = {one.code: one.message for one in last.warnings}
    assert "`Qwen/odd` 100 to 100,000" in said["jumps"]
    assert "`Qwen/odd`" in said["outlier"]


def test_a_bound_that_is_far_away_is_strong(rows: Rows) -> None:
    """A third in doubt can move a share by more than 15 points, a tenth cannot."""
    for every, severity in ((3, "strong"), (10, "warning")):
        listing: list[dict[str, Any]] = [
            {**row, "downloads": 9, "pipeline_tag": None if at % every == 0 else "text-generation"}
            for at, row in enumerate(whole())
        ]
        assert said_of(rows, listing)["task-often-unknown"][0] == severity


def test_coverage_is_of_what_is_added_up(rows: Rows) -> None:
    """Two listed repositories hold the downloads, eight unlisted ones the number and the likes."""
    listing: list[dict[str, Any]] = [
        {"id": f"{'Qwen' if at < 2 else 'me'}/m{at}", "downloads": 1000 if at < 2 else 1, "likes": 0 if at < 2 else 5}
        for at in range(10)
    ]
    assert "country-unknown" not in said_of(rows, listing)
    for metric, unknown in (("models", "80%"), ("likes", "100%")):
        severity, message = said_of(rows, listing, metric=metric)["country-unknown"]
        assert severity == "strong"
        assert f"{unknown} of the population's {metric}" in message


def test_families_that_no_name_names(rows: Rows) -> None:
    """Three of ten names say no family: a warning for either attribution."""
    listing: list[dict[str, Any]] = [{"id": f"me/{'thing' if at < 3 else 'qwen'}-{at}x"} for at in range(10)]
    for attribution in ("publisher", "base"):
        severity, message = said_of(rows, listing, by="family", attribution=attribution, population="all")[
            "family-unknown"
        ]
        assert severity == "warning"
        assert "30%" in message


def test_a_listing_that_looks_cut_is_described_as_it_is(rows: Rows) -> None:
    """Rows without downloads are no part of the sentence: it speaks of those that have any."""
    listing = [{**row, "downloads": 0 if at % 4 == 0 else row["downloads"] + 500} for at, row in enumerate(whole())]
    tenth = sorted(row["downloads"] for row in listing if row["downloads"])[29]
    assert f"of the rows with any downloads nine in ten have {tenth} or more" in said_of(rows, listing)["truncated"][1]


def test_a_day_that_only_the_rows_say(rows: Rows) -> None:
    """A name without a day: the newest creation stands for it, and that is said."""
    (found,) = rows.measure(Definition(), rows.write(whole(), "hub.jsonl"))
    (said,) = [one for one in found.warnings if one.code == "date-by-content"]
    assert "2026-10-04" in said.message
