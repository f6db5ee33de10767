"""Hybrids: states, caches, active parameters and MTP modules against the library, hub totals, papers and logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.structure import Part, Structure

_MEASURED = json.loads((Path(__file__).parent / "states" / "hybrid.json").read_text(encoding="utf-8"))

_DELTA = {
    "head_dim": 256, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_num_key_heads": 16,
    "linear_value_head_dim": 128, "full_attention_interval": 4, "tie_word_embeddings": False,
}  # fmt: skip
_QWEN36_27B = {
    **_DELTA, "model_type": "qwen3_5_text", "hidden_size": 5120, "intermediate_size": 17408, "num_hidden_layers": 64,
    "num_attention_heads": 24, "num_key_value_heads": 4, "linear_num_value_heads": 48, "vocab_size": 248320,
    "attention_bias": False, "mtp_num_hidden_layers": 1,
}  # fmt: skip
_QWEN3_NEXT = {
    **_DELTA, "model_type": "qwen3_next", "hidden_size": 2048, "intermediate_size": 5120, "num_hidden_layers": 48,
    "num_attention_heads": 16, "num_key_value_heads": 2, "linear_num_value_heads": 32, "vocab_size": 151936,
    "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512, "num_experts": 512,
    "num_experts_per_tok": 10, "decoder_sparse_step": 1, "mlp_only_layers": [],
}  # fmt: skip
_NEMOTRON_SUPER = {
    "model_type": "nemotron_h", "hidden_size": 4096, "num_hidden_layers": 88, "vocab_size": 131072,
    "hybrid_override_pattern": (
        "MEMEMEM*EMEMEMEM*EMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEM*EMEMEMEME"
    ),
    "mamba_num_heads": 128, "mamba_head_dim": 64, "n_groups": 8, "ssm_state_size": 128, "conv_kernel": 4,
    "num_attention_heads": 32, "num_key_value_heads": 2, "head_dim": 128, "n_routed_experts": 512,
    "n_shared_experts": 1, "num_experts_per_tok": 22, "moe_latent_size": 1024, "moe_intermediate_size": 2688,
    "moe_shared_expert_intermediate_size": 5376, "mtp_hybrid_override_pattern": "*E", "num_nextn_predict_layers": 1,
    "use_conv_bias": True, "use_bias": False, "mlp_bias": False, "tie_word_embeddings": False,
}  # fmt: skip
_MINIMAX_M1 = {
    "model_type": "minimax_m1", "attn_type_list": [0, 0, 0, 0, 0, 0, 0, 1] * 10, "head_dim": 128, "hidden_size": 6144,
    "intermediate_size": 9216, "num_attention_heads": 64, "num_experts_per_tok": 2, "num_hidden_layers": 80,
    "num_key_value_heads": 8, "num_local_experts": 32, "postnorm": True, "shared_intermediate_size": 0,
    "sliding_window": None, "tie_word_embeddings": False, "vocab_size": 200064,
}  # fmt: skip


def _block(ffn: float, *, attends: bool) -> dict[str, Any]:
    group = 8 if attends else None
    return {
        "attention": {"n_heads_in_group": group, "no_op": not attends, "replace_with_linear": False, "sparsify": None},
        "ffn": {"ffn_mult": ffn, "no_op": False, "replace_with_linear": False, "sparsify": None},
    }


# nvidia/Llama-3_3-Nemotron-Super-49B-v1, config.json: runs of layers as (ffn_mult, attends, how many)
_RUNS = [
    (2.625, True, 1), (5.25, True, 5), (2.625, False, 2), (5.25, True, 3), (3.28125, False, 1), (5.25, True, 30),
    (1.3125, False, 1), (2.625, False, 2), (1.3125, False, 1), (5.25, False, 1), (1.3125, False, 1),
    (2.625, False, 1), (1.3125, False, 3), (5.25, True, 1), (1.3125, False, 1), (1.0, False, 2), (1.3125, False, 1),
    (1.0, False, 3), (1.3125, False, 2), (0.5, False, 2), (1.0, False, 2), (0.5, False, 2), (1.0, False, 1),
    (0.5, False, 2), (5.25, True, 9),
]  # fmt: skip
_NEMOTRON_49B = {
    "model_type": "nemotron-nas", "attention_bias": False, "hidden_size": 8192, "intermediate_size": None,
    "mlp_bias": False, "num_attention_heads": 64, "num_hidden_layers": 80, "num_key_value_heads": None,
    "tie_word_embeddings": False, "vocab_size": 128256,
    "block_configs": [_block(ffn, attends=attends) for ffn, attends, count in _RUNS for _ in range(count)],
}  # fmt: skip


def _built(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in _MEASURED["cases"]])
def test_a_sequence_keeps_what_the_library_keeps(case: dict[str, Any]) -> None:
    """Keys and values, and the constant state, in elements after a few tokens: measured in transformers' own caches."""
    structure = _built(case["config"])
    assert structure.cache_elements(_MEASURED["tokens"]) == case["cache"]
    assert structure.state_elements == case["state"]


