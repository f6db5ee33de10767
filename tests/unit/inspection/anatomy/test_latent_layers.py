"""Latent attention: which layer holds what, and what a checkpoint stores beside parameters."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure

_SMALL = {"hidden_size": 64, "vocab_size": 100}
_LISTS = {"full_attn_layers": [2, 5], "kda_layers": [1, 3, 4], "head_dim": 8, "num_heads": 2}
_RING = {"architectures": ["BailingMoeV2_5ForCausalLM"], "layer_group_size": 4}


def _built(config: dict[str, Any]) -> Structure:
    structure = structure_of({**_SMALL, **config})
    assert isinstance(structure, Structure), structure
    return structure


@pytest.mark.parametrize(
    ("config", "kinds"),
    [
        pytest.param(
            {"model_type": "kimi_linear", "num_hidden_layers": 5, "linear_attn_config": _LISTS},
            "delta full delta delta full",
            id="kimi_linear counts its lists from one",
        ),
        pytest.param(
            {"model_type": "kimi_linear", "num_hidden_layers": 6},
            "delta delta delta delta full delta",
            id="kimi_linear by default",
        ),
        pytest.param(
            {"model_type": "bailing_hybrid", "num_hidden_layers": 6, "layer_group_size": 3},
            "delta delta full delta delta full",
            id="Ling 3 ends each group in full attention",
        ),
        pytest.param(
            {**_RING, "model_type": "bailing_hybrid", "num_hidden_layers": 6},
            "lightning lightning lightning full full full",
            id="Ring-2.5 attends in full in a group cut short",
        ),
        pytest.param(
            {"model_type": "glm5_next_text", "num_hidden_layers": 5},
            "delta delta delta sparse delta",
            id="GLM-5.3-Flash",
        ),
        pytest.param(
            {"model_type": "dots3_note_text", "num_hidden_layers": 6},
            "sparse sparse sliding sliding sliding sparse",
            id="Dots 3 Note",
        ),
        pytest.param(
            {"model_type": "deepseek_v4", "num_hidden_layers": 4, "compress_ratios": [0, 4, 128, 4, 0]},
            "sliding sparse compressed sparse",
            id="DeepSeek-V4",
        ),
        pytest.param(
            {"model_type": "hy_v4", "num_hidden_layers": 6, "indexer_types": ["full"] + ["shared"] * 5},
            "sparse sparse sparse sparse sparse sparse",
            id="Hunyuan 4 selects on layers that share an indexer, too",
        ),
        pytest.param({"model_type": "deepseek_v3", "num_hidden_layers": 2}, "full full", id="DeepSeek-V3"),
    ],
)
def test_layers_are_of_the_kinds_that_the_config_puts_there(config: dict[str, Any], kinds: str) -> None:
    """By number, from the classes' own rules (transformers 5.23; modeling_bailing_moe_v2_5.py for Ring-2.5)."""
    assert " ".join(layer.kind for layer in _built(config).layers) == kinds


@pytest.mark.parametrize(
    ("config", "dense"),
    [
        ({"model_type": "deepseek_v3", "first_k_dense_replace": 2}, [0, 1]),
        ({"model_type": "glm4_moe_lite"}, [0]),
        ({"model_type": "glm_moe_dsa", "mlp_layer_types": ["sparse", "dense", "sparse", "dense"]}, [1, 3]),
        ({"model_type": "axk1", "moe_layer_freq": 2}, [0, 1, 3]),
        ({"model_type": "mistral4"}, []),
    ],
)
def test_dense_blocks_stand_where_the_config_puts_them(config: dict[str, Any], dense: list[int]) -> None:
    """A layer without experts has one wide block."""
    layers = _built({**config, "num_hidden_layers": 4}).layers
    found = [number for number, layer in enumerate(layers) if not any("experts" in one.name for one in layer.weights)]
    assert found == dense


@pytest.mark.parametrize(
    ("kind", "each"),
    [
        ("deepseek_v3", 256), ("deepseek_v32", 256), ("glm_moe_dsa", 256), ("glm4_moe_lite", 64), ("axk2", 128),
        ("kimi_linear", 256), ("bailing_hybrid", 512), ("hy_v4", 256), ("dots3_note_text", 256),
        ("deepseek_v2", 0), ("mistral4", 0), ("mistral_large4_text", 0),
    ],
)  # fmt: skip
def test_a_bias_beside_each_router_is_stored_and_no_parameter(kind: str, each: int) -> None:
    """One element an expert where the class registers `e_score_correction_bias`; V2 and Mistral route without."""
    structure = _built({"model_type": kind, "num_hidden_layers": 6, "num_experts_per_tok": 2})
    sparse = sum(any("experts" in one.name for one in layer.weights) for layer in structure.layers)
    assert structure.buffers == each * sparse


def test_hash_routed_layers_store_a_table_of_tokens() -> None:
    """DeepSeek-V4: 6 experts for each of 100 tokens in 3 layers, a bias of 256 in the fourth."""
    structure = _built({"model_type": "deepseek_v4", "num_hidden_layers": 4, "num_hash_layers": 3})
    assert structure.buffers == 3 * 100 * 6 + 256


def test_a_layer_that_reuses_keys_and_values_keeps_none() -> None:
    """Mistral Large 4: layer 2 uses layer 1's; without an indexer of its own it keeps nothing at all."""
    structure = _built({
        "model_type": "mistral_large4_text", "num_hidden_layers": 3, "kv_source_layers": [0, 1, 1],
        "indexer_types": ["full", "full", "shared"], "no_rope_layers": [1, 0, 1],
    })  # fmt: skip
    assert [[cache.elements for cache in layer.caches] for layer in structure.layers] == [
        [512 + 64, 128],
        [512, 128],
        [],
    ]


def test_an_indexer_over_pools_keeps_one_key_for_each() -> None:
    """GLM-5.3-Flash pools 16 tokens into one index key."""
    structure = _built({"model_type": "glm5_next_text", "num_hidden_layers": 4})
    assert [(cache.elements, cache.stride) for cache in structure.layers[3].caches] == [(512, 1), (128, 16)]


def test_kimi_k3_sees_with_the_tensors_of_its_checkpoint() -> None:
    """The hub's 2,779,931,837,184, less text, routing biases (92 x 896) and 32 elements of padding in 69 `A_log`."""
    config = {
        "model_type": "kimi_k3",
        "text_config": {
            "model_type": "kimi_linear", "hidden_size": 7168, "num_hidden_layers": 4, "vocab_size": 64,
            "linear_attn_config": {"use_full_rank_gate": True},
        },
        "vision_config": {
            "attn_bias": False, "init_pos_emb_height": 64, "init_pos_emb_width": 64, "linear_bias": False,
            "merge_kernel_size": [2, 2], "mlp_type": "mlp2", "mm_hidden_size": 1024, "norm_type": "rmsnorm",
            "mm_projector_type": "patchmergerv2", "patch_embed_proj_bias": False, "patch_size": 14,
            "pos_emb_type": "divided_fixed", "qkv_hidden_size": 1536, "vt_hidden_size": 1024,
            "vt_intermediate_size": 4096, "vt_num_attention_heads": 12, "vt_num_hidden_layers": 27,
        },
    }  # fmt: skip
    structure = _built(config)
    assert structure.vision
    seen = sum(weight.elements for weight in structure.vision)
    assert seen == 2_779_931_837_184 - 2_779_484_393_568 - 92 * 896 - 69 * 32
