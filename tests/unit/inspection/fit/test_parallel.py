"""How models are divided among devices."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Structure
from weighbridge.inspection.fit.parallel import Plan, divide, plan_of, plans_of
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.memory.scheme import SCHEMES

GIB = 1 << 30
QWEN3_32B: dict[str, Any] = {
    "model_type": "qwen3", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 64,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 25600, "vocab_size": 151936,
    "tie_word_embeddings": False, "attention_bias": False,
}  # fmt: skip
DEEPSEEK_V3: dict[str, Any] = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
    "num_key_value_heads": 128, "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048,
    "n_routed_experts": 256, "num_experts_per_tok": 8, "n_shared_experts": 1, "first_k_dense_replace": 3,
    "moe_layer_freq": 1, "vocab_size": 129280, "tie_word_embeddings": False, "attention_bias": False,
}  # fmt: skip


def _built(config: dict[str, Any]) -> Structure:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return structure


def _bytes(structure: Structure, scheme: str = "bf16") -> int:
    return weight_bytes(structure, SCHEMES[scheme]).n_bytes


def test_tensor_parallel_weights_are_what_vllm_loads() -> None:
    """VLLM 0.11 loaded 61.03 GiB of Qwen3-32B on one device and 30.59 GiB on each of two (llm-d-planner)."""
    whole = _built(QWEN3_32B)
    assert _bytes(whole) / GIB == pytest.approx(61.03, rel=0.002)
    (share,) = divide(whole, Plan(tp=2))
    assert _bytes(share) / GIB == pytest.approx(30.59, rel=0.003)


@pytest.mark.parametrize(("tp", "kv_heads"), [(1, 8), (2, 4), (8, 1), (16, 1), (32, 1)])
def test_key_value_heads_are_divided_and_then_copied(tp: int, kv_heads: int) -> None:
    """Sixteen devices hold two copies of each of 8 key-value heads, in cache and in projections."""
    (share,) = divide(_built(QWEN3_32B), Plan(tp=tp))
    assert share.cache_elements(1) == 64 * 2 * kv_heads * 128
    keys = next(weight for weight in share.layers[0].weights if weight.name == "self_attn.k_proj.weight")
    assert keys.shape == (kv_heads * 128, 5120)


def test_a_latent_cache_is_whole_on_every_device() -> None:
    """MLA under tensor parallelism: 576 elements a layer on each; copies of the attention share sequences instead."""
    whole = _built(DEEPSEEK_V3)
    (share,) = divide(whole, Plan(tp=8))
    assert share.cache_elements(100) == whole.cache_elements(100) == 61 * 576 * 100
    down = next(weight for weight in share.layers[0].weights if "kv_a_proj" in weight.name)
    up = next(weight for weight in share.layers[0].weights if "kv_b_proj" in weight.name)
    assert (down.shape, up.shape) == ((576, 7168), (16 * 256, 512))


def test_expert_parallelism_divides_experts_alone() -> None:
    """DeepSeek-V3 on eight devices, attention copied: 32 of 256 experts each, everything else whole."""
    whole = _built(DEEPSEEK_V3)
    (share,) = divide(whole, Plan(dp=8, ep=8))
    before, after = whole.parts(), share.parts()
    assert after[Part.ROUTED_EXPERTS] * 8 == before[Part.ROUTED_EXPERTS]
    assert {part: size for part, size in after.items() if part is not Part.ROUTED_EXPERTS} == {
        part: size for part, size in before.items() if part is not Part.ROUTED_EXPERTS
    }


@pytest.mark.parametrize("config", [QWEN3_32B, DEEPSEEK_V3], ids=["dense", "mixture"])
@pytest.mark.parametrize("pp", [2, 3, 8])
def test_pipeline_stages_make_up_the_whole(config: dict[str, Any], pp: int) -> None:
    """Every weight is on one stage, under its own name; embedding first, head last."""
    whole = _built(config)
    stages = divide(whole, Plan(pp=pp))
    assert len(stages) == pp
    named = [(name, weight.shape) for stage in stages for name, weight in stage.named()]
    assert sorted(named) == sorted((name, weight.shape) for name, weight in whole.named())
    assert sum(stage.cache_elements(10) for stage in stages) == whole.cache_elements(10)
    assert stages[0].outside[0].part is Part.EMBEDDING
    assert any(weight.part is Part.HEAD for weight in stages[-1].outside)


def test_a_tied_matrix_is_on_the_first_and_the_last_stage() -> None:
    """The embedding is the head as well, and both ends need it."""
    stages = divide(_built({**QWEN3_32B, "tie_word_embeddings": True}), Plan(pp=4))
    assert [any(weight.part is Part.EMBEDDING for weight in stage.outside) for stage in stages] == [
        True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (Plan(tp=3), "64 heads cannot be divided among 3 devices"),
        (Plan(pp=65), "64 layers cannot fill 65 stages"),
        (Plan(tp=2, ep=4), "experts cannot be spread over 4 of 2 devices"),
    ],
)
def test_what_cannot_be_divided_is_refused(plan: Plan, reason: str) -> None:
    """The reason names what does not divide."""
    with pytest.raises(Refused, match=reason):
        divide(_built(QWEN3_32B), plan)


def test_a_plan_is_found_where_heads_do_not_divide() -> None:
    """14 heads (Qwen2.5-0.5B): eight devices become two that share layers and four stages."""
    config = {**QWEN3_32B, "num_attention_heads": 14, "num_key_value_heads": 2, "hidden_size": 896, "head_dim": 64}
    assert plan_of(_built(config), 8) == Plan(tp=2, pp=4)
    assert plan_of(_built(QWEN3_32B), 8) == Plan(tp=8)
    assert plan_of(_built(QWEN3_32B), 8, tp=2) == Plan(tp=2, dp=4)
    assert plan_of(_built(QWEN3_32B), 8, pp=2) == Plan(tp=4, pp=2)
    with pytest.raises(Refused, match="8 devices cannot form groups of 3 x 1"):
        plan_of(_built(QWEN3_32B), 8, tp=3)


def test_plans_that_copy_no_cache_stand_behind_the_usual_one() -> None:
    """A latent is whole on every device of a group, so DeepSeek-V3 has three plans; eight key-value heads divide."""
    assert plans_of(_built(DEEPSEEK_V3), 8) == (Plan(tp=8), Plan(dp=8, ep=8), Plan(pp=8))
    assert plans_of(_built(QWEN3_32B), 8) == (Plan(tp=8),)
    assert plans_of(_built(QWEN3_32B), 16) == (Plan(tp=16), Plan(tp=8, pp=2))
    assert plans_of(_built(DEEPSEEK_V3), 1) == (Plan(),)
    assert Plan(dp=8, ep=8).options == "--tp 1 --ep 8"


def test_quantized_blocks_are_cut_with_their_matrix() -> None:
    """Two halves of an FP8 model with 128x128 blocks hold as many bytes as the whole, vectors and blocks aside."""
    whole = _built(QWEN3_32B)
    (share,) = divide(whole, Plan(tp=2))
    assert 2 * _bytes(share, "fp8") == pytest.approx(_bytes(whole, "fp8"), rel=0.0005)
