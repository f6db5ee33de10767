"""Structures against the reference classes: totals counted in transformers by `bench/reference_totals.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure

_CASES = [
    pytest.param(case, id=f"{path.stem}-{case['case']}")
    for path in sorted((Path(__file__).parent / "reference").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]
]


@pytest.mark.parametrize("case", _CASES)
def test_a_structure_holds_the_parameters_that_the_reference_class_builds(case: dict[str, Any]) -> None:
    """To the unit: the whole model, and its language model apart where it also sees or hears."""
    structure = structure_of(case["config"])
    assert isinstance(structure, Structure), structure
    assert structure.total == case["total"]
    assert structure.text_total == case.get("text", case["total"])
