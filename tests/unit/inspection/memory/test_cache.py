"""Bytes of cache by engine, against published figures and engines' own rules."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.errors import UsageError
from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Attend, Cache, Layer, Structure
from weighbridge.inspection.memory.cache import Held, cache_bytes
from weighbridge.inspection.memory.engines import engine_named, engines

LLAMA_405B: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 16384, "num_hidden_layers": 126, "num_attention_heads": 128,
    "num_key_value_heads": 8, "intermediate_size": 53248, "vocab_size": 128256, "tie_word_embeddings": False,
}  # fmt: skip
MISTRAL_SMALL: dict[str, Any] = {
    "model_type": "mistral", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 32768, "vocab_size": 131072,
    "sliding_window": None, "tie_word_embeddings": False,
}  # fmt: skip
V2_LITE: dict[str, Any] = {
    "model_type": "deepseek_v2", "hidden_size": 2048, "num_hidden_layers": 27, "num_attention_heads": 16,
    "num_key_value_heads": 16, "kv_lora_rank": 512, "q_lora_rank": None, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 10944, "moe_intermediate_size": 1408,
    "n_routed_experts": 64, "num_experts_per_tok": 6, "n_shared_experts": 2, "first_k_dense_replace": 1,
    "moe_layer_freq": 1, "vocab_size": 102400, "tie_word_embeddings": False,
}  # fmt: skip


def _built(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


def _stack(*layers: Layer) -> Structure:
    return Structure("made up", 256, 512, is_tied=True, outside=(), layers=layers)


def _layers(count: int, elements: int, window: int | None = None) -> list[Layer]:
    return [Layer("full", (), (Cache(elements, window),), (Attend(4, 64, 64, window=window),))] * count


def test_llama_405b_keeps_516_096_bytes_a_token() -> None:
    """516 KB a token in bf16: arXiv 2505.09343 (Insights into DeepSeek-V3), table 1."""
    size = cache_bytes(_built(LLAMA_405B), engine_named("transformers"), Held(1000))
    assert size.n_bytes == 516_096 * 1000
    assert size.is_exact


@pytest.mark.parametrize(("kind", "bits"), [("q8_0", 8.5), ("q4_0", 4.5), ("fp16", 16)])
def test_a_quantized_cache_counts_its_scales(kind: str, bits: float) -> None:
    """Ggml stores 32 elements with one fp16 scale: 34 bytes in q8_0, 18 in q4_0."""
    size = cache_bytes(_built(LLAMA_405B), engine_named("llama.cpp"), Held(1024, cache_type=kind))
    assert size.n_bytes == 126 * 2 * 8 * 128 * 1024 * bits / 8


def test_decompressed_latents_are_8640_mib() -> None:
    """DeepSeek-V2-Lite at 32K as logged in ollama PR 17201; absorbed it is 8.9 times less."""
    held = Held(32768)
    decompressed = cache_bytes(_built(V2_LITE), engine_named("transformers"), held).n_bytes
    assert decompressed == 8640 << 20
    absorbed = cache_bytes(_built(V2_LITE), engine_named("vllm"), held).n_bytes
    assert absorbed == 27 * 576 * 2 * 32768
    assert round(decompressed / absorbed, 1) == 8.9


def test_vllm_keeps_whole_blocks() -> None:
    """28.20 GiB held 184,832 tokens of Mistral-Small-3.2 (llm-d-planner, vLLM 0.11): 163,840 bytes each."""
    vllm = engine_named("vllm")
    assert cache_bytes(_built(MISTRAL_SMALL), vllm, Held(16000)).n_bytes == 163_840 * 16000
    assert cache_bytes(_built(MISTRAL_SMALL), vllm, Held(16001)).n_bytes == 163_840 * 16016
    assert round(163_840 * 184_832 / 2**30, 2) == 28.20


def test_sequences_multiply_cache_and_state() -> None:
    """A state is kept for each sequence in fp32, whatever its length."""
    structure = _stack(Layer("delta", (), state=1000), *_layers(1, 256))
    one, four = (cache_bytes(structure, engine_named("llama.cpp"), Held(512, count)) for count in (1, 4))
    assert (one.state, four.state) == (4000, 16000)
    assert one.n_bytes == 512 * 256 * 2 + 4000
    assert four.n_bytes == 4 * one.n_bytes


def test_sliding_layers_keep_what_the_engine_keeps() -> None:
    """llama.cpp: pad256(window + micro-batch), 1,024 cells for a window of 512; transformers: the window."""
    structure = _stack(*_layers(3, 512, 512))
    held = Held(4096)
    assert cache_bytes(structure, engine_named("llama.cpp"), held).n_bytes == 3 * 512 * 2 * 1024
    small = Held(4096, micro_batch=128)
    assert cache_bytes(structure, engine_named("llama.cpp"), small).n_bytes == 3 * 512 * 2 * 768
    assert cache_bytes(structure, engine_named("transformers"), held).n_bytes == 3 * 512 * 2 * 512
    assert cache_bytes(structure, engine_named("llama.cpp"), Held(256)).n_bytes == 3 * 512 * 2 * 256


def test_vllm_groups_layers_of_equal_number() -> None:
    """kv_cache_utils.py: five sliding layers to a full one form six groups that draw pages of one size.

    A full group needs ceil(32768 / 16) pages, a sliding one ceil((1024 - 1 + 8192) / 16) + 1.
    """
    structure = _stack(*_layers(2, 512), *_layers(10, 512, 1024))
    size = cache_bytes(structure, engine_named("vllm"), Held(32768))
    page = 16 * 512 * 2
    assert size.n_bytes == (2048 + 5 * (576 + 1)) * 2 * page
    assert size.least == 2 * 512 * 2 * (2 * 32768 // 2 + 5 * 1024)
    assert not size.is_exact


def test_a_state_makes_vllms_pages_larger() -> None:
    """Attention pages grow in steps of 16 tokens until a layer's state fits into one."""
    structure = _stack(*[Layer("mamba", (), state=10_000)] * 3, *_layers(1, 512))
    size = cache_bytes(structure, engine_named("vllm"), Held(480))
    page = 48 * 1024  # 40,000 bytes of state need 48 tokens of 1,024 bytes
    assert size.n_bytes == (10 + 3) * page


