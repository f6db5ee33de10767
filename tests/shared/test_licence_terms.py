"""The shipped terms against the clause-cited key, and the chain on real repositories."""

from __future__ import annotations

import csv
import os
from datetime import date
from pathlib import Path

import pytest

from weighbridge.core.reference import Reference
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.card import inspect_card
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.inspect import inspect_licence
from weighbridge.inspection.licence.reading import read_text
from weighbridge.inspection.licence.readout import plain_letters
from weighbridge.inspection.licence.terms import COLUMNS, licence_of

SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
DATA = SHARED / "data" / "licences"
HUB = SHARED / "data" / "hub"


def _rows(name: str) -> list[dict[str, str]]:
    path = DATA / name
    return list(csv.DictReader(path.read_text("utf-8").splitlines())) if path.is_file() else []


KEY = {row["licence_id"]: row for row in _rows("terms.csv")}
TEXTS = [row for row in _rows("index.csv") if row["licence_id"] in KEY]
# The key's row gives 100M for the licence of Hunyuan 3D 2.0; section 4 of the text says 1 million.
WRONG_IN_THE_KEY = {("tencent-hunyuan-3d-2.0", "commercial_conditions")}

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not KEY, reason=f"{DATA} is absent")]


@pytest.mark.parametrize("row", TEXTS, ids=lambda row: row["id"])
def test_the_answers_are_those_of_the_key(row: dict[str, str]) -> None:
    """Read from the text as found in the wild: every cell, but one where the text contradicts the key."""
    words = (DATA / f"{row['id']}.txt").read_text("utf-8")
    terms = read_text(words, identify(words), "LICENSE").terms
    key = KEY[row["licence_id"]]
    wrong = {
        column: (terms[column].value, key[column])
        for column in COLUMNS
        if terms[column].value != key[column] and (row["licence_id"], column) not in WRONG_IN_THE_KEY
    }
    assert not wrong


@pytest.mark.parametrize("licence_id", sorted(KEY))
def test_every_quotation_stands_in_a_text_of_the_licence(licence_id: str) -> None:
    """Verbatim, up to wrapping and mark-up, in at least one of the collected texts."""
    licence = licence_of(licence_id)
    assert licence is not None
    files = [row["id"] for row in _rows("index.csv") if row["licence_id"] == licence_id]
    texts = [plain_letters((DATA / f"{name}.txt").read_text("utf-8")) for name in files]
    quotes = {quote for term in licence.terms.values() for quote in term.quotes}
    missing = [quote for quote in quotes if not any(plain_letters(quote) in text for text in texts)]
    assert not missing


@pytest.mark.parametrize(
    ("folder", "licences", "conflicts"),
    [
        ("deepseek-ai__DeepSeek-V3-Base", ["deepseek-model-1.0"], []),
        ("deepseek-ai__DeepSeek-R1", ["mit"], []),
        ("mattshumer__Reflection-Llama-3.1-70B", [], ["tag-against-base"]),  # `_name_or_path` says Llama 3
        ("Logics-MLLM__Logics-Thinking", ["apache-2.0"], []),
        ("Qwen__Qwen3-14B-MLX-4bit", [], []),  # a tag and no text
    ],
)
def test_the_chain_of_real_repositories(folder: str, licences: list[str], conflicts: list[str]) -> None:
    """Cards, licence files and configs as published; a tag alone is no licence."""
    artefact = resolve(Reference.parse(str(HUB / folder)))
    day = date(2026, 11, 22)
    statement = inspect_licence(artefact, day, [inspect_card(artefact, day)])
    assert statement is not None
    assert statement.body["licences"] == licences
    assert [conflict["name"] for conflict in statement.body["conflicts"]] == conflicts
    assert bool(statement.body["questions"]) == (not licences)
