from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from weighbridge.core.kinds import AnatomyV2
from weighbridge.errors import DamagedFile
from weighbridge.inspection.figures.inspect import inspect_anatomy
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import Row, gguf_bytes

TODAY = date(2026, 11, 21)
REAL = Path.home() / ".cache" / "weighbridge-test-models"


def _anatomy(path: Path) -> AnatomyV2:
    return AnatomyV2.model_validate(inspect_anatomy(pin(path), TODAY).body)


def _said(body: AnatomyV2) -> list[str]:
    """Return the notes, then the disagreements in words."""
    return [*body.notes, *(one.message for one in body.disagreements)]


def _gguf(metadata: dict[str, Any] | None = None, rows: list[Row] | None = None) -> bytes:
    base = {
        "general.architecture": "llama", "general.file_type": 0, "llama.block_count": 2, "llama.embedding_length": 4,
        "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2, "llama.context_length": 128,
        "tokenizer.ggml.tokens": ["t"] * 8,
    }  # fmt: skip
    table = [Row("token_embd.weight", (4, 8), 0, 128), Row("blk.0.ffn_up.weight", (4, 4), 0, 64)]
    return gguf_bytes({**base, **(metadata or {})}, table if rows is None else rows)


def test_a_gguf_file_is_counted_by_hand(tmp_path: Path) -> None:
    """4 x 8 + 4 x 4 = 48 elements of 4 bytes."""
    path = tmp_path / "m.gguf"
    path.write_bytes(_gguf())
    body = _anatomy(path)
    assert (body.format, body.architecture, body.attention) == ("gguf", "llama", "GQA")
    assert (body.layers, body.hidden_size, body.heads, body.kv_heads) == (2, 4, 4, 2)
    assert (body.experts, body.experts_used, body.context_length, body.vocabulary) == (0, 0, 128, 8)
    assert (body.parameters.total, body.parameters.status) == (48, "from checkpoint")
    assert (body.weights.bytes, body.weights.bits_per_weight, body.weights.tensors) == (192, 32.0, 2)
    assert (body.weights.dtypes, body.weights.quantization) == ({"F32": 48}, "F32")
    assert body.chat_template is False
    assert _said(body) == []


def test_parts_of_a_split_gguf_are_summed(tmp_path: Path) -> None:
    """The first part carries the metadata; with one part absent no total is known."""
    first, second = (tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2))
    first.write_bytes(_gguf({"split.tensors.count": 3}))
    second.write_bytes(gguf_bytes({"split.no": 1}, [Row("blk.1.ffn_up.weight", (4, 4), 0, 64)]))
    body = _anatomy(tmp_path)
    assert (body.parameters.stored, body.weights.tensors, body.layers, _said(body)) == (64, 3, 2, [])
    second.unlink()
    assert _anatomy(tmp_path).parameters.stored is None
    assert _anatomy(first).parameters.stored is None


def test_several_models_in_a_folder_have_no_common_size(tmp_path: Path) -> None:
    """A repository of quantizations holds one model many times; a projector beside one model is left out."""
    (tmp_path / "q4.gguf").write_bytes(_gguf())
    (tmp_path / "mmproj.gguf").write_bytes(_gguf({"general.architecture": "clip"}))
    assert _anatomy(tmp_path).parameters.stored == 48
    (tmp_path / "q8.gguf").write_bytes(_gguf())
    body = _anatomy(tmp_path)
    assert (body.format, body.parameters.stored) == ("gguf", None)
    assert any(note.startswith("the folder holds 2 models, so no total is its own") for note in _said(body))


def test_a_mixture_of_experts_says_so(tmp_path: Path) -> None:
    """Experts are declared, or seen in the table; then 0 is never claimed."""
    path = tmp_path / "m.gguf"
    path.write_bytes(_gguf({"llama.expert_count": 8, "llama.expert_used_count": 2}))
    assert (_anatomy(path).experts, _anatomy(path).experts_used) == (8, 2)
    path.write_bytes(_gguf({}, [Row("blk.0.ffn_up_exps.weight", (4, 4), 0, 64)]))
    assert _anatomy(path).experts is None


def test_a_lone_gguf_without_a_readable_header_is_an_error(tmp_path: Path) -> None:
    """There is nothing else to inspect."""
    path = tmp_path / "m.gguf"
    path.write_bytes(b"<!doctype html>")
    with pytest.raises(DamagedFile, match="is not a GGUF file: it starts with `<!do`"):
        inspect_anatomy(pin(path), TODAY)


@pytest.mark.parametrize(
    ("name", "parameters", "bits", "declared", "words"),
    [
        ("smollm2-135m", 134_515_008, 5.74, "GQA Q4_1", ""),
        ("gemma-3-270m", 268_098_176, 7.36, "MQA Q4_K_M", "is labelled Q4_K_M, but 9% of its elements are Q4_K"),
        ("qwen2.5-coder-0.5b", 630_167_424, 6.16, "GQA Q4_K_M", "counts it once: 494,032,768"),
        ("qwen2.5-coder-1.5b", 1_777_088_000, 5.00, "GQA Q4_K_M", "counts it once: 1,543,714,304"),
        ("r1-distill-qwen-7b", 7_615_616_512, 4.91, "GQA Q4_K_M", "ends at byte 199229440, but tensor"),
    ],
)
def test_real_models_have_their_published_size(
    name: str, parameters: int, bits: float, declared: str, words: str
) -> None:
    """Totals of the reference classes in transformers 5.23 and bits of gguf-py; a truncated file keeps its anatomy."""
    path = REAL / f"{name}.gguf"
    if not path.is_file():
        pytest.skip(f"{path} is absent: fetch_models.py gets it")
    body = _anatomy(path)
    assert body.parameters.stored == parameters
    assert body.weights.bits_per_weight == pytest.approx(bits, abs=0.005)
    assert f"{body.attention} {body.weights.quantization}" == declared
    assert not words or any(words in note for note in _said(body))
