"""A wrapper's language model: which section, which defaults, which tying, which names."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.structure import Structure

_HERE = Path(__file__).parent
_TYING = json.loads((_HERE / "tying.json").read_text(encoding="utf-8"))
_CASES = json.loads((_HERE / "reference" / "vision.json").read_text(encoding="utf-8"))["cases"]
_FLAGS = {"-": None, "T": True, "F": False}
_SMALL: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
    "num_key_value_heads": 4,
}  # fmt: skip


def _structure(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


@pytest.mark.parametrize("wrapper", _TYING["wrappers"])
def test_a_wrapper_ties_as_its_library_does(wrapper: str) -> None:
    """For each of the nine ways to declare, or leave out, the flag outside and inside."""
    first = next(case["config"] for case in _CASES if case["config"]["model_type"] == wrapper)
    tied = []
    for flags in _TYING["order"]:
        config = copy.deepcopy(first)
        outer = config.get("thinker_config", config)
        for section, flag in zip((outer, outer.get("text_config", outer)), flags, strict=True):
            section.pop("tie_word_embeddings", None)
            if _FLAGS[flag] is not None:
                section["tie_word_embeddings"] = _FLAGS[flag]
        built = structure_of(config)
        # a family whose head is smaller than its embedding cannot tie at all, so it refuses a tied flag
        tied.append("T" if isinstance(built, Structure) and built.is_tied else "F")
    assert "".join(tied) == _TYING["wrappers"][wrapper]


def test_a_default_that_ties_is_said() -> None:
    """Mistral Small 3 stores a head, but its config leaves the flag to the library, which ties: that is no secret."""
    config = {"model_type": "mistral3", "text_config": {"model_type": "mistral", **_SMALL}, "vision_config": {}}
    said = [note for note in _structure(config).notes if "tie_word_embeddings" in note]
    assert said == ["`tie_word_embeddings` is not declared for the whole model; the library's default true is taken"]
    assert not [note for note in _structure({**config, "tie_word_embeddings": True}).notes if "tie_word" in note]


def test_what_a_text_section_leaves_out_is_filled_in_and_said() -> None:
    """LLaVA 1.5's text section says no more than a vocabulary: Llama's defaults make it the 6.74 B of Vicuna."""
    config = {
        "model_type": "llava",
        "text_config": {"model_type": "llama", "vocab_size": 32064},
        "vision_config": {"model_type": "clip_vision_model"},
    }
    structure = _structure(config)
    assert structure.text_total == 6_738_939_904
    assert any("hidden_size 4096" in note and "num_hidden_layers 32" in note for note in structure.notes)


def test_a_null_in_a_text_section_is_no_gap() -> None:
    """Mistral's default window is not put in place of a declared null."""
    text = {"model_type": "mistral", **_SMALL}
    wrapper = {"model_type": "llava", "vision_config": {"model_type": "clip_vision_model"}}
    open_, closed = (
        _structure({**wrapper, "text_config": section}) for section in ({**text, "sliding_window": None}, text)
    )
    assert {cache.window for layer in open_.layers for cache in layer.caches} == {None}
    assert {cache.window for layer in closed.layers for cache in layer.caches} == {4096}


def test_a_wrapper_that_no_table_knows_must_not_contradict_itself() -> None:
    """Which of two flags an unknown class would follow cannot be known."""
    text = {"model_type": "llama", **_SMALL, "tie_word_embeddings": True}
    config = {"model_type": "new_vl", "text_config": text, "vision_config": {"hidden_size": 8}}
    refusal = structure_of({**config, "tie_word_embeddings": False})
    assert isinstance(refusal, Refusal)
    assert "the two disagree" in refusal.reason
    assert _structure(config).is_tied


@pytest.mark.parametrize(
    ("kind", "layers", "head"),
    [
        # from the indexes of nvidia/Cosmos-Reason2-8B, google/medgemma-27b-it, MBZUAI/AIN and nvidia/Kimi-K2.5-NVFP4
        ("qwen3_vl", "model.language_model.layers", "lm_head.weight"),
        ("gemma3", "language_model.model.layers", None),
        ("qwen2_vl", "model.layers", "lm_head.weight"),
        ("kimi_k25", "language_model.model.layers", "language_model.lm_head.weight"),
    ],
)
def test_weights_carry_the_names_of_the_wrappers_checkpoints(kind: str, layers: str, head: str | None) -> None:
    """Lists of modules that stay unquantized are written in these names."""
    structure = _structure(next(case["config"] for case in _CASES if case["config"]["model_type"] == kind))
    assert structure.layer_prefix == layers
    names = [weight.name for weight in structure.outside]
    assert names[0] == layers.removesuffix("layers") + "embed_tokens.weight"
    assert [name for name in names if "lm_head" in name] == ([head] if head else [])


def test_layers_are_bounded_in_a_section_too() -> None:
    """A giant inside a section is refused like one outside."""
    text = {"model_type": "llama", **_SMALL, "num_hidden_layers": 10**9}
    refusal = structure_of({"model_type": "llava", "text_config": text, "vision_config": {}})
    assert isinstance(refusal, Refusal)
    assert "out of range" in refusal.reason
