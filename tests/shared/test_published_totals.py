"""Published element counts and index sizes of the shared data, explained to the unit."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.memory.scheme import Scheme, plain_scheme, scheme_of
from weighbridge.inspection.memory.stored import explain_stored

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
CONFIGS = SHARED / "data" / "configs"
HUB = SHARED / "data" / "hub"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not CONFIGS.is_dir(), reason=f"{CONFIGS} is absent")]

# counts that the config at hand cannot explain: its vision section was trimmed away, or nobody knows
_UNEXPLAINED = {
    "MiniMaxAI__MiniMax-M3.json", "meta-llama__Llama-4-Maverick-17B-128E-Instruct.json",
    "meta-llama__Llama-4-Scout-17B-16E-Instruct.json", "nvidia__GLM-5.2-NVFP4.json",
}  # fmt: skip
# indexes whose bytes are not those of the declared type: fp32 weights, fp32 rotary buffers, a stored tied head
_OTHER_BYTES = {"MBZUAI__AIN": 16_582_751_232, "openPangu__openPangu-Embedded-7B": 34 * 64 * 4,
                "tiiuae__falcon-180B-chat": 2 * 965_476_352}  # fmt: skip


def _counts() -> list[tuple[str, int]]:
    if not CONFIGS.is_dir():
        return []
    with (CONFIGS / "index.csv").open(encoding="utf-8") as file:
        rows = [(row["file"], row["published_total_params"]) for row in csv.DictReader(file)]
    return [(name, int(count)) for name, count in rows if count.isdigit()]


@pytest.mark.parametrize(("name", "count"), _counts())
def test_a_published_count_is_explained_to_the_unit(name: str, count: int) -> None:
    """One composition gives the hub's count, packed NVFP4 and undeclared modules included."""
    config = json.loads((CONFIGS / name).read_text(encoding="utf-8"))
    structure, scheme = structure_of(config), scheme_of(config)
    if not isinstance(structure, Structure):
        pytest.skip(structure.reason)
    found = explain_stored(structure, scheme if isinstance(scheme, Scheme) else None, count)
    assert len(found) == (0 if name in _UNEXPLAINED else 1), [one.text for one in found]


@pytest.mark.parametrize("name", sorted(path.parent.name for path in HUB.glob("*/model.safetensors.index.json")))
def test_the_bytes_of_an_index_are_those_of_the_structure(name: str) -> None:
    """`total_size`, where it is stated and not 0, is the weights in the declared type or quantization."""
    config = json.loads((HUB / name / "config.json").read_text(encoding="utf-8"))
    index = json.loads((HUB / name / "model.safetensors.index.json").read_text(encoding="utf-8"))
    structure, scheme = structure_of(config), scheme_of(config)
    size = index["metadata"].get("total_size")
    if not isinstance(structure, Structure) or not size:
        pytest.skip("the architecture or the size is not known")
    sized = weight_bytes(structure, scheme if isinstance(scheme, Scheme) else plain_scheme(config))
    assert size - sized.n_bytes == _OTHER_BYTES.get(name, 0)


def test_the_files_of_deepseek_r1_hold_the_computed_bytes_and_little_else() -> None:
    """163 shards of 688.6 GB: what is left are headers (some 12 MB for 91,000 tensors) and fp32 router biases."""
    folder = HUB / "deepseek-ai__DeepSeek-R1"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with (folder / "lfs_pointers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shards = sum(int(row["size_bytes"]) for row in rows if row["path"].endswith(".safetensors"))
    structure, scheme = structure_of(config), scheme_of(config)
    assert isinstance(structure, Structure)
    assert isinstance(scheme, Scheme)
    assert 8e6 < shards - weight_bytes(structure, scheme, mtp=True).n_bytes < 16e6
