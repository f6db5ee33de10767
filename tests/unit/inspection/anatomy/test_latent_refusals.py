"""Latent attention: configs that the families' classes would not build as they read are refused, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.structure import Structure

_V3 = {
    "model_type": "deepseek_v3", "hidden_size": 64, "num_hidden_layers": 6, "vocab_size": 100,
    "num_attention_heads": 4, "q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4,
    "v_head_dim": 8, "intermediate_size": 96, "moe_intermediate_size": 32, "n_routed_experts": 8,
    "n_shared_experts": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1,
}  # fmt: skip
_V2 = {**_V3, "model_type": "deepseek_v2"}
_GLM_5 = {**_V3, "model_type": "glm_moe_dsa", "index_n_heads": 2, "index_head_dim": 8, "index_topk": 4}
_V4 = {
    "model_type": "deepseek_v4", "hidden_size": 64, "num_hidden_layers": 6, "vocab_size": 100,
    "compress_ratios": [0, 4, 128, 4, 128, 0],
}  # fmt: skip
_LING_3 = {"model_type": "bailing_hybrid", "hidden_size": 2560, "num_hidden_layers": 42}
_LONGCAT = {"model_type": "longcat_flash", "hidden_size": 6144, "num_layers": 28}
_KIMI = {"model_type": "kimi_linear", "hidden_size": 64, "num_hidden_layers": 4}


def _reason(config: dict[str, Any]) -> str:
    refusal = structure_of(config)
    assert isinstance(refusal, Refusal)
    return refusal.reason


@pytest.mark.parametrize("config", [_V3, _V2, _GLM_5, _V4, _LING_3, _LONGCAT, _KIMI])
def test_the_configs_that_are_changed_below_are_built_as_they_stand(config: dict[str, Any]) -> None:
    """So that each refusal below is due to the one field that it changes."""
    assert isinstance(structure_of(config), Structure)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"moe_layer_freq": 2}, "`moe_layer_freq` is not 1"),
        ({"kv_lora_rank": None}, "`kv_lora_rank` is null"),
        ({"first_k_dense_replace": None}, "`first_k_dense_replace` is null"),
        ({"mlp_layer_types": ["sparse"] * 6}, "`mlp_layer_types` is declared"),
        ({"num_experts": 9}, "`num_experts` is declared"),
        ({"num_local_experts": 9}, "disagree"),
        ({"index_n_heads": 2}, "`index_n_heads` is declared"),
        ({"per_layer_config": {"0": {"kv_lora_rank": 9}}}, "`per_layer_config` is declared"),
        ({"num_experts_per_tok": 9}, "cannot visit"),
        ({"num_nextn_predict_layers": 10**9}, "more prediction modules"),
        ({"kv_lora_rank": "512"}, "is not a whole number"),
        ({"hidden_size": None}, "`hidden_size` is missing"),
        ({"num_hidden_layers": None}, "`num_hidden_layers` is missing"),
    ],
)
def test_deepseek_v3_refuses_what_its_class_would_not_build(changed: dict[str, Any], said: str) -> None:
    """What the class ignores or fails on is no confident figure."""
    assert said in _reason({**_V3, **changed})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**_LING_3, "q_lora_rank": 256}, "`q_lora_rank` is declared"),
        ({**_LING_3, "num_hidden_layers": 40}, "end within a group"),
        ({**_LING_3, "tie_word_embeddings": True}, "`tie_word_embeddings` is true"),
        ({**_LING_3, "group_norm_size": 1}, "not whether this is Ring-2.5"),
        ({**_V4, "compress_ratios": [0, 4]}, "`compress_ratios` does not give"),
        ({**_V4, "compress_ratios": [7] * 6}, "a ratio that the family does not have"),
        ({**_V4, "num_key_value_heads": 8}, "shares one key-value head"),
        ({**_LONGCAT, "num_hidden_layers": 28}, "is not twice `num_layers`"),
        ({**_GLM_5, "indexer_types": ["full"] * 7}, "`indexer_types` has 7 entries"),
        ({**_GLM_5, "index_topk_pattern": "FX" * 3}, "whether it is `full` or `shared`"),
        ({**_V2, "num_attention_heads": 5}, "cannot be split over 5 heads"),
    ],
)
def test_families_refuse_what_does_not_fit_them(config: dict[str, Any], said: str) -> None:
    """A config that contradicts its family is refused by the field that does."""
    assert said in _reason(config)


def test_kimi_linear_refuses_layers_that_are_not_shared_out() -> None:
    """Both lists of layers together name every layer once, or nothing is known."""
    lists = {"full_attn_layers": [1], "kda_layers": [1, 2, 3, 4]}
    assert "do not share out the layers" in _reason({**_KIMI, "linear_attn_config": lists})


def test_the_reference_model_type_of_deepseek_v4_is_told_by_its_architecture() -> None:
    """A config of type `deepseek_ref` is V4 where it names V4's class, and refused where it names none."""
    config = {**_V4, "model_type": "deepseek_ref"}
    named = structure_of({**config, "architectures": ["DeepseekV4ForCausalLM"]})
    plain = structure_of(_V4)
    assert isinstance(named, Structure)
    assert isinstance(plain, Structure)
    assert named.text_total == plain.text_total
    assert "does not say which architecture" in _reason(config)
