"""Dense families: windows, shared caches and what a config leaves open; totals are in test_reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.structure import Structure

_CASES = [
    pytest.param(case, id=case["case"])
    for path in sorted((Path(__file__).parent / "reference").glob("dense*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]
    if "windows" in case
]
_LLAMA_2_7B = {
    "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
    "num_attention_heads": 32, "vocab_size": 32000, "tie_word_embeddings": False,
}  # fmt: skip
_EXAONE = {"model_type": "exaone", "vocab_size": 102400, "num_key_value_heads": 8, "num_attention_heads": 32}
_CHATGLM = {
    "model_type": "chatglm", "hidden_size": 4096, "num_attention_heads": 32, "kv_channels": 128,
    "ffn_hidden_size": 13696, "multi_query_attention": True, "multi_query_group_num": 2, "add_qkv_bias": True,
    "add_bias_linear": False, "tie_word_embeddings": False,
}  # fmt: skip
_QWEN = {"model_type": "qwen", "kv_channels": 128, "vocab_size": 152064, "no_bias": True, "tie_word_embeddings": False}
_HEADS_270M = [12] * 5 + [16] * 7 + [20] * 4
_WIDTHS_270M = [0.5, 0.73, 0.97, 1.2, 1.43, 1.67, 1.9, 2.13, 2.37, 2.6, 2.83, 3.07, 3.3, 3.53, 3.77, 4.0]

# the hub's own count of each checkpoint (safetensors.total, as scraped on 2026-10-05), whose code transformers lacks
_PUBLISHED: dict[str, tuple[int, dict[str, Any]]] = {
    "LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct": (
        7_818_448_896,
        {**_EXAONE, "hidden_size": 4096, "num_layers": 32, "intermediate_size": 14336, "tie_word_embeddings": False},
    ),
    "LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct": (
        2_405_327_360,
        {**_EXAONE, "hidden_size": 2560, "num_layers": 30, "intermediate_size": 7168, "tie_word_embeddings": True},
    ),
    "GSAI-ML/LLaDA-8B-Base": (
        8_015_581_184,
        {
            "model_type": "llada", "d_model": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 32,
            "mlp_hidden_size": 12288, "vocab_size": 126464, "embedding_size": 126464, "weight_tying": False,
        },
    ),
    "Dream-org/Dream-v0-Base-7B": (
        7_615_616_512,
        {
            "model_type": "Dream", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
            "num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152064, "tie_word_embeddings": False,
        },
    ),
    "zai-org/glm-4-9b": (9_399_951_392, {**_CHATGLM, "num_layers": 40, "padded_vocab_size": 151552}),
    "thu-coai/ShieldLM-6B-chatglm3": (6_243_584_032, {**_CHATGLM, "num_layers": 28, "padded_vocab_size": 65024}),
    "Qwen/Qwen-14B": (
        14_167_290_880,
        {**_QWEN, "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40, "intermediate_size": 27392},
    ),
    "Qwen/Qwen-72B": (
        72_287_920_128,
        {**_QWEN, "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "intermediate_size": 49152},
    ),
    "XiaomiMiMo/MiMo-7B-Base": (
        7_833_409_536,
        {
            "model_type": "mimo", "hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32,
            "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 11008, "vocab_size": 151680,
            "attention_bias": True, "num_nextn_predict_layers": 1, "tie_word_embeddings": False,
        },
    ),
    "BAAI/Aquila2-34B": (
        34_233_796_608,
        {
            "model_type": "aquila", "hidden_size": 6144, "num_hidden_layers": 60, "num_attention_heads": 48,
            "num_key_value_heads": 8, "intermediate_size": 24576, "vocab_size": 143973,
        },
    ),
    "openbmb/MiniCPM4-8B": (
        8_185_253_888,
        {
            "model_type": "minicpm", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 2, "intermediate_size": 16384, "vocab_size": 73448, "tie_word_embeddings": False,
        },
    ),
    "apple/OpenELM-270M": (
        271_527_168,
        {
            "model_type": "openelm", "model_dim": 1280, "num_transformer_layers": 16, "head_dim": 64,
            "num_query_heads": _HEADS_270M, "num_kv_heads": [heads // 4 for heads in _HEADS_270M],
            "ffn_multipliers": _WIDTHS_270M, "ffn_dim_divisor": 256, "ffn_with_glu": True, "vocab_size": 32000,
            "normalize_qk_projections": True, "share_input_output_layers": True,
        },
    ),
    "Nanbeige/Nanbeige4.2-3B": (
        4_169_800_704,
        {
            "model_type": "nanbeige", "hidden_size": 3072, "num_hidden_layers": 22, "num_attention_heads": 48,
            "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 10752, "vocab_size": 166144,
        },
    ),
    "ByteDance/Ouro-1.4B": (
        1_434_652_673,
        {
            "model_type": "ouro", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 16,
            "num_key_value_heads": 16, "intermediate_size": 5632, "vocab_size": 49152, "total_ut_steps": 4,
        },
    ),
    "IQuestLab/IQuest-Coder-V1-40B-Loop-Instruct": (
        39_794_696_320,
        {
            "model_type": "iquestloopcoder", "hidden_size": 5120, "num_hidden_layers": 80, "num_attention_heads": 40,
            "num_key_value_heads": 8, "intermediate_size": 27648, "vocab_size": 76800, "loop_num": 2,
            "loop_window_size": 64,
        },
    ),
    "JetLM/SDAR-4B-Chat": (
        4_411_424_256,
        {
            "model_type": "sdar", "hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32,
            "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 9728, "vocab_size": 151936,
        },
    ),
    "RadixArk/Muse-Glimmer-q4-MLX": (
        27_854_780_928,
        {"model_type": "muse_glimmer_text", "hidden_size": 6656, "num_hidden_layers": 52},
    ),
    "microsoft/Phi-3-small-128k-instruct": (
        7_392_272_384,
        {
            "model_type": "phi3small", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 8, "ff_intermediate_size": 14336, "vocab_size": 100352,
        },
    ),
}  # fmt: skip


def _structure(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


def _refusal(config: dict[str, Any]) -> str:
    refusal = structure_of(config)
    assert isinstance(refusal, Refusal), refusal
    return refusal.reason


@pytest.mark.parametrize("case", _CASES)
def test_layers_see_as_far_as_the_library_lets_them(case: dict[str, Any]) -> None:
    """Windows by layer are those of transformers' own config class."""
    assert [layer.attend[0].window for layer in _structure(case["config"]).layers] == case["windows"]


