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
