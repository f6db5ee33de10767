"""Whether models fit, from published runs and by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from weighbridge.errors import UsageError
from weighbridge.formats.tensor import Tensor
from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.fit.devices import Device, device_named, devices
from weighbridge.inspection.fit.fit import Fit, best_of, judge
from weighbridge.inspection.fit.load import Candidate, Demand, load, loads_of
from weighbridge.inspection.fit.parallel import Plan, plan_of, plans_of
from weighbridge.inspection.fit.rank import rank, usual_engine
from weighbridge.inspection.memory.engines import engine_named
from weighbridge.inspection.memory.scheme import SCHEMES
from weighbridge.inspection.memory.span import Span

GIB = 1 << 30
QWEN3_32B: dict[str, Any] = {
    "model_type": "qwen3", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 64,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 25600, "vocab_size": 151936,
    "tie_word_embeddings": False, "attention_bias": False,
}  # fmt: skip
LLAMA_70B: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64,
    "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 128256, "tie_word_embeddings": False,
}  # fmt: skip

DEEPSEEK_V3: dict[str, Any] = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
    "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
    "num_experts_per_tok": 8, "first_k_dense_replace": 3, "vocab_size": 129280, "tie_word_embeddings": False,
}  # fmt: skip


def _candidate(config: dict[str, Any], scheme: str = "bf16") -> Candidate:
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    return Candidate(structure, SCHEMES[scheme])


def _fit(
    config: dict[str, Any], on: str, *, context: int, sequences: int = 1, engine: str = "vllm", scheme: str = "bf16"
) -> Fit:
    device, count = device_named(on, devices())
    candidate = _candidate(config, scheme)
    demand = Demand(engine_named(engine), context, sequences)
    plan = plan_of(candidate.structure, count)
    cpu = device.cpu if device.is_cpu else "none"
    return judge(load(candidate, plan, demand, cpu=cpu), device, demand, scheme)


def test_qwen3_32b_fits_one_h100_with_a_short_context() -> None:
    """llm-d-planner: vLLM loads 61.03 GiB on an H100 and serves 16,000 tokens there."""
    fit = _fit(QWEN3_32B, "h100-sxm", context=16000)
    assert fit.verdict == "fits"
    assert fit.load.weights.low <= int(61.03 * GIB) <= fit.load.weights.high
    assert fit.load.cache.high == 262_144 * 16_000
    assert fit.sequences == 1
    assert fit.largest_context is not None
    assert 16_000 < fit.largest_context < 40_000


def test_a_70b_model_in_16_bits_needs_more_than_one_h100() -> None:
    """141 GB of weights: the reason says that the weights alone are too much."""
    fit = _fit(LLAMA_70B, "h100-sxm", context=1024)
    assert fit.verdict == "does not fit"
    assert fit.reason.startswith("the weights alone")
    assert fit.left is not None
    assert fit.left.high < 0
    assert fit.sequences == 0


def test_between_the_bounds_nothing_is_claimed() -> None:
    """llm-d-planner: no room for 32,000 tokens of Qwen3-32B in vLLM 0.11; our allowances span 0.19's classes."""
    assert _fit(QWEN3_32B, "h100-sxm", context=32000).verdict == "unknown"


def test_a_device_without_a_figure_is_unknown() -> None:
    """Nobody says how much memory a BR166 has."""
    fit = _fit(QWEN3_32B, "br166", context=1024)
    assert (fit.verdict, fit.room, fit.sequences) == ("unknown", None, None)
    assert "nobody says" in fit.reason


def test_each_device_holds_its_share() -> None:
    """Llama-3.3-70B in FP8 on two H100: vLLM loads 33.88 GiB on each (llm-d-planner); its head stays in 16 bits."""
    fit = _fit(LLAMA_70B, "h100-sxm:2", context=16000, scheme="fp8-channel")
    assert fit.load.plan == Plan(tp=2)
    assert fit.load.weights.high / GIB == pytest.approx(33.88, rel=0.01)


def test_types_that_a_device_lacks_are_flagged() -> None:
    """FP8 on an A100 is weights only; on an Ascend nothing is promised; an H100 has it."""
    assert any("no FP8: weights only" in note for note in _fit(QWEN3_32B, "a100", context=1024, scheme="fp8").notes)
    assert any("no kernels are promised" in note for note in _fit(QWEN3_32B, "910b", context=1, scheme="fp8").notes)
    assert not any("no FP8" in note for note in _fit(QWEN3_32B, "h100", context=1024, scheme="fp8").notes)


