"""Latent attention: caches, prediction modules and active parameters against the library, the hub and papers.

Hub totals: the Hugging Face API's `safetensors.total` as read in August 2026, of the repository that a test names.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Layer, Structure
from weighbridge.inspection.speed.flops import decode_flops, prefill_flops

_HERE = Path(__file__).parent
_MEASURED = json.loads((_HERE / "states" / "latent.json").read_text(encoding="utf-8"))
_WRAPPED = json.loads((_HERE / "reference" / "language" / "latent.json").read_text(encoding="utf-8"))["cases"]
_MIB = 2**20

_V3 = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "vocab_size": 129280,
    "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536, "kv_lora_rank": 512,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 18432,
    "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8,
    "first_k_dense_replace": 3, "moe_layer_freq": 1, "num_nextn_predict_layers": 1, "attention_bias": False,
    "tie_word_embeddings": False,
}  # fmt: skip
_V32 = {**_V3, "model_type": "deepseek_v32", "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
_V2 = {
    "model_type": "deepseek_v2", "hidden_size": 5120, "num_hidden_layers": 60, "vocab_size": 102400,
    "num_attention_heads": 128, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 12288, "moe_intermediate_size": 1536,
    "n_routed_experts": 160, "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1,
}  # fmt: skip
_V2_LITE = {
    **_V2, "hidden_size": 2048, "num_hidden_layers": 27, "num_attention_heads": 16, "q_lora_rank": None,
    "intermediate_size": 10944, "moe_intermediate_size": 1408, "n_routed_experts": 64,
}  # fmt: skip
_V4_FLASH = {
    "model_type": "deepseek_v4", "hidden_size": 4096, "num_hidden_layers": 43, "vocab_size": 129280,
    "num_attention_heads": 64, "num_key_value_heads": 1, "head_dim": 512, "q_lora_rank": 1024, "o_groups": 8,
    "o_lora_rank": 1024, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 6,
    "moe_intermediate_size": 2048, "hc_mult": 4, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 512,
    "sliding_window": 128, "num_hash_layers": 3, "num_nextn_predict_layers": 1,
    "compress_ratios": [0, 0, *[4, 128] * 20, 4, 0], "tie_word_embeddings": False,
}  # fmt: skip
_V4_PRO = {
    **_V4_FLASH, "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128, "q_lora_rank": 1536,
    "o_groups": 16, "n_routed_experts": 384, "moe_intermediate_size": 3072, "index_topk": 1024,
    "compress_ratios": [128, 128, *[4, 128] * 29, 4, 0],
}  # fmt: skip
_GLM_5 = {
    **_V32, "model_type": "glm_moe_dsa", "hidden_size": 6144, "num_hidden_layers": 78, "vocab_size": 154880,
    "num_attention_heads": 64, "q_lora_rank": 2048, "qk_nope_head_dim": 192, "v_head_dim": 256, "index_n_heads": 32,
    "intermediate_size": 12288,
}  # fmt: skip
_GLM_53 = {**_GLM_5, "index_topk_freq": 4, "index_skip_topk_offset": 3}
_GLM_47_FLASH = {
    "model_type": "glm4_moe_lite", "hidden_size": 2048, "num_hidden_layers": 47, "num_nextn_predict_layers": 1,
}  # fmt: skip
_FULL = [*range(4, 93, 4), 93]
_KIMI_K3 = {
    "model_type": "kimi_k3", "tie_word_embeddings": False, "text_config": {
        "model_type": "kimi_linear", "hidden_size": 7168, "num_hidden_layers": 93, "vocab_size": 163840,
        "num_attention_heads": 96, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 33792, "moe_intermediate_size": 3072,
        "num_experts": 896, "num_experts_per_token": 16, "num_shared_experts": 2, "first_k_dense_replace": 1,
        "moe_layer_freq": 1, "routed_expert_hidden_size": 3584, "latent_moe_use_norm": True,
        "attn_res_block_size": 12, "mla_use_output_gate": True, "num_nextn_predict_layers": 0,
        "linear_attn_config": {
            "full_attn_layers": _FULL, "kda_layers": [one for one in range(1, 94) if one not in _FULL],
            "head_dim": 128, "num_heads": 96, "short_conv_kernel_size": 4, "use_full_rank_gate": True,
        },
    },
}  # fmt: skip
_RING = {
    "model_type": "bailing_hybrid", "architectures": ["BailingMoeV2_5ForCausalLM"], "hidden_size": 8192,
    "num_hidden_layers": 80, "vocab_size": 157184, "num_attention_heads": 64, "head_dim": 128, "q_lora_rank": 1536,
    "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_experts": 256, "num_experts_per_tok": 8,
    "num_shared_experts": 1, "first_k_dense_replace": 4, "layer_group_size": 8, "group_norm_size": 8,
}  # fmt: skip
_LING_3 = {"model_type": "bailing_hybrid", "hidden_size": 2560, "num_hidden_layers": 42, "num_nextn_predict_layers": 1}
_LONGCAT = {"model_type": "longcat_flash", "hidden_size": 6144, "num_layers": 28}
_KIMI_LINEAR = {
    "model_type": "kimi_linear", "hidden_size": 2304, "num_hidden_layers": 27, "linear_attn_config": {
        "full_attn_layers": [4, 8, 12, 16, 20, 24, 27], "head_dim": 128, "num_heads": 32, "short_conv_kernel_size": 4,
        "kda_layers": [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 26],
    },
}  # fmt: skip


def _built(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in _WRAPPED])
def test_a_wrapped_language_model_holds_what_the_reference_class_builds(case: dict[str, Any]) -> None:
    """The language model inside a wrapper that also sees, to the unit, whether or not its tower is known.

    DeepSeek-OCR-2 has one vector between images, `view_separator`, which is neither tower nor language model.
    """
    separator = case["config"]["text_config"]["hidden_size"] if "ocr2" in case["case"] else 0
    assert _built(case["config"]).text_total == case["text"] - separator


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in _MEASURED["cases"]])
def test_a_sequence_keeps_what_the_library_keeps(case: dict[str, Any]) -> None:
    """Latents, rotated keys, index keys and constant state after a few tokens: measured in transformers' own caches."""
    structure = _built(case["config"])
    assert structure.cache_elements(_MEASURED["tokens"]) == case["cache"]
    assert structure.state_elements == case["state"]