@pytest.mark.parametrize("model", _PUBLISHED)
def test_a_model_with_its_own_code_holds_what_the_hub_counts(model: str) -> None:
    """To the unit, with what such checkpoints store beside the model: foreseeing modules and rotary frequencies."""
    total, config = _PUBLISHED[model]
    structure = _structure(config)
    assert structure.text_total + structure.mtp_total + structure.buffers == total
    assert structure.is_verified


@pytest.mark.parametrize(
    ("name", "hidden", "layers", "heads", "thousands"),
    [("qwen2", 8192, 80, 64, 327.680), ("llama", 16384, 126, 128, 516.096)],
)
def test_a_token_keeps_what_was_published(name: str, hidden: int, layers: int, heads: int, thousands: float) -> None:
    """Qwen2.5-72B and Llama-3.1-405B, KB a token in bf16 ("Insights into DeepSeek-V3", arXiv 2505.09343, table 1)."""
    config = {"model_type": name, "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    structure = _structure({**config, "num_key_value_heads": 8, "intermediate_size": 1000, "vocab_size": 1000})
    assert structure.marginal_cache_elements * 2 / 1000 == thousands


def test_layers_that_share_a_cache_keep_none() -> None:
    """Gemma 3n E4B: 35 layers, of which the last 15 read the caches of earlier ones (config of google/gemma-3n-E4B)."""
    structure = _structure({"model_type": "gemma3n_text", "hidden_size": 2048, "num_hidden_layers": 35})
    assert [bool(layer.caches) for layer in structure.layers] == [True] * 20 + [False] * 15
    assert all(layer.attend for layer in structure.layers)
    assert structure.marginal_cache_elements == 4 * 2 * 2 * 256  # of 20 layers every fifth is full: 2 heads of 256


@pytest.mark.parametrize(("model", "slots"), [("Nanbeige/Nanbeige4.2-3B", 44), ("ByteDance/Ouro-1.4B", 96)])
def test_every_pass_of_a_loop_keeps_a_cache(model: str, slots: int) -> None:
    """Ouro needs 96 slots, 4 steps of 24 layers (README of ouro-cache-fix); vLLM keeps Nanbeige's by loop."""
    structure = _structure(_PUBLISHED[model][1])
    assert sum(len(layer.caches) for layer in structure.layers) == slots


def test_later_passes_of_iquest_coder_keep_a_window() -> None:
    """The first pass keeps all, the second a window of 64 (iquest_loopcoder.py of vLLM)."""
    structure = _structure(_PUBLISHED["IQuestLab/IQuest-Coder-V1-40B-Loop-Instruct"][1])
    assert structure.cache_elements(1000) == 80 * 2 * 8 * 128 * (1000 + 64)


def test_full_layers_of_gemma_4_keep_wider_heads() -> None:
    """Keys that serve as values are still kept twice: normed and turned as keys, normed as values."""
    config = {
        "model_type": "gemma4_text", "hidden_size": 96, "num_hidden_layers": 6, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 24, "global_head_dim": 48, "num_global_key_value_heads": 1,
        "attention_k_eq_v": True, "hidden_size_per_layer_input": 0, "intermediate_size": 64, "vocab_size": 100,
        "sliding_window": 8,
    }  # fmt: skip
    structure = _structure(config)
    assert structure.marginal_cache_elements == 2 * 48
    assert structure.cache_elements(20) == 5 * 8 * 2 * 2 * 24 + 20 * 2 * 48
    assert not any("v_proj" in weight.name for weight in structure.layers[-1].weights)


@pytest.mark.parametrize(
    "config",
    [
        _PUBLISHED["GSAI-ML/LLaDA-8B-Base"][1],
        _PUBLISHED["Dream-org/Dream-v0-Base-7B"][1],
        {**_LLAMA_2_7B, "model_type": "gemma3_text", "use_bidirectional_attention": True, "sliding_window": 512},
    ],
    ids=lambda config: str(config["model_type"]),
)
def test_a_model_that_attends_both_ways_keeps_no_cache(config: dict[str, Any]) -> None:
    """Diffusion models and EmbeddingGemma see later tokens too, so that no key can be kept."""
    structure = _structure(config)
    assert structure.cache_elements(4096) == 0
    assert any("keeps no cache" in note for note in structure.notes)


def test_a_tied_table_of_positions_is_input_only() -> None:
    """GPT-2 without input embedding: 124,439,808 less 1024 positions of 768; the tied matrix is the head."""
    config = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    assert _structure(config).active() == (124_439_808, 124_439_808 - 1024 * 768, 85_056_000)


@pytest.mark.parametrize(
    ("changes", "published"),
    [
        ({"hidden_size": 4544, "num_attention_heads": 71, "num_hidden_layers": 32}, 7_217_189_760),
        (
            {"hidden_size": 8192, "num_attention_heads": 128, "num_hidden_layers": 60, "num_kv_heads": 8,
             "new_decoder_architecture": True},
            41_835_970_560,
        ),
        (
            {"hidden_size": 14848, "num_attention_heads": 232, "num_hidden_layers": 80, "num_kv_heads": 8,
             "new_decoder_architecture": True},
            179_522_565_120,
        ),
    ],
    ids=["7b", "40b", "180b"],
)  # fmt: skip
def test_falcons_head_is_tied_as_the_library_ties_it(changes: dict[str, Any], published: int) -> None:
    """The checkpoints store a head of their own, as the hub's totals show; the note says so."""
    structure = _structure({"model_type": "falcon", "vocab_size": 65024, **changes})
    assert structure.total == published - 65_024 * changes["hidden_size"]
    assert any("store a head of their own" in note for note in structure.notes)


def test_an_undeclared_window_of_mistral_is_charged_in_full_and_said() -> None:
    """Files of Mistral-7B differ on the key; the library would take 4096."""
    config = {**_LLAMA_2_7B, "model_type": "mistral", "num_key_value_heads": 8}
    assert _structure(config).cache_elements(8192) == 8192 * 32 * 2 * 8 * 128
    assert any("sliding_window" in note for note in _structure(config).notes)
    assert _structure({**config, "sliding_window": 4096}).cache_elements(8192) == 4096 * 32 * 2 * 8 * 128


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_size": None}, "`hidden_size` is missing"),
        ({"num_hidden_layers": None}, "`num_hidden_layers` is missing"),
        ({"layer_types": ["sliding_attention"] * 32}, "`layer_types` holds layers that this family does not have"),
        ({"num_attention_heads": 33}, "cannot be split over 33 heads"),
        ({"num_experts": 8}, "`num_experts` is declared, which `llama` does not have"),
        ({"model_type": "mpt", "expansion_ratio": 3}, "not those the library builds"),
        ({"model_type": "mpt", "attn_config": {"kv_n_heads": 8}}, "shared keys"),
        ({"model_type": "internlm3", "bias": True}, "`qkv_bias` and `bias` differ"),
        ({"model_type": "gpt_neo"}, "`attention_types` does not say"),
        ({"model_type": "gpt_neo", "attention_types": [[["global"], 10**9]]}, "`attention_types` is no list"),
        ({"model_type": "gemma2", "sliding_window": "4096"}, "`sliding_window` is not a whole number"),
        ({"model_type": "gemma4_text", "per_layer_config": {"3": {"hidden_size": 8}}}, "`per_layer_config` changes"),
        ({"model_type": "gemma3n_text", "num_kv_shared_layers": 31}, "share the cache of a kind"),
        ({"model_type": "telechat", "tie_word_embeddings": None}, "`tie_word_embeddings` is missing"),
        ({"model_type": "chatglm", "num_layers": 32, "inner_hidden_size": 16384}, "`ffn_hidden_size` is missing"),
    ],
)
def test_what_a_family_does_not_build_is_refused(changes: dict[str, Any], reason: str) -> None:
    """A config that the formulas do not describe has no figure, and the reason names the key."""
    assert reason in _refusal({**_LLAMA_2_7B, **changes})