def test_copies_of_the_attention_share_the_sequences() -> None:
    """Four copies serve four times the sequences of one device, and each holds a quarter of their cache."""
    candidate, demand = _candidate(QWEN3_32B), Demand(engine_named("vllm"), 1024, 8)
    device = device_named("h200-sxm", devices())[0]
    one = judge(load(candidate, Plan(), replace(demand, sequences=2), cpu="none"), device, demand, "bf16")
    four = judge(load(candidate, Plan(dp=4), demand, cpu="none"), device, demand, "bf16")
    assert four.load.cache == one.load.cache
    assert one.sequences is not None
    assert four.sequences is not None
    assert four.sequences == pytest.approx(4 * one.sequences, rel=0.05)


def test_llama_cpp_on_a_cpu_takes_its_logged_buffers() -> None:
    """Nothing is allowed for: cache, compute and output are formulas; sequences share the context."""
    fit = _fit(QWEN3_32B, "cpu-epyc-9004", context=4096, sequences=4, engine="llama.cpp")
    assert fit.load.overhead == Span.of(0)
    assert fit.load.activation.is_exact
    assert fit.load.cache.high == 262_144 * 4 * 4096


def test_sequences_and_context_that_are_promised_do_fit() -> None:
    """What is said to be left is tried: both limits still fit, and one more does not for certain."""
    fit = _fit(QWEN3_32B, "h200-sxm", context=8192, sequences=2)
    assert fit.sequences is not None
    assert fit.largest_context is not None
    assert _fit(QWEN3_32B, "h200-sxm", context=8192, sequences=fit.sequences).verdict == "fits"
    assert _fit(QWEN3_32B, "h200-sxm", context=8192, sequences=fit.sequences + 1).verdict != "fits"
    assert _fit(QWEN3_32B, "h200-sxm", context=fit.largest_context, sequences=2).verdict == "fits"
    assert _fit(QWEN3_32B, "h200-sxm", context=fit.largest_context + 16, sequences=2).verdict != "fits"


def test_a_gguf_file_runs_in_llama_cpp_alone() -> None:
    """Its weights are its tensors' bytes; another engine is refused."""
    structure = _candidate(QWEN3_32B).structure
    gguf = Candidate(structure, None, (Tensor("lm_head.weight", "F16", (8, 8), 64, 128, 0),))
    with pytest.raises(UsageError, match=r"runs in llama\.cpp"):
        load(gguf, Plan(), Demand(engine_named("vllm"), 1))
    assert load(gguf, Plan(), Demand(engine_named("llama.cpp"), 1)).weights == Span.of(128)