@pytest.mark.parametrize(
    ("config", "total"),
    [
        pytest.param({**_V3}, 684_489_845_504, id="deepseek-ai/DeepSeek-R1"),
        pytest.param({**_V32}, 685_355_329_792, id="deepseek-ai/DeepSeek-V3.2"),
        pytest.param(_V4_FLASH, 290_944_616_402, id="deepseek-ai/DeepSeek-V4-Flash"),
        pytest.param(_V4_PRO, 1_598_839_674_782, id="deepseek-ai/DeepSeek-V4-Pro"),
        pytest.param(_V2, 235_741_434_880, id="deepseek-ai/DeepSeek-V2"),
        pytest.param(_V2_LITE, 15_706_484_224, id="deepseek-ai/DeepSeek-V2-Lite"),
        pytest.param(_GLM_5, 753_864_139_008, id="zai-org/GLM-5"),
        pytest.param(_GLM_53, 753_329_940_480, id="zai-org/GLM-5.3"),
        pytest.param(
            {
                "model_type": "glm4_moe_lite",
                "hidden_size": 2048,
                "num_hidden_layers": 47,
                "num_nextn_predict_layers": 1,
            },
            31_221_488_576,
            id="zai-org/GLM-4.7-Flash",
        ),
        pytest.param(_KIMI_LINEAR, 49_122_681_728, id="moonshotai/Kimi-Linear-48B-A3B-Instruct"),
        pytest.param(_RING, 1_012_231_160_320, id="inclusionAI/Ring-2.5-1T"),
        pytest.param({**_RING, "num_nextn_predict_layers": 1}, 1_025_414_425_344, id="inclusionAI/Ring-2.6-1T"),
        pytest.param(_LING_3, 127_486_405_600, id="inclusionAI/Ling-3.0-flash"),
        pytest.param(_LONGCAT, 560_664_980_480, id="meituan-longcat/LongCat-Flash-Prover"),
        pytest.param(
            {**_LONGCAT, "num_nextn_predict_layers": 1}, 561_862_880_256, id="meituan-longcat/LongCat-Flash-Chat"
        ),
        pytest.param(
            {"model_type": "AXK1", "hidden_size": 7168, "num_hidden_layers": 61}, 518_983_059_456, id="skt/A.X-K1"
        ),
        pytest.param(
            {"model_type": "youtu", "hidden_size": 2048, "num_hidden_layers": 32},
            1_961_560_064,
            id="tencent/Youtu-LLM-2B",
        ),
    ],
)
def test_parameters_buffers_and_prediction_modules_are_what_the_hub_counts(config: dict[str, Any], total: int) -> None:
    """To the unit; the repositories store what the structure says: second embeddings where it counts some."""
    structure = _built(config)
    assert structure.total is not None
    assert structure.total + structure.buffers + structure.mtp_total + structure.mtp_copies == total


