"""The names of weights against the indexes of real checkpoints of models that see."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
DATA = SHARED / "data"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")]


def _structure(path: Path) -> Structure:
    structure = structure_of(json.loads(path.read_text(encoding="utf-8")))
    assert isinstance(structure, Structure), structure
    return structure


@pytest.mark.parametrize("name", ["google__medgemma-27b-it", "nvidia__Cosmos-Reason2-8B", "MBZUAI__AIN"])
def test_every_weight_has_the_name_that_the_checkpoint_gives_it(name: str) -> None:
    """None is missing from the index and none is left over, layer numbers of towers aside."""
    folder = DATA / "hub" / name
    stored = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))["weight_map"]
    ours = {_numbered(one) for one, _ in _structure(folder / "config.json").named()}
    assert {_numbered(one) for one in stored} == ours


def _numbered(name: str) -> str:
    return re.sub(r"\.(\d+|\*)\.", ".*.", name)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        # the hub's safetensors.total of the same model, which counts stored buffers (snapshot of 2026-10-05)
        ("nvidia__Kimi-K2.5-NVFP4.json", 1_026_879_376_368),
        ("zai-org__GLM-4.5V.json", 107_710_933_120),
        ("google__gemma-4-26B-A4B.json", 25_805_936_206),
    ],
)
def test_parameters_and_buffers_are_what_the_hub_counts(name: str, stored: int) -> None:
    """Kimi-K2.5 and GLM-4.5V store router biases, Gemma 4 scales of layers and of what the tower gives."""
    structure = _structure(DATA / "configs" / name)
    assert structure.total is not None
    assert structure.total + structure.buffers == stored
