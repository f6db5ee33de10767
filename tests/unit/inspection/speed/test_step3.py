"""All of the Step-3 system report's table 2 (arXiv 2507.19427) at 8,192 tokens, from structures alone."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Attend, Structure
from weighbridge.inspection.speed.flops import decode_flops

_MIXTURES = tomllib.loads((Path(__file__).parents[1] / "anatomy" / "mixture_models.toml").read_text(encoding="utf-8"))
_DEEPSEEK = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
    "num_key_value_heads": 128, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048,
    "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3,
    "moe_layer_freq": 1, "vocab_size": 129280, "tie_word_embeddings": False,
}  # fmt: skip
_CONFIGS: dict[str, dict[str, Any]] = {
    "DeepSeek-V3": _DEEPSEEK,
    "Kimi-K2": {
        **_DEEPSEEK, "num_attention_heads": 64, "num_key_value_heads": 64, "n_routed_experts": 384,
        "first_k_dense_replace": 1, "vocab_size": 163840,
    },
    "Qwen3-32B": {
        "model_type": "qwen3", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 64,
        "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 25600, "vocab_size": 151936,
        "tie_word_embeddings": False,
    },
    "MiniMax-M1": {
        "model_type": "minimax_m1", "attn_type_list": [0, 0, 0, 0, 0, 0, 0, 1] * 10, "head_dim": 128,
        "hidden_size": 6144, "intermediate_size": 9216, "num_attention_heads": 64, "num_experts_per_tok": 2,
        "num_hidden_layers": 80, "num_key_value_heads": 8, "num_local_experts": 32, "postnorm": True,
        "shared_intermediate_size": 0, "tie_word_embeddings": False, "vocab_size": 200064,
    },
    **{
        name: _MIXTURES[name]["config"]
        for name in ("Qwen3-235B-A22B", "Llama-4-Maverick", "ERNIE-4.5-300B-A47B", "Pangu-Pro-MoE", "Step-3")
    },
}  # fmt: skip

# model, KV or state bytes, attention FLOPs, projection FLOPs, feed-forward FLOPs, all in units of 10^9
_TABLE = [
    ("DeepSeek-V3", 0.288, 147, 22.8, 48.4),
    ("Kimi-K2", 0.288, 73.7, 12.3, 48.4),
    ("Qwen3-235B-A22B", 0.789, 25.2, 13.4, 28.4),
    ("Qwen3-32B", 1.07, 17.2, 12.1, 50.3),
    ("Llama-4-Maverick", 1.01, 8.05, 6.04, 24.2),
    ("MiniMax-M1", 0.923, 3.42, 37.5, 54.4),
    ("ERNIE-4.5-300B-A47B", 0.906, 14.5, 16.3, 76.1),
    ("Pangu-Pro-MoE", 0.805, 8.05, 6.04, 23.8),
    ("Step-3", 0.256, 32.7, 20.7, 53.3),
]


def _structure(name: str) -> Structure:
    structure = structure_of(_CONFIGS[name])
    assert isinstance(structure, Structure), structure
    return structure


def _as_printed(structure: Structure) -> int:
    """Return what the report's convention adds for MLA: it counts the rope width for values too."""

    def more(attend: Attend) -> int:
        return 0 if attend.absorbed_qk is None else attend.absorbed_qk - (attend.absorbed_v or 0)

    return sum(2 * 8192 * attend.heads * more(attend) for layer in structure.layers for attend in layer.attend)


def _bytes(structure: Structure) -> int:
    """Return bytes a token reads as the report counts: one an element, two on full layers of hybrids, states twice."""
    kinds = {layer.kind for layer in structure.layers}
    wide = len(kinds) > 1
    cached = sum(
        cache.elements * cache.positions(8192) * (2 if wide and layer.kind == "full" else 1)
        for layer in structure.layers
        for cache in layer.caches
    )
    return cached + 2 * 4 * structure.state_elements


@pytest.mark.parametrize(("name", "held", "attention", "projections", "feed_forward"), _TABLE)
def test_a_row_of_the_table_is_reproduced(
    name: str, held: float, attention: float, projections: float, feed_forward: float
) -> None:
    """To the digits that are printed: 0.6%."""
    structure = _structure(name)
    flops = decode_flops(structure, 8192)
    assert _bytes(structure) == pytest.approx(held * 1e9, rel=6e-3)
    assert flops.attention + _as_printed(structure) == pytest.approx(attention * 1e9, rel=6e-3)
    assert flops.projections == pytest.approx(projections * 1e9, rel=6e-3)
    assert flops.feed_forward == pytest.approx(feed_forward * 1e9, rel=6e-3)