def test_dots_3_stores_a_dense_prediction_module_and_its_embedding_again() -> None:
    """The hub's 288,443,400,864 of dots3-note-prev, less what its class has beside the text and 608 vision biases."""
    config = {"model_type": "dots3_note_text", "hidden_size": 5120, "num_hidden_layers": 46, "mtp_num_layers": 1}
    structure = _built(config)
    seen_and_heard = 287_309_195_008 - 279_551_718_016  # Dots3NoteForConditionalGeneration in transformers 5.23
    assert structure.text_total + structure.buffers + seen_and_heard + 608 == (
        288_443_400_864 - structure.mtp_total - structure.mtp_copies
    )


def test_deepseek_v3_has_the_prediction_module_of_its_readme() -> None:
    """README_WEIGHTS: 11.5B unique parameters, embedding and head once more; 61 layers keep 70,272 bytes a token."""
    structure = _built(_V3)
    assert structure.mtp_total == 11_610_068_224
    assert structure.mtp_copies == 2 * 129280 * 7168
    assert 2 * structure.marginal_cache_elements == 70_272


def test_active_parameters_are_those_that_publishers_print() -> None:
    """Without the input embedding: 36.7B of V3 (README_WEIGHTS), 21B of V2 and 2.4B of V2-Lite (V2 report)."""
    found = {name: _built(config).active()[1] for name, config in (("v3", _V3), ("v2", _V2), ("lite", _V2_LITE))}
    assert round(found["v3"] / 1e9, 1) == 36.6  # the README rounds 36.63 up
    assert round(found["v2"] / 1e9) == 21
    assert int(found["lite"] / 1e8) / 10 == 2.4


def test_an_engine_that_does_not_absorb_keeps_whole_heads() -> None:
    """V2-Lite at 32,768 tokens: 8,640 MiB in the log of ollama pull request 17201."""
    structure = _built(_V2_LITE)
    assert 2 * structure.cache_elements(32_768, absorbed=False) / _MIB == 8_640
    assert 2 * structure.cache_elements(32_768) / _MIB == 972


def test_an_attention_is_wide_in_prefill_and_narrow_in_decoding() -> None:
    """V2 report, 2.1: 128 heads multiply 192 and 128 elements, or one latent of 512 and 64 once it is absorbed."""
    attend = _built(_V3).layers[0].attend[0]
    assert (attend.heads, attend.qk, attend.v) == (128, 192, 128)
    assert (attend.absorbed_qk, attend.absorbed_v, attend.selected) == (576, 512, None)


def test_an_indexer_selects_and_keeps_keys_of_its_own() -> None:
    """DeepSeek-V3.2 selects 2,048 tokens and keeps 128 elements more in each of 61 layers."""
    structure = _built(_V32)
    assert {layer.attend[0].selected for layer in structure.layers} == {2048}
    assert 2 * structure.marginal_cache_elements == 70_272 + 2 * 61 * 128
    assert sum(cache.is_index for layer in structure.layers for cache in layer.caches) == 61


def test_layers_that_share_an_indexer_keep_no_keys_for_it() -> None:
    """GLM-5.3: 21 of 78 layers have an indexer; all select."""
    structure = _built(_GLM_53)
    assert sum(cache.is_index for layer in structure.layers for cache in layer.caches) == 21
    assert {layer.attend[0].selected for layer in structure.layers} == {2048}


def test_deepseek_v4_keeps_a_window_and_compressed_history() -> None:
    """Kvfit 0.3.0: 6,880 bytes a token for Flash; the window of 128 vectors of 512 stands on each of 43 layers."""
    structure = _built(_V4_FLASH)
    assert 2 * structure.marginal_cache_elements == 6_880
    assert 2 * structure.cache_elements(8192) == 43 * 128 * 512 * 2 + 8192 * 6_880