def test_delta_nets_keep_the_state_that_an_engine_prints() -> None:
    """Qwen3.6-27B: the llama.cpp log in lmstudio-bug-tracker issue 1862 has 598.5 MiB for 4 sequences in fp32."""
    structure = _built(_QWEN36_27B)
    assert 4 * 4 * structure.state_elements / 2**20 == 598.5
    assert 2 * structure.cache_elements(262_144) / 2**20 == 16_384


def test_qwen3_next_has_the_hub_total_with_its_mtp_module() -> None:
    """The hub counts 81,324,862,720 for Qwen3-Next-80B-A3B, and 79,674,391,296 for Coder-Next, which has no MTP."""
    structure = _built(_QWEN3_NEXT)
    assert structure.total == 79_674_391_296
    assert structure.text_total + structure.mtp_total == 81_324_862_720
    assert structure.active()[0] == 3_874_929_408


def test_nemotron_super_has_the_hub_total_with_its_mtp_module() -> None:
    """NVIDIA-Nemotron-3-Super-120B-A12B-BF16: 123,611,012,096 bf16 weights by its headers, 2,942,324,736 in MTP."""
    structure = _built(_NEMOTRON_SUPER)
    assert structure.mtp_total == 2_942_324_736
    assert structure.text_total + structure.mtp_total == 123_611_012_096


def test_channels_of_mamba_are_its_heads_and_not_what_expand_says() -> None:
    """NVIDIA-Nemotron-Nano-9B-v2: 8,888,227,328 on the hub, with 128 heads of 80 where `expand` 2 would give 8,960."""
    structure = _built({
        "model_type": "nemotron_h", "hidden_size": 4480, "num_hidden_layers": 56, "intermediate_size": 15680,
        "hybrid_override_pattern": "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-", "vocab_size": 131072,
        "num_attention_heads": 40, "num_key_value_heads": 8, "head_dim": 128, "mamba_num_heads": 128,
        "mamba_head_dim": 80, "expand": 2, "n_groups": 8, "ssm_state_size": 128, "conv_kernel": 4,
        "use_conv_bias": True, "use_bias": False, "mlp_bias": False, "tie_word_embeddings": False,
    })  # fmt: skip
    assert structure.total == 8_888_227_328


def test_falcon_mamba_counts_its_intermediate_size() -> None:
    """Falcon-Mamba-7B declares `expand` 16, a decoy: 7.27 B parameters on its card come from 8,192 channels."""
    structure = _built({
        "model_type": "falcon_mamba", "hidden_size": 4096, "num_hidden_layers": 64, "intermediate_size": 8192,
        "expand": 16, "state_size": 16, "conv_kernel": 4, "time_step_rank": 256, "vocab_size": 65024,
        "use_bias": False, "use_conv_bias": True, "tie_word_embeddings": False,
    })  # fmt: skip
    assert round(structure.text_total / 1e9, 2) == 7.27
    assert structure.state_elements == 64 * 8192 * (16 + 3)


def test_minimax_m1_is_what_its_hub_page_and_report_say() -> None:
    """456,089,655,296 parameters on the hub; 45.9 B active in the report, which leaves both embeddings out."""
    structure = _built(_MINIMAX_M1)
    assert structure.total == 456_089_655_296
    assert round(structure.active()[2] / 1e9, 1) == 45.9
    routers = structure.parts()[Part.ROUTER]  # kept in fp32: total_size is 2 bytes a parameter and this much more
    assert 2 * routers == 31_457_280


@pytest.mark.parametrize(
    ("quantity", "published"),
    [("projections", 37.5e9), ("ffn", 54.4e9), ("bytes", 923e6)],
)
def test_minimax_m1_costs_what_step_3_prints(quantity: str, published: float) -> None:
    """Step-3 System Tech Report, table 2, 8K: the lightning state is read and written in fp32, the KV cache in bf16."""
    structure = _built(_MINIMAX_M1)
    parts = structure.parts()
    experts = [w for layer in structure.layers for w in layer.weights if w.part is Part.ROUTED_EXPERTS]
    ours = {
        "projections": 2 * (parts[Part.ATTENTION] + parts[Part.LINEAR_ATTENTION]),
        "ffn": 2 * sum(weight.active for weight in experts),
        "bytes": 2 * structure.cache_elements(8192) + 2 * 4 * structure.state_elements,
    }
    assert ours[quantity] == pytest.approx(published, rel=0.006)


