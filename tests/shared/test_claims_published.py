"""What publishers, hubs and trackers say of models is not contradicted by `weighbridge claims`."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from weighbridge.inspection.claims.claim import Claim
from weighbridge.inspection.claims.facts import FactBase, shipped_facts
from weighbridge.inspection.claims.judge import judge_claims

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "data"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")]

# their sources call these legacy data that nobody reviewed; the names alone say that they are wrong
_UNREVIEWED = {"internlm/Intern-S1-mini", "inclusionAI/Ling-lite-1.5-2507", "inclusionAI/Ring-mini-2.0",
               "inclusionAI/Ring-flash-2.0", "microsoft/Florence-2-base", "microsoft/Florence-2-base-ft"}  # fmt: skip


@pytest.fixture(scope="module")
def base() -> FactBase:
    """Return the facts that ship."""
    return shipped_facts()


def _outcome(base: FactBase, model: str, quantity: str, value: float, unit: float = 0.0) -> str:
    return judge_claims([Claim(base.find(model) or model, quantity, value, unit)], base)[0].outcome.value


def test_published_totals_are_supported(base: FactBase) -> None:
    """Every total of the index that is no count of packed weights, to the unit, by whichever convention."""
    with (DATA / "configs" / "index.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["published_total_params"].isdigit()]
    wrong, judged = [], 0
    for row in rows:
        if base.find(row["hf_id"]) is None or "NVFP4" in row["file"] or "FP8" in row["file"]:
            continue
        judged += 1
        if _outcome(base, row["hf_id"], "total_parameters", float(row["published_total_params"])) != "supported":
            wrong.append(row["hf_id"])
    assert (wrong, judged > 60) == ([], True)


def test_tracked_counts_are_not_contradicted(base: FactBase) -> None:
    """Totals and active counts that a tracker of models keeps, rounded as it rounds them."""
    wrong, supported = set(), 0
    with (DATA / "tracked_models" / "model_parameters.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for quantity, text in (
                ("total_parameters", row["total_params_b"]), ("active_parameters", row["active_params_b"]),
            ):  # fmt: skip
                unit = 1e9 * 10.0 ** -len(text.partition(".")[2])
                outcome = _outcome(base, row["model_id"], quantity, float(text) * 1e9, unit) if text else ""
                supported += outcome == "supported"
                if outcome == "contradicted":
                    wrong.add(row["model_id"])
    assert (wrong - _UNREVIEWED, supported > 200) == (set(), True)