def test_a_query_of_deepseek_v4_meets_the_window_and_what_stands_for_older_tokens() -> None:
    """V4 report, 2.3: at 8,192 tokens 128 near ones; 512 selected of 2,048 compressed by 4; 64 compressed by 128.

    The prompt's FLOPs are the sum over its queries, each seeing whole blocks of the tokens before it.
    """
    layers = {layer.kind: layer for layer in _built(_V4_FLASH).layers}
    assert [(one.window, one.selected, one.stride) for one in layers["compressed"].attend] == [
        (128, None, 1), (None, None, 128),
    ]  # fmt: skip
    pair = 2 * 64 * (512 + 512)
    plain, heavy = (_alone(layers[kind]) for kind in ("sliding", "compressed"))
    assert decode_flops(plain, 8192).attention == 128 * pair
    assert decode_flops(heavy, 8192).attention == (128 + 64) * pair
    sparse = 2 * 64 * 128 * 2048  # the indexer scores every compressed position
    assert decode_flops(_alone(layers["sparse"]), 8192).attention == (128 + 512) * pair + sparse
    near = sum(min(query, 128) for query in range(1, 1001))
    far = sum(query // 128 for query in range(1, 1001))
    added = prefill_flops(heavy, 1000) - prefill_flops(replace(heavy, layers=(_silent(heavy.layers[0]),)), 1000)
    assert added == (near + far) * pair


def _alone(layer: Layer) -> Structure:
    return replace(_built(_V4_FLASH), layers=(layer,))


def _silent(layer: Layer) -> Layer:
    return replace(layer, attend=())


def test_kimi_k3_has_the_tensors_of_its_checkpoint() -> None:
    """Moonshot's 96 files hold 2,779,484,393,568 elements of text beside vision, biases and padding of `A_log`."""
    structure = _built(_KIMI_K3)
    assert structure.text_total == 2_779_484_393_568
    assert structure.buffers == 92 * 896
    assert 2 * structure.marginal_cache_elements == 27_648
    assert structure.state_elements == 116_158_464
    assert round(structure.active()[1] / 1e9) == 104  # the vendor's figure


def test_a_rank_declared_as_null_is_no_absent_rank() -> None:
    """Moonlight and Kimi-VL declare `q_lora_rank` as null: queries are not compressed, in a nested section, too."""
    text = {**_V3, "q_lora_rank": None}
    wrapped = _built({"model_type": "kimi_vl", "text_config": text, "tie_word_embeddings": False})
    assert "self_attn.q_proj.weight" in {weight.name for weight in wrapped.layers[0].weights}
    assert wrapped.text_total == _built(text).text_total


def test_prediction_modules_of_unknown_make_are_said_not_counted() -> None:
    """A.X K1 declares none; where its config did, nothing tells what they hold."""
    structure = _built({"model_type": "axk1", "hidden_size": 7168, "num_hidden_layers": 4, "num_mtp_layers": 2})
    assert structure.mtp == ()
    assert any("multi-token prediction" in note for note in structure.notes)


def test_defaults_that_were_taken_are_said() -> None:
    """A width that the config leaves out is the library's, and the notes say so."""
    structure = _built({"model_type": "deepseek_v3", "hidden_size": 64, "num_hidden_layers": 4})
    assert "`kv_lora_rank` is not declared; the library's default 512 is taken" in structure.notes


def test_the_language_model_of_deepseek_ocr_attends_plainly() -> None:
    """Its config turns latent attention off by `use_mla` and zero widths: ten heads of 128, kept whole."""
    structure = _built({
        "model_type": "deepseek_v2", "hidden_size": 1280, "num_hidden_layers": 12, "num_attention_heads": 10,
        "num_key_value_heads": 10, "intermediate_size": 6848, "moe_intermediate_size": 896, "n_routed_experts": 64,
        "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1, "vocab_size": 129280,
        "use_mla": False, "kv_lora_rank": None, "q_lora_rank": None, "qk_nope_head_dim": 0, "qk_rope_head_dim": 0,
        "v_head_dim": 0,
    })  # fmt: skip
    assert structure.marginal_cache_elements == 12 * 2 * 1280
