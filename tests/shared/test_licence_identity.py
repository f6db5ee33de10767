"""Collected licence texts against the answers of a careful reader (index.csv)."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.identity import Verdict

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "data/licences"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not FOLDER.is_dir(), reason="the licence texts are not here")]


def rows() -> list[dict[str, str]]:
    """Return the rows of index.csv."""
    if not FOLDER.is_dir():
        return []
    with (FOLDER / "index.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["id"])
def test_agrees_with_the_reader(row: dict[str, str]) -> None:
    """Plain texts are named, altered ones lose the name and show the nearest, pointers are told from texts."""
    found = identify((FOLDER / f"{row['id']}.txt").read_text("utf-8"))
    kind, _, pointed = row["licence_id"].rpartition(":")
    if "(altered)" in row["licence_id"]:
        assert (found.licence_id, found.nearest) == (None, row["licence_id"].split()[0])
        assert found.material
    elif kind:
        assert found.verdict is Verdict.POINTER
        assert found.licence_id in {None, pointed}
    else:
        assert found.licence_id == row["licence_id"]
