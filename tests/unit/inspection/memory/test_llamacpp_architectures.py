"""What llama.cpp itself logs that it allocates by architecture, against what is computed from the file alone."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.formats.gguf import read_gguf
from weighbridge.inspection.anatomy.from_gguf import structure_of_gguf
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.llamacpp import Buffers, Settings, buffers
from weighbridge.testing.llamacpp_log import Log, log_of
from weighbridge.testing.tiny_weights import Row, gguf_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="the embedded engine is not installed"),
]

MIB = 1 << 20
ROUNDING = 0.0051  # the log has two decimals of a MiB


def _agree(path: Path, settings: Settings) -> tuple[Log, Buffers]:
    """Compare every buffer of a context; the compute buffer lies within its span."""
    log = log_of(
        path, context=settings.context, sequences=settings.sequences, micro_batch=settings.micro_batch,
        cache_type=settings.cache_type.replace("fp16", "f16"),
    )  # fmt: skip
    header = read_gguf(path)
    structure = structure_of_gguf(header.metadata, header.tensors)
    assert isinstance(structure, Structure), structure
    computed = buffers(structure, settings)
    assert log.compute, log.text[-2000:]
    assert computed.cache / MIB == pytest.approx(log.cache, abs=2 * ROUNDING)  # a base and a sliding cache
    assert computed.state / MIB == pytest.approx(log.state, abs=ROUNDING)
    assert computed.output / MIB == pytest.approx(log.output, abs=ROUNDING)
    assert computed.compute.low / MIB <= log.compute + ROUNDING
    assert computed.compute.high / MIB >= log.compute - ROUNDING
    return log, computed


# what follows are files of zeros, whose metadata and tables llama.cpp accepts
H, N, K, D, FF, V, L = 256, 4, 2, 64, 768, 512, 8


def _row(name: str, *shape: int) -> Row:
    elements = 1
    for size in shape:
        elements *= size
    return Row(name, shape, 0, 4 * elements)


def _metadata(architecture: str, more: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {
        "block_count": L, "context_length": 32768, "embedding_length": H, "feed_forward_length": FF,
        "attention.head_count": N, "attention.head_count_kv": K, "attention.key_length": D,
        "attention.value_length": D, "rope.dimension_count": D, "attention.layer_norm_rms_epsilon": 1e-6,
        "attention.layer_norm_epsilon": 1e-6, "vocab_size": V, **more,
    }  # fmt: skip
    return {
        "general.architecture": architecture, "tokenizer.ggml.model": "none",
        **{f"{architecture}.{key}": value for key, value in own.items() if value is not None},
    }  # fmt: skip


def _attention(number: int, heads: int = K) -> list[Row]:
    place = f"blk.{number}."
    return [
        _row(f"{place}attn_norm.weight", H), _row(f"{place}attn_q.weight", H, N * D),
        _row(f"{place}attn_k.weight", H, heads * D), _row(f"{place}attn_v.weight", H, heads * D),
        _row(f"{place}attn_output.weight", N * D, H),
    ]  # fmt: skip


def _ffn(number: int) -> list[Row]:
    place = f"blk.{number}."
    return [
        _row(f"{place}ffn_norm.weight", H), _row(f"{place}ffn_gate.weight", H, FF),
        _row(f"{place}ffn_up.weight", H, FF), _row(f"{place}ffn_down.weight", FF, H),
    ]  # fmt: skip


def _experts(number: int, count: int = 8, width: int = 64) -> list[Row]:
    place = f"blk.{number}."
    return [
        _row(f"{place}ffn_norm.weight", H), _row(f"{place}ffn_gate_inp.weight", H, count),
        _row(f"{place}ffn_gate_exps.weight", H, width, count), _row(f"{place}ffn_up_exps.weight", H, width, count),
        _row(f"{place}ffn_down_exps.weight", width, H, count),
    ]  # fmt: skip


def _norms(number: int, *names: str, size: int = H) -> list[Row]:
    return [_row(f"blk.{number}.{name}.weight", size) for name in names]


def _write(folder: Path, metadata: dict[str, Any], blocks: Iterable[Row], *, head: bool = True) -> Path:
    outside = [_row("token_embd.weight", H, V), _row("output_norm.weight", H)]
    path = folder / "tiny.gguf"
    path.write_bytes(gguf_bytes(metadata, [*outside, *([_row("output.weight", H, V)] if head else []), *blocks]))
    return path


WINDOW = {"attention.sliding_window": 1024}
EXPERTS = {"expert_count": 8, "expert_used_count": 2, "expert_feed_forward_length": 64}
SANDWICH = ("post_attention_norm", "post_ffw_norm")


def _dense(architecture: str, *, layers: int = L) -> list[Row]:
    """Return the blocks of a dense architecture, each with the norms that llama.cpp asks for."""
    rows: list[Row] = []
    for number in range(layers):
        heads = N if architecture == "olmo2" else K
        found = [*_attention(number, heads), *_ffn(number)]
        if architecture in {"gemma2", "gemma3", "olmo2", "exaone4"}:
            found += _norms(number, *SANDWICH)
        if architecture in {"gemma3", "exaone4", "qwen3"}:
            found += _norms(number, "attn_q_norm", "attn_k_norm", size=D)
        if architecture == "olmo2":
            found += _norms(number, "attn_q_norm", "attn_k_norm")
        without = {"olmo2": ("attn_norm", "ffn_norm"), "exaone4": ("attn_norm", "ffn_norm"), "cohere2": ("ffn_norm",)}
        rows += [row for row in found if row.name.split(".")[2] not in without.get(architecture, ())]
    return rows


@pytest.mark.parametrize(
    ("architecture", "more", "layers"),
    [
        ("llama", {}, L), ("qwen3", {}, L), ("mistral3", {}, L), ("gemma2", WINDOW, L), ("gemma3", WINDOW, L),
        ("gemma3", {**WINDOW, "attention.sliding_window_pattern": 4}, L),
        ("cohere2", {**WINDOW, "logit_scale": 1.0}, L), ("olmo2", {**WINDOW, "attention.head_count_kv": N}, L),
        ("exaone4", WINDOW, 64), ("llama", WINDOW, L),
    ],
)  # fmt: skip
def test_dense_architectures_take_what_llama_cpp_logs(
    tmp_path: Path, architecture: str, more: dict[str, Any], layers: int
) -> None:
    """Which layers slide differs by architecture, and `llama` ignores a declared window; compute is exact."""
    tied = architecture in {"gemma2", "gemma3", "cohere2"}
    path = _write(
        tmp_path, _metadata(architecture, {**more, "block_count": layers}), _dense(architecture, layers=layers),
        head=not tied,
    )  # fmt: skip
    _, computed = _agree(path, Settings(16384, 2))
    assert computed.compute.is_exact is (architecture != "cohere2")  # its attention and feed-forward part run abreast


def test_a_mixture_with_sinks_slides_every_other_layer(tmp_path: Path) -> None:
    """gpt-oss: layers alternate, starting with a sliding one; the compute buffer lies within its span."""
    rows: list[Row] = []
    for number in range(L):
        found = [*_attention(number), *_experts(number), *_norms(number, "post_attention_norm")]
        found += [_row(f"blk.{number}.attn_{one}.bias", size) for one, size in (("q", N * D), ("k", K * D))]
        found += [_row(f"blk.{number}.attn_v.bias", K * D), _row(f"blk.{number}.attn_output.bias", H)]
        found += [_row(f"blk.{number}.attn_sinks.weight", N), _row(f"blk.{number}.ffn_gate_inp.bias", 8)]
        found += [_row(f"blk.{number}.ffn_{one}_exps.bias", 64, 8) for one in ("gate", "up")]
        found += [_row(f"blk.{number}.ffn_down_exps.bias", H, 8)]
        rows += [row for row in found if not row.name.endswith("ffn_norm.weight")]
    _agree(_write(tmp_path, _metadata("gpt-oss", {**WINDOW, **EXPERTS}), rows), Settings(16384, 4))


@pytest.mark.parametrize("is_absorbed", [True, False], ids=["absorbed", "decompressed"])
def test_latent_attention_is_kept_as_the_file_was_converted(tmp_path: Path, is_absorbed: bool) -> None:
    """Files since 2025-04 split the up-projection and keep 96 elements a layer; older ones keep every head."""
    rank, rope, nope, value = 64, 32, 32, 32
    more: dict[str, Any] = {
        **EXPERTS, "attention.kv_lora_rank": rank, "attention.q_lora_rank": 48, "rope.dimension_count": rope,
        "leading_dense_block_count": 1, "expert_shared_count": 1, "expert_weights_scale": 1.0, "expert_gating_func": 2,
        "attention.head_count_kv": 1 if is_absorbed else N,
        "attention.key_length": rank + rope if is_absorbed else nope + rope,
        "attention.value_length": rank if is_absorbed else value,
        "attention.key_length_mla": nope + rope if is_absorbed else None,
        "attention.value_length_mla": value if is_absorbed else None,
    }  # fmt: skip
    rows: list[Row] = []
    for number in range(L):
        place = f"blk.{number}."
        rows += [
            _row(f"{place}attn_norm.weight", H), _row(f"{place}attn_q_a.weight", H, 48),
            _row(f"{place}attn_q_a_norm.weight", 48), _row(f"{place}attn_q_b.weight", 48, N * (nope + rope)),
            _row(f"{place}attn_kv_a_mqa.weight", H, rank + rope), _row(f"{place}attn_kv_a_norm.weight", rank),
            _row(f"{place}attn_output.weight", N * value, H),
        ]  # fmt: skip
        if is_absorbed:
            rows += [_row(f"{place}attn_k_b.weight", nope, rank, N), _row(f"{place}attn_v_b.weight", rank, value, N)]
        else:
            rows.append(_row(f"{place}attn_kv_b.weight", rank, N * (nope + value)))
        rows += _ffn(number) if number == 0 else [*_experts(number), _row(f"{place}exp_probs_b.bias", 8)]
        if number:
            rows += [_row(f"{place}ffn_{one}_shexp.weight", H, 64) for one in ("gate", "up")]
            rows.append(_row(f"{place}ffn_down_shexp.weight", 64, H))
    _agree(_write(tmp_path, _metadata("deepseek2", more), rows), Settings(16384, 2))


def test_layers_with_a_state_keep_it_in_fp32_for_every_sequence(tmp_path: Path) -> None:
    """Qwen3-Next: three delta nets to one attention layer."""
    keys, values, width, kernel = 2, 4, 32, 4
    more = {
        **EXPERTS, "expert_shared_feed_forward_length": 64, "ssm.conv_kernel": kernel,
        "ssm.inner_size": values * width, "ssm.state_size": width, "ssm.time_step_rank": values,
        "ssm.group_count": keys, "full_attention_interval": 4,
    }  # fmt: skip
    rows: list[Row] = []
    for number in range(L):
        place, mixed = f"blk.{number}.", 2 * keys * width + values * width
        if number % 4 == 3:
            found = [row for row in _attention(number) if "attn_q." not in row.name]
            found += [_row(f"{place}attn_q.weight", H, 2 * N * D)]
            found += _norms(number, "attn_q_norm", "attn_k_norm", size=D)
        else:
            found = [
                _row(f"{place}attn_norm.weight", H), _row(f"{place}attn_qkv.weight", H, mixed),
                _row(f"{place}attn_gate.weight", H, values * width),
                _row(f"{place}ssm_conv1d.weight", kernel, mixed), _row(f"{place}ssm_dt.bias", values),
                _row(f"{place}ssm_a", values), _row(f"{place}ssm_ba.weight", H, 2 * values),
                _row(f"{place}ssm_norm.weight", width), _row(f"{place}ssm_out.weight", values * width, H),
            ]  # fmt: skip
        found += [row for row in _experts(number) if not row.name.endswith("ffn_norm.weight")]
        found += [*_norms(number, "post_attention_norm"), _row(f"{place}ffn_gate_inp_shexp.weight", H)]
        found += [_row(f"{place}ffn_{one}_shexp.weight", H, 64) for one in ("gate", "up")]
        rows += [*found, _row(f"{place}ffn_down_shexp.weight", 64, H)]
    log, _ = _agree(_write(tmp_path, _metadata("qwen3next", more), rows), Settings(16384, 4))
    assert log.state > 0


@pytest.mark.parametrize("shared", [0, 2])
def test_sliding_layers_have_widths_of_their_own(tmp_path: Path, shared: int) -> None:
    """Gemma 4: narrower keys where a layer slides, and last layers that read the cache of others."""
    slides = [1, 1, 1, 1, 1, 0, 1, 0]
    more = {
        **WINDOW, "attention.sliding_window_pattern": slides, "attention.key_length_swa": 32,
        "attention.value_length_swa": 32, "rope.dimension_count_swa": 32, "attention.shared_kv_layers": shared,
        "embedding_length_per_layer_input": 0, "final_logit_softcapping": 30.0,
    }  # fmt: skip
    rows: list[Row] = []
    for number, is_sliding in enumerate(slides):
        width, place = 32 if is_sliding else D, f"blk.{number}."
        rows += [
            _row(f"{place}attn_norm.weight", H), _row(f"{place}attn_q.weight", H, N * width),
            _row(f"{place}attn_k.weight", H, K * width), _row(f"{place}attn_v.weight", H, K * width),
            _row(f"{place}attn_output.weight", N * width, H), _row(f"{place}layer_output_scale.weight", 1),
            *_norms(number, "attn_q_norm", "attn_k_norm", size=width), *_norms(number, *SANDWICH), *_ffn(number),
        ]  # fmt: skip
    freqs = _row("rope_freqs.weight", D // 2)
    _agree(_write(tmp_path, _metadata("gemma4", more), [freqs, *rows], head=False), Settings(16384, 2))


def test_llama_4_slides_in_chunks_of_8192(tmp_path: Path) -> None:
    """Three chunked layers to a full one, without a key that says so; every other layer has experts."""
    more = {**EXPERTS, "expert_used_count": 1, "interleave_moe_layer_step": 2}
    rows: list[Row] = []
    for number in range(L):
        place = f"blk.{number}."
        rows += [*_attention(number), *(_experts(number) if number % 2 else _ffn(number))]
        if number % 2:
            rows += [_row(f"{place}ffn_{one}_shexp.weight", H, 64) for one in ("gate", "up")]
            rows.append(_row(f"{place}ffn_down_shexp.weight", 64, H))
    _agree(_write(tmp_path, _metadata("llama4", more), rows), Settings(32768))


SSM = {"ssm.conv_kernel": 4, "ssm.inner_size": 512, "ssm.state_size": 32, "ssm.time_step_rank": 8}


def _mamba(number: int, groups: int) -> list[Row]:
    place, mixed = f"blk.{number}.", 512 + 2 * groups * 32
    return [
        _row(f"{place}ssm_in.weight", H, 512 + mixed + 8), _row(f"{place}ssm_conv1d.weight", 4, mixed),
        _row(f"{place}ssm_conv1d.bias", mixed), _row(f"{place}ssm_dt.bias", 8), _row(f"{place}ssm_a", 1, 8),
        _row(f"{place}ssm_d", 1, 8), _row(f"{place}ssm_norm.weight", 512 // groups, groups),
        _row(f"{place}ssm_out.weight", 512, H),
    ]  # fmt: skip


def test_a_layer_is_state_or_attention_or_neither(tmp_path: Path) -> None:
    """Nemotron-H: a pattern of Mamba, feed-forward and attention layers, told by lists."""
    pattern = "M-*MM-*-"
    more = {
        **SSM, "ssm.group_count": 2, "attention.head_count_kv": [K if one == "*" else 0 for one in pattern],
        "feed_forward_length": [FF if one == "-" else 0 for one in pattern],
    }  # fmt: skip
    rows: list[Row] = []
    for number, one in enumerate(pattern):
        place = f"blk.{number}."
        rows.append(_row(f"{place}attn_norm.weight", H))
        if one == "M":
            rows += _mamba(number, 2)
        elif one == "*":
            rows += [row for row in _attention(number) if "norm" not in row.name]
        else:
            rows += [_row(f"{place}ffn_up.weight", H, FF), _row(f"{place}ffn_down.weight", FF, H)]
    log, computed = _agree(_write(tmp_path, _metadata("nemotron_h", more), rows), Settings(16384, 2))
    assert log.state > 0
    assert not computed.compute.is_exact


def test_a_layer_may_have_both_attention_and_a_state(tmp_path: Path) -> None:
    """Falcon-H1: each layer keeps keys and values, and a state for every sequence."""
    rows: list[Row] = []
    for number in range(L):
        dense = [row for row in _ffn(number) if "norm" not in row.name]
        rows += [*_attention(number), _row(f"blk.{number}.ffn_norm", H), *dense, *_mamba(number, 1)]
    log, _ = _agree(_write(tmp_path, _metadata("falcon-h1", {**SSM, "ssm.group_count": 1}), rows), Settings(16384, 2))
    assert log.state > 0
