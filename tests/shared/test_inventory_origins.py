"""Origins against real repositories: pairs of a GGUF repository and its base, and licences that re-uploads claim."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from weighbridge.inventory.origin.chain import Origins, Subject
from weighbridge.inventory.origin.licence import licence_along
from weighbridge.inventory.origin.tables import canonical_maker
from weighbridge.knowledge.load import load_knowledge

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "data" / "hubstats"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")]

_MAKES = {"company", "institute", "university", "nonprofit", "government"}


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))


def test_gguf_repository_has_the_maker_of_its_base() -> None:
    """Of 2,917 pairs, a repackaged repository never gets another maker than its base does.

    Where the base lies at a listed maker, that maker is in the chain of the GGUF repository in 97 % and more, and what
    is closed never leaves it out.
    """
    known = load_knowledge()
    origins = Origins(known)
    pairs = _rows("gguf_sources-2026-10-05.csv")
    times = Counter(pair["gguf_repo"] for pair in pairs)
    listed = found = answered = 0
    for pair in pairs:
        chain = origins.chain_of(Subject(pair["gguf_repo"]))
        base = origins.chain_of(Subject(pair["base_model"]))
        if chain.maker:
            answered += 1
            assert chain.maker == base.maker, pair
        maker = known.organisation(pair["base_model"])
        is_told = times[pair["gguf_repo"]] == 1 and base.steps[0].maker  # else a copy, or one of several of that name
        if maker is not None and maker.kind in _MAKES and is_told:
            listed += 1
            is_there = canonical_maker(maker.name) in chain.makers
            found += is_there
            assert is_there or not chain.is_closed, pair
    assert len(pairs) == 2917
    assert listed > 1000
    assert found / listed >= 0.97
    assert answered / len(pairs) >= 0.7


def test_free_tags_on_restricted_bases_are_laundering() -> None:
    """Third parties' repositories that are named after six restricted bases and tagged free are all told.

    shared/knowledge/hubs-watch.md counts 40 of 279 such tags in this snapshot, by name.
    """
    origins = Origins(load_knowledge())
    bases = re.compile(
        r"kimi-k3|glm-5\.3(?!-flash)(?![\d.])|qwen3\.8-(?:flash-next|2\.4t)|minimax-m2\.7|minimax-m3(?![\d.])",
        re.IGNORECASE,
    )
    makers = {"moonshotai", "zai-org", "Qwen", "MiniMaxAI"}
    speculators = re.compile(r"dspark|dflash|eagle|mtp|draft|specul", re.IGNORECASE)
    tagged = [
        row for row in _rows("hub-2026-10-05.csv")
        if row["license"] in {"mit", "apache-2.0"} and bases.search(row["model_id"].rpartition("/")[2])
        and row["model_id"].partition("/")[0] not in makers and not speculators.search(row["model_id"])
    ]  # fmt: skip
    missed = []
    for row in tagged:
        chain = origins.chain_of(Subject(row["model_id"], licence_tag=row["license"]))
        if not any(name == "licence-laundering" for name, _ in licence_along(chain).conflicts):
            missed.append(row["model_id"])
    assert 30 <= len(tagged) <= 50
    assert not missed
