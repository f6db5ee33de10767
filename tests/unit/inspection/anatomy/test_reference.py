"""Structures against the reference classes: totals counted in transformers by `bench/reference_totals.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import Refusal, structure_of
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


def _llama(**changed: Any) -> dict[str, Any]:
    llama = {
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 100, "tie_word_embeddings": False,
    }  # fmt: skip
    return {**llama, **changed}


@pytest.mark.parametrize("name", ["create_bot", None])
def test_a_renamed_clone_is_read_by_its_class_and_is_an_estimate(name: str | None) -> None:
    """A hub mirror calls its copy of Kimi-K2 by another `model_type`: the class still tells, and the figure says so."""
    clone = structure_of(_llama(model_type=name, architectures=["LlamaForCausalLM"]))
    original = structure_of(_llama())
    assert isinstance(clone, Structure)
    assert isinstance(original, Structure)
    assert clone.total == original.total
    assert (clone.is_verified, original.is_verified) == (False, True)
    assert "by the class that the config names" in clone.notes[0]


@pytest.mark.parametrize("classes", [None, [], ["MysteryForCausalLM"], "LlamaForCausalLM", [{}], ["A" * 10_000]])
def test_an_unknown_architecture_is_refused_by_name(classes: object) -> None:
    """Nothing is guessed from dimensions alone."""
    outcome = structure_of(_llama(model_type="mystery", architectures=classes))
    assert isinstance(outcome, Refusal)
    assert outcome.reason == "the architecture `mystery` is unknown"
