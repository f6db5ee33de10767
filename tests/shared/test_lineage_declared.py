from __future__ import annotations

import csv
import io
import os
from datetime import date
from pathlib import Path

import pytest

from weighbridge.core.kinds import LineageV1
from weighbridge.inspection.lineage.inspect import inspect_lineage
from weighbridge.inspection.lineage.names import conflict, same_model
from weighbridge.testing.pinned import pin

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
HUB = SHARED / "data" / "hub"
PAIRS = SHARED / "data" / "hubstats" / "gguf_sources-2026-10-05.csv"
TODAY = date(2026, 11, 22)

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not HUB.is_dir(), reason=f"{HUB} is absent")]

# read by hand in the files: what each states as its base
STATED = {
    "MBZUAI__AIN": {"qwen2-VL-7B", "Qwen/Qwen2-VL-7B-Instruct"},
    "Qwen__Qwen3-14B-MLX-4bit": {"Qwen/Qwen3-14B"},
    "SakuraLLM__Sakura-14B-Qwen2.5-v1.0-backup": {"Qwen/Qwen2.5-14B-Instruct"},
    "YouriLalain__2PRYMMAL-Yi1.5-6B-SLERP": {"01-ai/Yi-1.5-6B-Chat", "01-ai/Yi-1.5-6B"},
    "deepcogito__cogito-v1-preview-qwen-14B": {"Qwen/Qwen2.5-14B"},
    "google__medgemma-27b-it": {"google/gemma-3-27b-pt"},
    "mattshumer__Reflection-Llama-3.1-70B": {
        "meta-llama/Meta-Llama-3.1-70B-Instruct", "meta-llama/Meta-Llama-3-70B-Instruct",
    },
    "mistralai__Devstral-Small-2507": {"mistralai/Mistral-Small-3.1-24B-Instruct-2503"},
    "nvidia__Cosmos-Reason2-8B": {"Qwen/Qwen3-VL-8B-Instruct"},
}  # fmt: skip
FOLDERS = sorted(path.name for path in HUB.iterdir() if path.is_dir()) if HUB.is_dir() else []


@pytest.mark.parametrize("name", FOLDERS)
def test_a_real_repository_states_its_base(name: str) -> None:
    """Every base that card, config or merge recipe names, and no other; one repository contradicts itself."""
    body = LineageV1.model_validate(inspect_lineage(pin(HUB / name), TODAY).body)
    assert set(body.bases) == STATED.get(name, set())
    assert bool(body.contradictions) == (name == "mattshumer__Reflection-Llama-3.1-70B")
    assert body.twice_quantized is None


def test_a_quantized_copy_contradicts_no_base() -> None:
    """2,917 GGUF repositories and the models that they say they are made from (hub snapshot of 2026-10-05)."""
    rows = list(csv.DictReader(io.StringIO(PAIRS.read_text("utf-8"))))
    assert len(rows) > 2000
    assert [row for row in rows if conflict(row["base_model"], row["gguf_repo"])] == []
    assert all(same_model(row["base_model"], row["gguf_repo"]) for row in rows)