@pytest.mark.parametrize(
    ("config", "total", "active"),
    [
        ({"hidden_size": 2048, "intermediate_size": 5120, "num_hidden_layers": 20, "num_attention_heads": 16,
          "moe_intermediate_size": 512, "layer_group_size": 5}, 16.4, 0.957),
        ({"hidden_size": 4096, "intermediate_size": 9216, "num_hidden_layers": 32, "num_attention_heads": 32,
          "moe_intermediate_size": 1024, "layer_group_size": 8}, 104.0, 6.1),
    ],
)  # fmt: skip
def test_ring_linear_is_as_large_as_its_report_says(config: dict[str, Any], total: float, active: float) -> None:
    """Ring-linear 2.0 (arXiv 2510.19338): 16 B and 957 M active, 104 B and 6.1 B, without both embeddings."""
    structure = _built({
        **config, "model_type": "bailing_moe_linear", "vocab_size": 157184, "num_key_value_heads": 4, "head_dim": 128,
        "num_experts": 256, "num_experts_per_tok": 8, "num_shared_experts": 1, "first_k_dense_replace": 1,
        "use_qk_norm": True, "use_bias": False, "use_qkv_bias": False, "tie_word_embeddings": False,
    })  # fmt: skip
    assert structure.total == pytest.approx(total * 1e9, rel=0.003)
    assert structure.active()[2] == pytest.approx(active * 1e9, rel=0.01)
    assert not structure.is_verified  # published to three digits only


def test_layers_found_by_search_add_up_to_the_hub_total() -> None:
    """Llama-3.3-Nemotron-Super-49B: 49,867,145,216 on the hub, and a cache on the 49 layers that still attend."""
    structure = _built(_NEMOTRON_49B)
    assert structure.total == 49_867_145_216
    assert sum(bool(layer.caches) for layer in structure.layers) == 49


def test_a_searched_layer_may_be_one_projection_or_nothing() -> None:
    """DeciLM's own code puts a square projection where attention or feed-forward is linear, and drops what is no-op."""
    linear = {"no_op": False, "replace_with_linear": True}
    nothing = {"no_op": True, "replace_with_linear": False}
    config = {
        **_NEMOTRON_49B,
        "num_hidden_layers": 2,
        "block_configs": [{"attention": linear, "ffn": linear}, {"attention": nothing, "ffn": nothing}],
    }
    first, second = _built(config).layers
    assert sum(weight.elements for weight in first.weights) == 2 * 8192 * 8192 + 2 * 8192
    assert second.weights == ()


def test_what_nothing_confirms_says_so() -> None:
    """DeciLM's key-value heads by layer follow its config; no published total is at hand to hold them to."""
    config = {
        "model_type": "deci", "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "vocab_size": 100,
        "num_hidden_layers": 3, "num_key_value_heads_per_layer": [4, 2, 1], "tie_word_embeddings": False,
    }  # fmt: skip
    structure = _built(config)
    assert not structure.is_verified
    assert [layer.caches[0].elements for layer in structure.layers] == [128, 64, 32]


@pytest.mark.parametrize(
    ("layers", "hidden", "ranks", "published"),
    [
        (12, 768, (64, 64, 32, 128), 191_034_624),
        (24, 1024, (64, 64, 32, 128), 450_767_872),
        (24, 2048, (96, 96, 64, 256), 1_527_404_544),
        (32, 2560, (96, 96, 64, 320), 2_947_735_040),
        (32, 4096, (128, 128, 96, 480), 7_199_141_888),
    ],
)
def test_rwkv_7_is_as_large_as_published(
    layers: int, hidden: int, ranks: tuple[int, int, int, int], published: int
) -> None:
    """The sizes of RWKV7-World 0.1B to 7.2B, as counted from the published checkpoints."""
    decay, rate, value, gate = ranks
    structure = _built({
        "model_type": "rwkv7", "num_hidden_layers": layers, "hidden_size": hidden, "intermediate_size": 4 * hidden,
        "head_dim": 64, "decay_low_rank_dim": decay, "a_low_rank_dim": rate, "v_low_rank_dim": value,
        "gate_low_rank_dim": gate, "vocab_size": 65536, "attn": None, "tie_word_embeddings": False,
    })  # fmt: skip
    assert structure.total == published
    assert structure.cache_elements(1_000_000) == 0


