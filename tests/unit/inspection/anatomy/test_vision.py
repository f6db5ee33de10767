"""What models see and hear with, against published totals; what cannot be known stays unknown, the text does not.

Totals counted in transformers stand in `reference/vision.json` and are compared in `test_reference.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Part, Structure

_HERE = Path(__file__).parent
_PUBLISHED = json.loads((_HERE / "vision_published.json").read_text(encoding="utf-8"))["cases"]
_TEXT: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 100,
}  # fmt: skip
_TEXT_TOTAL = 2 * 100 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 96 + 2 * 64) + 64
_CLIP = {"model_type": "clip_vision_model", "hidden_size": 32, "num_attention_heads": 4, "image_size": 32}


def _structure(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in _PUBLISHED])
def test_a_model_that_sees_holds_what_its_publisher_stores(case: dict[str, Any]) -> None:
    """To the unit against the hub's own count of the stored weights, for models that store nothing besides."""
    assert _structure(case["config"]).total == case["total"]


def test_kimi_vl_adds_a_tower_to_moonlight() -> None:
    """Its hub total is 447,545,840 above that of Moonlight-16B-A3B, its language model; the tower is that much."""
    vision = {"model_type": "moonvit", "hidden_size": 1152, "num_hidden_layers": 27, "intermediate_size": 4304}
    text = {**_TEXT, "hidden_size": 2048, "num_attention_heads": 16, "num_key_value_heads": 16}
    seen = _structure({"model_type": "kimi_vl", "text_config": text, "vision_config": vision}).vision
    assert seen is not None
    assert sum(weight.elements for weight in seen) == 16_407_657_776 - 15_960_111_936


def test_minimax_m3_sees_with_what_its_published_total_is_above_its_text() -> None:
    """427,040,140,160 on the hub are 426,174,565,632 of text, 7,296 router biases and the tower."""
    config = {
        "model_type": "minimax_m3_vl", "text_config": {**_TEXT, "hidden_size": 6144, "num_attention_heads": 64},
        "vision_config": {"hidden_size": 1280},
    }  # fmt: skip
    seen = _structure(config).vision
    assert seen is not None
    assert sum(weight.elements for weight in seen) == 427_040_140_160 - 426_174_565_632 - 7_296


def test_parts_are_told_apart() -> None:
    """What sees, what hears, and what leads from either to the text."""
    config = next(case["config"] for case in _reference() if case["case"] == "gemma4 sees and hears")
    parts = _structure(config).parts()
    projected = 256 * 96 + 256 * 80  # from 96 and 80 elements to 256
    assert parts[Part.PROJECTOR] == projected
    assert parts[Part.VISION] > 0
    assert parts[Part.AUDIO] > 0


def test_gemma_4_stores_bounds_and_scales_beside_its_weights() -> None:
    """The library keeps four bounds for each of 7 and 10 clipped projections a layer, and a shift and a scale."""
    config = next(case["config"] for case in _reference() if case["case"] == "gemma4 sees and hears")
    text = _structure({**config, "vision_config": None, "audio_config": None}).buffers
    assert _structure(config).buffers - text == 2 * 96 + 4 * 7 * 2 + 4 * 10 * 2


def _reference() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((_HERE / "reference" / "vision.json").read_text("utf-8"))["cases"]
    return found


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "llava"}, "`vision_config` is missing"),
        ({"model_type": "llava", "vision_config": [1, 2]}, "no object"),
        ({"model_type": "llava", "vision_config": {"model_type": "eva02"}}, "`eva02` has no formula"),
        ({"model_type": "llava", "vision_config": {**_CLIP, "num_hidden_layers": -3}}, "out of range"),
        ({"model_type": "llava", "vision_config": {**_CLIP, "hidden_size": "32"}}, "not a whole number"),
        ({"model_type": "llava", "vision_config": {**_CLIP, "image_size": 8}}, "smaller than `patch_size`"),
        ({"model_type": "llava", "vision_config": {**_CLIP, "hidden_size": 2**30}}, "more than 2**53"),
        ({"model_type": "llava", "vision_config": _CLIP, "vision_feature_layer": []}, "no layers"),
        ({"model_type": "qwen3_vl", "vision_config": {"out_hidden_size": 32}}, "gives 32 elements"),
        ({"model_type": "gemma3n", "vision_config": {"architecture": "vit"}, "tie_word_embeddings": False}, "timm"),
        ({"model_type": "new_vl", "vision_config": _CLIP}, "no formula here"),
        ({"model_type": "new_vl", "mm_vision_tower": "openai/clip-vit-large-patch14"}, "no formula here"),
        ({"model_type": "new_vl", "audio_config": {"d_model": 8}}, "no formula here"),
    ],
)
def test_an_unknown_part_leaves_the_text_known(config: dict[str, Any], reason: str) -> None:
    """The total is unknown and the reason is said; the language model is counted."""
    structure = _structure({**config, "text_config": _TEXT})
    assert (structure.vision, structure.total, structure.text_total) == (None, None, _TEXT_TOTAL)
    assert any(reason in note and "only the language model is counted" in note for note in structure.notes)


def test_a_talker_is_not_passed_over() -> None:
    """Qwen2.5-Omni's talker has no formula here, so its total is not given as if it had none."""
    case = next(case for case in _reference() if case["case"] == "qwen2_5_omni without talker")
    silent = case["config"]
    assert _structure(silent).total == case["total"]
    speaking = _structure({**silent, "enable_audio_output": True})
    assert (speaking.total, speaking.text_total) == (None, case["text"])


@pytest.mark.parametrize("key", ["vision_start_token_id", "revision", "audio_token", "vision_tokens"])
def test_a_token_or_a_revision_is_no_part(key: str) -> None:
    """Text models carry such keys too."""
    assert _structure({**_TEXT, key: "<|vision_start|>"}).total == _TEXT_TOTAL


def test_assumed_fields_of_a_tower_are_one_sentence() -> None:
    """Qwen2-VL's old configs leave nearly the whole tower to the library's defaults."""
    text = {**_TEXT, "model_type": "qwen2_vl", "hidden_size": 3584, "num_attention_heads": 28}
    del text["num_key_value_heads"]
    notes = _structure({**text, "num_key_value_heads": 4, "vision_config": {"in_chans": 3}}).notes
    said = [note for note in notes if note.startswith("what sees or hears")]
    assert len(said) == 1
    assert "`embed_dim` 1280" in said[0]
    assert "`depth` 32" in said[0]