def test_files_that_hold_other_bytes_widen_the_weights() -> None:
    """Half the bytes of bf16 in the files: neither figure is believed alone, and the note says so."""
    candidate = _candidate(QWEN3_32B)
    whole = load(candidate, Plan(), Demand(engine_named("vllm"), 1024)).weights
    half = load(replace(candidate, stored=whole.low // 2), Plan(), Demand(engine_named("vllm"), 1024))
    assert (half.weights.low, half.weights.high) == (whole.low // 2, whole.low)
    assert any("the files hold 50% of the bytes" in note for note in half.notes)
    alike = load(replace(candidate, stored=int(whole.low * 1.02)), Plan(), Demand(engine_named("vllm"), 1024))
    assert alike.weights == whole


def test_a_latent_cache_that_is_copied_does_not_decide() -> None:
    """By hand: 32 x 32,768 tokens of DeepSeek-V3's latent (61 x 576 x 2 bytes) are 68.6 GiB, on each of eight devices.

    Beside 79 GiB of weights that is too much for an H200. As copies of the attention, which vLLM's recipe serves, each
    holds 8.6 GiB.
    """
    device, count = device_named("h200-sxm:8", devices())
    candidate = _candidate(DEEPSEEK_V3, "fp8")
    demand = Demand(engine_named("vllm"), 32768, 32)
    loads = [load(candidate, plan, demand) for plan in plans_of(candidate.structure, count)]
    assert judge(loads[0], device, demand, "fp8").verdict == "does not fit"
    best = best_of(loads, device, demand, "fp8")
    assert (best.verdict, best.load.plan) == ("fits", Plan(dp=8, ep=8))
    assert loads[0].cache.high == 8 * best.load.cache.high == 32 * 32768 * 61 * 576 * 2
    assert best.notes[0] == "tp 8 copies caches: does not fit; `--tp 1 --ep 8` is taken: fits"
    (row,) = rank(candidate, [device], demand, is_engine_given=True)
    assert [(cell.scheme, cell.count) for cell in row.cells][1] == ("fp8", 8)


def test_the_usual_plan_is_kept_where_another_is_no_better() -> None:
    """64 x 131,072 tokens of Llama 70B (2,560 GiB) are too much for sixteen cards of 24 GB, under whatever plan."""
    device, count = device_named("l4:16", devices())
    candidate = _candidate(LLAMA_70B)
    demand = Demand(engine_named("vllm"), 131072, 64)
    loads = [load(candidate, plan, demand) for plan in plans_of(candidate.structure, count)]
    assert len(loads) == 2
    best = best_of(loads, device, demand, "bf16")
    assert (best.verdict, best.load.plan) == ("does not fit", Plan(tp=16))


QWEN3_235B: dict[str, Any] = {
    "model_type": "qwen3_moe", "hidden_size": 4096, "num_hidden_layers": 94, "num_attention_heads": 64,
    "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 12288, "moe_intermediate_size": 1536,
    "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151936, "tie_word_embeddings": False,
    "decoder_sparse_step": 1, "mlp_only_layers": [], "attention_bias": False,
}  # fmt: skip


def test_quantized_blocks_are_not_cut() -> None:
    """Qwen's card: Qwen3-235B-A22B-FP8 fails in vLLM at tp 8 (1536 / 8 = 192, blocks of 128), runs with tp 4 or ep."""
    candidate = _candidate(QWEN3_235B, "fp8")
    demand = Demand(engine_named("vllm"), 8192)
    with pytest.raises(Refused, match="1536 over 8 devices is 192, which cuts quantized blocks of 128"):
        load(candidate, Plan(tp=8), demand)
    assert loads_of(candidate, 4, demand)[0].plan == Plan(tp=4)
    usual = loads_of(candidate, 8, demand)[0]
    assert usual.plan == Plan(tp=8, ep=8)
    assert usual.notes[0].endswith("`--tp 8 --ep 8` stands in its place")
    assert loads_of(_candidate(QWEN3_235B), 8, demand)[0].plan == Plan(tp=8)


def test_groups_of_four_bits_are_not_counted_in_sixteen_where_a_plan_would_cut_them() -> None:
    """Qwen3-30B in AWQ: 768 / 4 = 192 is no multiple of 128; a quarter of the weights, not of 16 bits, is on each."""
    config = {**QWEN3_235B, "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32,
              "intermediate_size": 6144, "moe_intermediate_size": 768}  # fmt: skip
    candidate = _candidate(config, "awq-4")
    demand = Demand(engine_named("vllm"), 8192)
    (whole,), quarter = loads_of(candidate, 1, demand), loads_of(candidate, 4, demand)[0]
    assert quarter.plan == Plan(tp=4, ep=4)
    assert quarter.weights.low == pytest.approx(whole.weights.low / 4, rel=0.01)


def test_dense_blocks_that_cannot_be_cut_leave_fewer_devices_a_group() -> None:
    """A width of 1152 is nine blocks of 128: three devices can share it, eight take stages or one device alone."""
    candidate = _candidate({**LLAMA_70B, "intermediate_size": 9 * 128}, "fp8")
    demand = Demand(engine_named("vllm"), 8192)
    assert loads_of(candidate, 8, demand)[0].plan == Plan(tp=1, pp=8)
    assert loads_of(_candidate(LLAMA_70B, "mxfp4"), 8, demand)[0].plan == Plan(tp=8)


def test_ranking_finds_the_fewest_devices() -> None:
    """Llama 70B: 141 GB in 16 bits need four 80 GB devices, 8 bits two, 4 bits one; one H200 holds 8 bits."""
    known = [device_named(name, devices())[0] for name in ("h100-sxm", "h200-sxm", "br166")]
    demand = Demand(engine_named("vllm"), 8192)
    rows = rank(_candidate(LLAMA_70B), known, demand, is_engine_given=False)
    found = {row.device.id: [cell.count for cell in row.cells] for row in rows}
    assert found["h100-sxm"] == [4, 2, 1]
    assert found["h200-sxm"] == [2, 1, 1]
    assert found["biren-br166"] == [None, None, None]
    best = rows[1].best
    assert best is not None
    assert (best.scheme, best.count) == ("fp8", 1)


def test_computers_of_their_own_are_not_joined() -> None:
    """A Mac counts once: layers are not spread over several; its usual engine is llama.cpp."""
    mac = device_named("apple-m3-max", devices())[0]
    assert usual_engine(mac) == "llama.cpp"
    (row,) = rank(_candidate(LLAMA_70B), [mac], Demand(engine_named("vllm"), 8192), is_engine_given=False)
    assert [(cell.scheme, cell.count) for cell in row.cells] == [("bf16", None), ("q8_0", 1), ("q4_k_m", 1)]


def test_every_device_that_ships_is_ranked() -> None:
    """Sixty rows, none of which raises."""
    unique: dict[str, Device] = {device.id: device for device in devices().values()}
    rows = rank(_candidate(QWEN3_32B), unique.values(), Demand(engine_named("vllm"), 8192), is_engine_given=False)
    assert len(rows) == len(unique) >= 60