def test_short_convolutions_are_as_large_as_published() -> None:
    """LFM2-1.2B: 1,170,340,608 on its model card, where `block_ff_dim` 12288 is adjusted to 8192."""
    structure = _built({
        "model_type": "lfm2", "hidden_size": 2048, "num_hidden_layers": 16, "block_ff_dim": 12288,
        "block_auto_adjust_ff_dim": True, "block_ffn_dim_multiplier": 1.0, "block_multiple_of": 256, "conv_bias": False,
        "conv_L_cache": 3, "full_attn_idxs": [2, 5, 8, 10, 12, 14], "num_attention_heads": 32, "num_heads": 32,
        "num_key_value_heads": 8, "tie_embedding": True, "vocab_size": 65536,
    })  # fmt: skip
    assert structure.total == 1_170_340_608


def test_shared_blocks_are_counted_once_and_cached_at_each_use() -> None:
    """Zamba 2 (arXiv 2411.15242) runs one block on several layers: more uses add cache, not attention weights."""
    config: dict[str, Any] = {
        "model_type": "zamba2", "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 100, "num_mem_blocks": 1,
        "num_hidden_layers": 4, "layers_block_type": ["hybrid", "mamba", "mamba", "mamba"],
    }  # fmt: skip
    once = _built(config)
    twice = _built({**config, "layers_block_type": ["hybrid", "mamba", "hybrid", "mamba"]})
    queries = [
        sum("self_attn.q_proj" in weight.name for layer in one.layers for weight in layer.weights)
        for one in (once, twice)
    ]
    assert queries == [1, 1]
    assert twice.cache_elements(10) == 2 * once.cache_elements(10)


def test_what_the_library_takes_for_an_absent_key_is_said() -> None:
    """A default of the library that decides the count is a note, not a silent guess."""
    config = {key: value for key, value in _QWEN36_27B.items() if key != "linear_conv_kernel_dim"}
    assert any("linear_conv_kernel_dim" in note for note in _built(config).notes)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({**_NEMOTRON_SUPER, "num_hidden_layers": 87}, "88 layers"),
        ({**_NEMOTRON_SUPER, "hybrid_override_pattern": "M?"}, "hybrid_override_pattern"),
        ({**_NEMOTRON_SUPER, "layers_block_type": ["mamba", "moe"]}, "disagree"),
        ({**_NEMOTRON_SUPER, "n_shared_experts": 2}, "n_shared_experts"),
        ({**_NEMOTRON_SUPER, "mamba_num_heads": 100}, "groups"),
        ({**_QWEN36_27B, "attn_output_gate": False}, "attn_output_gate"),
        ({**_QWEN36_27B, "model_type": "qwen3_5"}, "text_config"),
        ({**_QWEN36_27B, "linear_num_value_heads": 40}, "key heads"),
        ({**_QWEN36_27B, "layer_types": ["full_attention"]}, "layer_types"),
        ({**_QWEN36_27B, "hidden_size": None}, "hidden_size"),
        ({**_MINIMAX_M1, "attn_type_list": [2] * 80}, "attn_type_list"),
        ({**_MINIMAX_M1, "shared_intermediate_size": 64}, "shared_intermediate_size"),
        ({**_MINIMAX_M1, "model_type": "minimax"}, "attn_type_list"),
        ({**_NEMOTRON_49B, "block_configs": [{}] * 80}, "block_configs"),
        ({**_NEMOTRON_49B, "block_configs": 5}, "block_configs"),
        ({"model_type": "zaya", "hidden_size": 64, "num_hidden_layers": 2, "zaya_layers": ["a", 16]}, "zaya_layers"),
        ({"model_type": "rwkv7", "hidden_size": 64, "num_hidden_layers": 2, "attn": {"layers": [1]}}, "attn"),
        ({"model_type": "rwkv7", "hidden_size": 64, "num_hidden_layers": 2, "head_dim": 24}, "heads of 24"),
        ({"model_type": "mamba2", "hidden_size": 64, "num_hidden_layers": 2, "expand": 3}, "expand"),
    ],
)
def test_a_config_that_does_not_give_the_model_is_refused(config: dict[str, Any], reason: str) -> None:
    """Contradictions, and settings that the library would not build as they read, give a reason and no number."""
    refusal = structure_of(config)
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
