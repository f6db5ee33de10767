"""Shares, ranges, concentration and bounds against a recount by brute force in plain Python."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.adoption.definition import Definition, region_of
from weighbridge.adoption.relative import relative_adoption
from weighbridge.adoption.shares import REST, weigh

if TYPE_CHECKING:
    from tests.unit.adoption.conftest import Rows

from weighbridge.adoption.listing.snapshot import load_snapshot
from weighbridge.adoption.owner.attribution import attribute

COUNTRY = {"Qwen": "CN", "deepseek-ai": "CN", "meta-llama": "US", "mistralai": "FR", "quants": "unlisted"}


def listing(n: int = 60) -> list[dict[str, Any]]:
    """Return a listing with a long tail, some of it not tagged and some without a day."""
    chance = random.Random(11)  # noqa: S311 - counts, not keys
    rows = []
    for number in range(n):
        row: dict[str, Any] = {
            "id": f"{chance.choice([*COUNTRY, 'me', 'you'])}/m{number}",
            "downloads": int(chance.paretovariate(0.8) * 10),
            "likes": number % 7,
            "pipeline_tag": chance.choice(["text-generation", "any-to-any", "feature-extraction", None]),
            "createdAt": chance.choice(["2025-01-01", "2026-05-05", None]),
        }
        rows.append(row)
    return rows


def country(row: dict[str, Any]) -> str:
    """Return the country of a row's publisher."""
    return COUNTRY.get(row["id"].split("/")[0], "unlisted")


def shares(rows: list[dict[str, Any]], metric: str = "downloads") -> dict[str, float]:
    """Return the shares by country."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[country(row)] += 1 if metric == "models" else row[metric]
    total = sum(sums.values())
    return {key: value / total for key, value in sums.items()} if total else {}


def generative(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that are tagged as generating."""
    return [row for row in rows if row["pipeline_tag"] in {"text-generation", "any-to-any"}]


@pytest.mark.parametrize("metric", ["downloads", "likes", "models"])
def test_shares_are_those_of_a_recount(rows: Rows, metric: str) -> None:
    """Every metric, to the last digit."""
    (found,) = rows.measure(Definition(metric=metric), rows.write(listing()))
    assert found.publisher.shares == shares(generative(listing()), metric)
    assert sum(found.publisher.shares.values()) == pytest.approx(1)


def test_the_window_is_exclusive_and_everything_may_be_counted(rows: Rows) -> None:
    """Created after a day means later than it; all tasks means all rows."""
    path = rows.write(listing())
    (found,) = rows.measure(Definition(population="all", created_after=date(2025, 1, 1)), path)
    assert found.publisher.shares == shares([row for row in listing() if row["createdAt"] == "2026-05-05"])
    (found,) = rows.measure(Definition(population="all"), path)
    assert found.publisher.total == sum(row["downloads"] for row in listing())


def test_ranges_are_those_of_leaving_each_repository_out(rows: Rows) -> None:
    """The lowest and highest share over all ways to leave one out."""
    counted = generative(listing())
    (found,) = rows.measure(Definition(), rows.write(listing()))
    without = [shares(counted[:at] + counted[at + 1 :]) for at in range(len(counted))]
    for key, group in found.publisher.groups.items():
        assert group.low == pytest.approx(min(one.get(key, 0.0) for one in without))
        assert group.high == pytest.approx(max(one.get(key, 0.0) for one in without))


def test_the_largest_are_left_out(rows: Rows) -> None:
    """Top-k sensitivity for one and ten; not for a hundred of thirty."""
    counted = sorted(generative(listing()), key=lambda row: (-row["downloads"], row["id"]))
    (found,) = rows.measure(Definition(), rows.write(listing()))
    assert list(found.publisher.top_k) == [1, 10]
    for k, expected in ((k, shares(counted[k:])) for k in (1, 10)):
        assert found.publisher.top_k[k] == pytest.approx(
            {key: expected.get(key, 0.0) for key in found.publisher.groups}
        )


def test_concentration(rows: Rows) -> None:
    """HHI is the sum of squares; what is unlisted counts as one, or not at all."""
    (found,) = rows.measure(Definition(), rows.write(listing()))
    squares = {key: share**2 for key, share in shares(generative(listing())).items()}
    assert found.publisher.hhi == pytest.approx(sum(squares.values()))
    assert found.publisher.hhi_listed == pytest.approx(sum(squares.values()) - squares["unlisted"])


def test_bounds_hold_every_choice_of_the_rows_in_doubt(rows: Rows) -> None:
    """What a share could be, against all subsets of the rows without a task."""
    few = listing(40)[:18]
    sure, unsure = generative(few), [row for row in few if row["pipeline_tag"] is None]
    (found,) = rows.measure(Definition(), rows.write(few))
    could = [
        shares(sure + [row for row, is_in in zip(unsure, choice, strict=True) if is_in])
        for choice in product((False, True), repeat=len(unsure))
    ]
    assert found.publisher.bounds
    for key, bound in found.publisher.bounds.items():
        assert bound.low == pytest.approx(min(one.get(key, 0.0) for one in could))
        assert bound.high == pytest.approx(max(one.get(key, 0.0) for one in could))
        assert bound.if_all == pytest.approx(could[-1].get(key, 0.0))


