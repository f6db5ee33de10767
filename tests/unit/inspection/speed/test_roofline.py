"""Rooflines and training figures against hand-computed vectors and published figures."""

from __future__ import annotations

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Part, Structure
from weighbridge.inspection.speed.flops import decode_flops
from weighbridge.inspection.speed.prices import prices_of
from weighbridge.inspection.speed.roofline import Machine, cost_per_million, decode_bound, prefill_bound
from weighbridge.inspection.speed.training import training_figures

H100 = Machine(3.35e12, 989e12)
H200_8 = Machine(8 * 4.8e12, 8 * 1979e12)
LLAMA_8B = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": False,
}  # fmt: skip
QWEN3_30B = {
    "model_type": "qwen3_moe", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32,
    "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768,
    "num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [],
    "vocab_size": 151936, "tie_word_embeddings": False,
}  # fmt: skip
DEEPSEEK_V3 = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
    "num_key_value_heads": 128, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048,
    "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3,
    "moe_layer_freq": 1, "vocab_size": 129280, "tie_word_embeddings": False,
}  # fmt: skip


def _structure(config: dict[str, object]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure)
    return structure


@pytest.mark.parametrize(
    ("config", "element", "machine", "batch", "weights", "cache", "seconds", "rate"),
    [
        (LLAMA_8B, 2, H100, 1, 15.010e9, 1.074e9, 4.801e-3, 208.3),
        (LLAMA_8B, 2, H100, 64, 15.010e9, 68.72e9, 24.994e-3, 2560.6),
        (QWEN3_30B, 2, H100, 1, 6.084e9, 0.805e9, 2.056e-3, 486.3),
        (QWEN3_30B, 2, H100, 32, 53.090e9, 25.770e9, 23.540e-3, 1359.4),
        (DEEPSEEK_V3, 1, H200_8, 1, 36.626e9, 0.576e9, 0.969e-3, 1032.2),
        (DEEPSEEK_V3, 1, H200_8, 128, 658.864e9, 73.686e9, 19.077e-3, 6709.7),
    ],
)
def test_decoding_is_bound_by_what_must_be_read(
    config: dict[str, object], element: float, machine: Machine, batch: int, weights: float, cache: float,
    seconds: float, rate: float,
) -> None:  # fmt: skip
    """By hand: weights without input embedding, E (1 - (1 - k/E)^b) experts, b caches of 8,192 tokens in bf16."""
    structure = _structure(config)
    each = 2 * structure.cache_elements(8192)
    bound = decode_bound(structure, dict.fromkeys(Part, element), machine, context=8192, batch=batch, cache_bytes=each)
    assert bound.weight_bytes == pytest.approx(weights, rel=1e-4)
    assert bound.cache_bytes == pytest.approx(cache, rel=1e-3)
    assert bound.seconds == pytest.approx(seconds, rel=1e-3)
    assert bound.tokens_per_s == pytest.approx(rate, rel=1e-3)
    assert bound.binds == "memory"


# Step-3 system report, table 2, at 8,192 tokens: attention, projections, feed-forward
@pytest.mark.parametrize(
    ("config", "attention", "projections", "feed_forward"), [(DEEPSEEK_V3, 1.47e11, 2.28e10, 4.84e10)]
)
def test_flops_of_a_decoded_token_are_those_of_the_step_3_report(
    config: dict[str, object], attention: float, projections: float, feed_forward: float
) -> None:
    """The report counts 2 (kv rank + rope) for key and value each; we count the value without rope: 6% less."""
    flops = decode_flops(_structure(config), 8192)
    assert flops.attention == pytest.approx(attention * (512 + 576) / (2 * 576), rel=6e-3)
    assert flops.projections == pytest.approx(projections, rel=6e-3)
    assert flops.feed_forward == pytest.approx(feed_forward, rel=6e-3)


def test_a_long_prompt_is_bound_by_compute_and_a_short_one_by_memory() -> None:
    """Llama-3.1-8B: one token reads all weights; 8,192 tokens take 2 x 7.0 G x 8,192 FLOPs and more for attention."""
    structure = _structure(LLAMA_8B)
    short = prefill_bound(structure, dict.fromkeys(Part, 2), H100, tokens=1)
    long = prefill_bound(structure, dict.fromkeys(Part, 2), H100, tokens=8192)
    assert short is not None
    assert long is not None
    assert (short.binds, long.binds) == ("memory", "compute")
    layers = 2 * 6_979_588_096 * 8192  # all weights but both embeddings
    causal = 2 * 32 * 256 * 8192 * 8193 // 2 * 32
    assert long.flops == pytest.approx(layers + causal + 2 * 128256 * 4096, rel=1e-4)


def test_without_a_known_peak_there_is_no_bound_on_prefill() -> None:
    """Apple prints bandwidth and no dense peak."""
    structure = _structure(LLAMA_8B)
    assert prefill_bound(structure, dict.fromkeys(Part, 2), Machine(8e11, None), tokens=100) is None


def test_cost_follows_from_rate_and_price() -> None:
    """2,560.6 tokens/s at $2 an hour: 9.218 M tokens an hour, $0.217 a million."""
    structure = _structure(LLAMA_8B)
    bound = decode_bound(
        structure, dict.fromkeys(Part, 2), H100, context=8192, batch=64, cache_bytes=2 * structure.cache_elements(8192)
    )
    assert cost_per_million(bound, 1, 2.0) == pytest.approx(0.21696, rel=1e-3)


def test_the_training_of_deepseek_v3_is_what_its_report_says() -> None:
    """14.8 T tokens in 2.788 M H800 hours at $2: $5.576 M (arXiv 2412.19437, table 1), at a believable utilisation."""
    run = training_figures(
        _structure(DEEPSEEK_V3), tokens=14.8e12, sequence=4096, device_hours=2.788e6, peak=989e12, usd_per_hour=2.0
    )
    assert run.usd == 5_576_000
    assert run.utilisation is not None
    assert 0.3 < run.utilisation < 0.5  # FP8 training against the bf16 peak
    assert run.flops == pytest.approx(3.8e24, rel=0.05)


def test_list_prices_name_their_host_and_catalogue() -> None:
    """DeepSeek's own price of V3 in litellm 1.109.1: $0.27 in, $1.10 out."""
    own = next(price for price in prices_of("deepseek-ai/DeepSeek-V3") if price.host == "deepseek")
    assert (own.usd_input, own.usd_output, own.source) == (0.27, 1.1, "litellm 1.109.1")
    assert prices_of("nobody/nothing") == ()
