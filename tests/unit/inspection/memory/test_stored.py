"""Published element counts explained: what a hub or an index counted, to the unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.scheme import Scheme, scheme_of
from weighbridge.inspection.memory.stored import Composition, explain_stored

_CONFIGS = {
    case["case"]: case["config"]
    for case in json.loads((Path(__file__).parent / "published.json").read_text(encoding="utf-8"))["cases"]
}
_V3 = _CONFIGS["DeepSeek-V3"]
_QWEN3 = {
    "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
    "tie_word_embeddings": True,
}  # fmt: skip
_LLAMA2 = {
    "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
    "num_attention_heads": 32, "vocab_size": 32000, "tie_word_embeddings": False,
}  # fmt: skip
_MTP = {"MTP module": 11_610_068_224, "its embedding and head": 1_853_358_080}


def _explain(config: dict[str, Any], stored: int) -> tuple[Composition, ...]:
    structure, scheme = structure_of(config), scheme_of(config)
    assert isinstance(structure, Structure), structure
    assert scheme is None or isinstance(scheme, Scheme)
    return explain_stored(structure, scheme, stored)


@pytest.mark.parametrize(
    ("config", "stored", "beside"),
    [
        # hub totals, and the parts that anatomy.md section 0 states
        (_QWEN3, 596_049_920, {}),
        (_QWEN3, 751_632_384, {"tied head stored again": 155_582_464}),
        (_LLAMA2, 6_738_417_664, {"rotary buffers": 2048}),
        (_V3, 684_489_845_504, {**_MTP, "router biases": 14_848}),
        (_V3, 684_531_386_000, {**_MTP, "quantization scales": 41_540_496, "router biases": 14_848}),
        (
            _CONFIGS["MiniMax-M2.5"],
            228_703_644_928,
            {"quantization scales": 13_880_064, "router biases": 15_872},
        ),
    ],
)
def test_a_published_count_is_told_apart_into_its_parts(
    config: dict[str, Any], stored: int, beside: dict[str, int]
) -> None:
    """One composition fits, and its parts are those that the vendors' other figures give."""
    (found,) = _explain(config, stored)
    assert found.total == stored
    assert {term.name: term.elements for term in found.terms[1:]} == beside


def test_packed_weights_counted_per_byte_are_recognised_without_a_declaration() -> None:
    """nvidia/DeepSeek-V3.1-NVFP4: 393.6 G elements of a 671 G model, whose config does not say NVFP4."""
    plain = {key: value for key, value in _V3.items() if key != "quantization_config"}
    (found,) = _explain(plain, 393_632_819_968)
    names = [term.name for term in found.terms]
    assert any("packed" in name for name in names)
    assert "quantization scales" in names
    assert found.text.startswith("parameters 671,026,404,352 + MTP module 11,610,068,224")


def test_a_trimmed_config_does_not_hide_a_module() -> None:
    """ERNIE-4.5-21B's hub total holds a dense MTP block of 123,217,920 that this config does not declare."""
    config = {
        "model_type": "ernie4_5_moe", "hidden_size": 2560, "intermediate_size": 12288, "num_hidden_layers": 28,
        "num_attention_heads": 20, "num_key_value_heads": 4, "moe_intermediate_size": 1536, "moe_k": 6,
        "moe_num_experts": 64, "moe_num_shared_experts": 2, "moe_layer_start_index": 1, "moe_layer_end_index": 27,
        "moe_layer_interval": 1, "vocab_size": 103424, "tie_word_embeddings": True,
    }  # fmt: skip
    (found,) = _explain(config, 21_948_655_808)
    assert found.terms[-1].elements == 123_217_920


@pytest.mark.parametrize("stored", [0, 1, 596_049_921, 7_000_000_000, 2**80, -1])
def test_a_count_that_nothing_gives_is_not_explained(stored: int) -> None:
    """One element off is not the model."""
    assert _explain(_QWEN3, stored) == ()