def test_coverage_is_of_rows_and_of_downloads(rows: Rows) -> None:
    """Task and day over the snapshot, country over the population."""
    (found,) = rows.measure(Definition(), rows.write(listing()))
    tagged, counted = [row for row in listing() if row["pipeline_tag"]], generative(listing())
    known = [row for row in counted if country(row) != "unlisted"]
    downloads = [sum(row["downloads"] for row in some) for some in (listing(), tagged, counted, known)]
    of = found.coverage.of
    assert (of["task"].rows, of["task"].downloads) == (len(tagged) / 60, downloads[1] / downloads[0])
    assert (of["country"].rows, of["country"].downloads) == (len(known) / len(counted), downloads[3] / downloads[2])


def test_many_publishers_are_folded_and_still_add_up(rows: Rows) -> None:
    """Beyond the two hundred largest there is one key for the rest, whose share and range stay exact."""
    many = [{"id": f"p{n}/m", "downloads": n} for n in range(1, 301)]
    (found,) = rows.measure(Definition(by="publisher"), rows.write(many))
    total = sum(range(1, 301))
    assert found.publisher.groups[REST].value == sum(range(1, 101))
    assert found.publisher.groups[REST].low == pytest.approx((sum(range(1, 101)) - 100) / (total - 100))
    assert found.publisher.hhi == pytest.approx(sum((n / total) ** 2 for n in range(1, 301)))
    assert sum(found.publisher.shares.values()) == pytest.approx(1)


def test_nothing_in_the_population_has_no_shares(rows: Rows) -> None:
    """Zero downloads, or no such task: no share is made up, and a strong warning says so."""
    for row in ({"downloads": 0}, {"pipeline_tag": "translation"}):
        (found,) = rows.measure(Definition(), rows.write([{"id": "Qwen/x", **row}]))
        assert found.publisher.shares == {}
        assert ("empty-population", "strong") in {(one.code, one.severity) for one in found.warnings}


@pytest.mark.parametrize(
    ("code", "region"),
    [("CN", "CN"), ("US", "US"), ("FR", "EU"), ("GB", "EU"), ("CH", "EU"), ("RU", "other"), ("unlisted", "unlisted")],
)
def test_regions(code: str, region: str) -> None:
    """The regions of tracked-models, whose `eu` holds Stability AI (GB) and Swiss AI (CH)."""
    assert region_of(code) == region


def relative(rows: Rows, some: list[dict[str, Any]], model: str) -> Any:
    """Return how a model stands."""
    path = rows.write(some)
    with rows.database(path) as database:
        snapshot = load_snapshot(database, path, {})
        weigh(database, Definition(population="all"))
        attribute(database, rows.known, "country")
        return relative_adoption(database, model, snapshot.data_date)


def test_a_model_beside_those_of_its_size_and_age(rows: Rows) -> None:
    """Both versions of the metric by hand; other sizes, other ages, copies and strangers are no peers."""
    peer = {"safetensors": {"total": 8 * 10**9}, "createdAt": "2026-09-01"}
    peers = [{"id": f"Qwen/p{n}", "downloads": 100 * n, **peer} for n in range(1, 13)]
    others = [
        {"id": "Qwen/large", "downloads": 9999, **peer, "safetensors": {"total": 80 * 10**9}},
        {"id": "Qwen/old", "downloads": 9999, **peer, "createdAt": "2025-01-01"},
        {"id": "unsloth/p1-qwen", "downloads": 9999, **peer},
        {"id": "me/stranger", "downloads": 9999, **peer},
    ]
    own = {"id": "meta-llama/own", "downloads": 600, **peer}
    found = relative(rows, [*peers, *others, own], "META-LLAMA/own")
    assert (found.peers, found.tenth, found.age_days) == (12, ("Qwen/p3", 300), 34)
    assert found.score == 2.0
    assert found.score_v1 == pytest.approx(600 / 750)


def test_a_class_that_is_too_small_has_no_score(rows: Rows) -> None:
    """Nine others are not ten: unknown, with the reason."""
    peer = {"safetensors": {"total": 8 * 10**9}, "createdAt": "2026-09-01"}
    found = relative(rows, [{"id": f"Qwen/p{n}", **peer} for n in range(10)], "Qwen/p0")
    assert (found.peers, found.score) == (9, None)
    assert "ten" in found.why_not
    assert relative(rows, [{"id": "Qwen/x", "createdAt": None}], "Qwen/x").why_not.endswith("when it was created")
