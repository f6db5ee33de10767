"""Shares of three real snapshots against a recount with the csv module, and against the figures that were published."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from weighbridge.adoption.definition import Definition, region_of
from weighbridge.knowledge.load import load_knowledge
from weighbridge.workflow.share import Asked, ShareReport, share

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
HUB = SHARED / "data" / "hubstats"
JUNE, AUGUST, OCTOBER = (HUB / f"hub-2026-{day}.csv" for day in ("06-02", "08-16", "10-05"))
SOURCES = HUB / "gguf_sources-2026-10-05.csv"
GENERATIVE = {"text-generation", "image-text-to-text", "any-to-any"}
HANDS_ON = {"quantizer", "finetuner", "inference", "community"}
DRAFT = re.compile(r"dspark|dflash\d*|eagle\d*|speculators?|draft|drafter|medusa")

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not HUB.is_dir(), reason=f"{HUB} is absent")]


@cache
def table(path: Path) -> list[dict[str, str]]:
    """Read a snapshot."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def organisations() -> dict[str, tuple[str, str]]:
    """Return country ("unlisted" for none) and kind by name in lower case, by the collected register itself."""
    with (SHARED / "data" / "orgs.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["org"].lower(): ("unlisted" if row["country"] in {"", "XX", "ZZ"} else row["country"], row["kind"])
            for row in csv.DictReader(file)
        } | {"voyageai": ("US", "company")}  # in our table, not in that register


def counted(path: Path, population: str) -> list[dict[str, str]]:
    """Return the rows of a population; one of those that differ in letter case only and have the same count."""
    rows = sorted(table(path), key=lambda row: (row["created"] or "9", row["model_id"]))
    once = {(row["model_id"].lower(), row["downloads_30d"]): row for row in reversed(rows)}
    return [row for row in once.values() if population == "all" or row["pipeline_tag"] in GENERATIVE]


def measured(*paths: Path, **asked: object) -> ShareReport:
    """Measure with what ships."""
    bases = [SOURCES] if asked.pop("with_sources", False) else []
    return share(Asked(paths, bases, {}), Definition(**asked))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", [JUNE, AUGUST, OCTOBER], ids=["june", "august", "october"])
@pytest.mark.parametrize("population", ["generative", "all"])
def test_by_publisher_to_the_unit(path: Path, population: str) -> None:
    """Each country's downloads and repositories, as the csv module adds them up."""
    sums: Counter[str] = Counter()
    for row in counted(path, population):
        country, _ = organisations().get(row["model_id"].lower().split("/")[0], ("unlisted", ""))
        sums[country] += int(row["downloads_30d"])
    found = measured(path, population=population).newest.publisher
    assert {key: group.value for key, group in found.groups.items() if group.value} == {
        k: v for k, v in sums.items() if v
    }
    assert found.total == sum(sums.values())
    assert found.n == len(counted(path, population))


def is_draft(repository: str) -> bool:
    """Say whether a model makes another one faster: by the parts of its name, and its size where a row has it."""
    parts = re.split("[-_.]", repository.rpartition("/")[2].lower())
    small = parameters().get(repository, 0) < 9e9
    return small and (any(DRAFT.fullmatch(part) for part in parts) or (len(parts) > 1 and parts[-1] == "assistant"))


@cache
def parameters() -> dict[str, int]:
    """Return the parameters of each row of October."""
    return {row["model_id"]: int(row["params_total"] or 0) for row in table(OCTOBER)}


def country_by_base(name: str, sources: dict[str, set[str]]) -> str:
    """Return whose a repository is by the documented rule: relation (all of one country), name, publisher."""
    if name in sources and not is_draft(name):
        found = {country_by_base(base, sources) for base in sources[name]}
        return found.pop() if len(found) == 1 else "unlisted"
    country, kind = organisations().get(name.lower().split("/", 1)[0], ("unlisted", "unlisted"))
    if kind in {*HANDS_ON, "unlisted"} and not is_draft(name) and (family := load_knowledge().family_of(name)):
        country, _ = organisations().get(family.maker.lower(), ("unlisted", ""))
    return country


@pytest.mark.parametrize("with_sources", [False, True])
def test_by_base_to_the_unit(*, with_sources: bool) -> None:
    """The documented rule in plain Python, one row at a time, with and without a list of what copies are made from."""
    sources: dict[str, set[str]] = {}
    for row in table(SOURCES) if with_sources else ():
        sources.setdefault(row["gguf_repo"], set()).add(row["base_model"])
    sums: Counter[str] = Counter()
    for row in counted(OCTOBER, "generative"):
        sums[country_by_base(row["model_id"], sources)] += int(row["downloads_30d"])
    found = measured(OCTOBER, attribution="base", with_sources=with_sources).newest
    groups = {key: one.value for key, one in found.base.groups.items() if one.value}
    assert groups == {key: value for key, value in sums.items() if value}
    assert ("relation" in found.coverage.base_found_by) == with_sources


def test_the_published_figures_of_october() -> None:
    """46.9 and 38.0 by publisher, 57.0 by base, 48.5 over all tasks; and the other regions beside them."""
    by_publisher = measured(OCTOBER).newest
    rounded = {key: round(100 * value, 1) for key, value in by_publisher.publisher.regions.items()}
    assert rounded == {"CN": 46.9, "US": 38.0, "EU": 1.4, "other": 1.9, "unlisted": 11.8}
    assert by_publisher.publisher.total == 651_643_521
    published = {"CN": 57.0, "US": 33.1, "EU": 1.1, "other": 1.5, "unlisted": 7.3}
    for key, value in published.items():
        assert 100 * by_publisher.base.regions[key] == pytest.approx(value, abs=0.7), key
    assert 100 * by_publisher.base.regions["CN"] == pytest.approx(57.0, abs=0.5)
    everything = measured(OCTOBER, population="all").newest.publisher
    assert everything.total == 890_092_297
    assert 100 * everything.shares["CN"] == pytest.approx(48.5, abs=0.05)
    assert all(region_of(key) in everything.regions for key in everything.shares)


def test_the_share_of_june_is_an_artefact_and_said_to_be() -> None:
    """72.1% with 97% of the rows untagged: a strong warning, with bounds that hold October's figure."""
    june = measured(JUNE)
    assert 100 * june.newest.publisher.shares["CN"] == pytest.approx(72.1, abs=0.05)
    strong = [one for one in june.newest.warnings if one.severity == "strong"]
    assert [one.code for one in strong] == ["task-mostly-unknown"]
    bound = june.newest.publisher.bounds["CN"]
    assert bound.low < 0.469 < bound.if_all < bound.high
    assert not [one for one in measured(JUNE, population="all").newest.warnings if one.severity == "strong"]


def test_what_was_not_refreshed_is_noticed() -> None:
    """August against October: 5,978 of 11,980 common rows have the same count, half of them none at all."""
    report = measured(AUGUST, OCTOBER)
    before, after = (
        {row["model_id"]: int(row["downloads_30d"]) for row in counted(path, "all")} for path in (AUGUST, OCTOBER)
    )
    common = [name for name in before if min(before[name], after.get(name, 0)) >= 100]
    same = sum(before[name] == after[name] for name in common)
    (said,) = [one.message for one in report.newest.warnings if one.code == "stale-source"]
    assert said.startswith(f"{same / len(common):.0%} of the {len(common):,} repositories")
    october = {one.code: one.severity for one in measured(OCTOBER).newest.warnings}
    assert october == {
        "truncated": "note", "concentration": "note", "letter-case": "note", "letter-case-counts": "note"
    }  # fmt: skip
