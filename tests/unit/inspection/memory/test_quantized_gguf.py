"""Estimated GGUF sizes against real files and llama.cpp's own table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weighbridge.formats.gguf import read_gguf
from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.memory.scheme import SCHEMES

REAL = Path.home() / ".cache" / "weighbridge-test-models"


def _config(kind: str, hidden: int, ffn: int, layers: int, heads: tuple[int, int], tokens: int) -> dict[str, Any]:
    return {
        "model_type": kind, "hidden_size": hidden, "intermediate_size": ffn, "num_hidden_layers": layers,
        "num_attention_heads": heads[0], "num_key_value_heads": heads[1], "vocab_size": tokens,
        # the Qwen files store an output tensor of their own, though the models are tied
        "tie_word_embeddings": kind == "gemma3_text" or tokens == 49152,
    }  # fmt: skip


_LLAMA_8B = _config("llama", 4096, 14336, 32, (32, 8), 128256)
_GEMMA = {"head_dim": 256, "sliding_window": 512, "sliding_window_pattern": 6}


@pytest.mark.parametrize(
    ("file_type", "bits"),
    [
        ("q8_0", 8.5008), ("q6_k", 6.5633), ("q5_k_m", 5.7036), ("q5_k_s", 5.5704), ("q4_k_m", 4.8944),
        ("q4_k_s", 4.6672), ("iq4_nl", 4.6818), ("iq4_xs", 4.4597), ("q3_k_l", 4.2979), ("q3_k_s", 3.6429),
        ("q2_k", 3.1593),
    ],
)  # fmt: skip
def test_llama_3_1_8b_takes_the_bits_that_llama_cpp_states(file_type: str, bits: float) -> None:
    """Truth: the table in llama.cpp's tools/quantize/README.md for meta-llama/Llama-3.1-8B."""
    structure = structure_of(_LLAMA_8B)
    assert isinstance(structure, Structure)
    sized = weight_bytes(structure, SCHEMES[file_type])
    assert round(sized.bits_per_weight, 4) == bits
    assert sized.status == "estimated"


@pytest.mark.parametrize(("layers", "experts", "gib"), [(24, 32, 11.27), (36, 128, 59.02)])
def test_gpt_oss_in_mxfp4_is_as_large_as_llama_bench_prints(layers: int, experts: int, gib: float) -> None:
    """Truth: llama-bench's size column in llama.cpp's guide to gpt-oss (discussion 15396): 11.27 and 59.02 GiB."""
    structure = structure_of({
        "model_type": "gpt_oss", "attention_bias": True, "head_dim": 64, "hidden_size": 2880, "num_attention_heads": 64,
        "intermediate_size": 2880, "num_experts_per_tok": 4, "num_hidden_layers": layers, "num_key_value_heads": 8,
        "num_local_experts": experts, "sliding_window": 128, "tie_word_embeddings": False, "vocab_size": 201088,
    })  # fmt: skip
    assert isinstance(structure, Structure), structure
    assert round(weight_bytes(structure, SCHEMES["mxfp4_moe"]).n_bytes / 2**30, 2) == gib


@pytest.mark.parametrize(
    ("name", "config", "file_type"),
    [
        ("qwen2.5-coder-0.5b", _config("qwen2", 896, 4864, 24, (14, 2), 151936), "q4_k_m"),
        ("qwen2.5-coder-1.5b", _config("qwen2", 1536, 8960, 28, (12, 2), 151936), "q4_k_m"),
        ("r1-distill-qwen-7b", _config("qwen2", 3584, 18944, 28, (28, 4), 152064), "q4_k_m"),
        ("gemma-3-270m", {**_config("gemma3_text", 640, 2048, 18, (4, 1), 262144), **_GEMMA}, "q4_k_m"),
        ("smollm2-135m", _config("llama", 576, 1536, 30, (9, 3), 49152), "q4_1"),
    ],
)
def test_a_real_file_holds_as_many_bytes_as_are_estimated(name: str, config: dict[str, Any], file_type: str) -> None:
    """To the byte: fallback types for narrow rows, the richer layers, tied and separate outputs, F32 norms."""
    path = REAL / f"{name}.gguf"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    structure = structure_of(config)
    assert isinstance(structure, Structure), structure
    real = sum(tensor.n_bytes or 0 for tensor in read_gguf(path).tensors)
    assert weight_bytes(structure, SCHEMES[file_type]).n_bytes == real