def test_index_keys_are_fp8_with_a_scale_in_deployment() -> None:
    """Sparse attention keeps 128 FP8 elements and one fp32 scale, 132 bytes a token, beside the latent."""
    latent, index = Cache(576, decompressed=16 * 320), Cache(128, is_index=True)
    structure = _stack(Layer("full", (), (latent, index), (Attend(16, 192, 128, 576, 512),)))
    assert cache_bytes(structure, engine_named("vllm"), Held(1600)).n_bytes == 1600 * (576 * 2 + 132)


def test_sglang_sizes_a_pool_for_sliding_layers() -> None:
    """swa_full_tokens_ratio 0.8: the pool of sliding layers holds 80% of the tokens, and the figure is a bound."""
    size = cache_bytes(_stack(*_layers(1, 512), *_layers(1, 512, 128)), engine_named("sglang"), Held(1000))
    assert size.n_bytes == 512 * 2 * (1000 + 800)
    assert size.least == 512 * 2 * (1000 + 128)


def test_a_type_that_an_engine_lacks_is_refused() -> None:
    """VLLM has no q8_0 cache; the hint names what there is."""
    with pytest.raises(UsageError, match="vllm has no cache type `q8_0`"):
        cache_bytes(_built(LLAMA_405B), engine_named("vllm"), Held(1, cache_type="q8_0"))
    with pytest.raises(UsageError, match="no profile of the engine `lama"):
        engine_named("lama.cpp")


@pytest.mark.parametrize("name", engines())
def test_every_profile_is_dated_and_names_its_source(name: str) -> None:
    """A figure without a version, a date and a source is none."""
    engine = engine_named(name)
    assert engine.version
    assert engine.date.year >= 2026
    assert len(engine.source) > 20
    assert engine.cache_type in engine.cache_types
    assert all(span.low <= span.high for span in (*engine.activation.values(), *engine.overhead.values()))
