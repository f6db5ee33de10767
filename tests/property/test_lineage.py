"""Lineage over hostile files: whatever the bytes say, a verdict or a note, never an exception."""

from __future__ import annotations

import struct
import tempfile
from datetime import date
from pathlib import Path
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.kinds.lineage import LineageV1, Origin
from weighbridge.inspection.lineage.inspect import inspect_lineage
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import Row, gguf_bytes

TODAY = date(2026, 11, 22)
ROW = struct.pack("<64f", *(float(at % 7 - 3) for at in range(64)))
SOUND = gguf_bytes(
    {"general.architecture": "llama", "general.name": "Llama 2 AWQ", "tokenizer.ggml.tokens": ["a", "b"]},
    [Row("blk.0.ffn_up.weight", (64, 4), 0, 1024), Row("token_embd.weight", (64, 4), 0, 1024)],
    data=ROW * 8,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 64))
def test_changed_bytes_end_in_a_verdict(changes: list[tuple[int, int]], cut: int) -> None:
    """Flipped and missing bytes of a GGUF file beside a sound base."""
    data = bytearray(SOUND)
    for at, value in changes:
        data[at] = value
    with tempfile.TemporaryDirectory() as folder:
        own, base = Path(folder) / "own.gguf", Path(folder) / "base.gguf"
        own.write_bytes(data[: len(data) - cut])
        base.write_bytes(SOUND)
        body = LineageV1.model_validate(inspect_lineage(pin(own), TODAY, pin(base)).body)
    assert body.compared is not None
    assert body.compared.verdict in get_args(Origin)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.binary(max_size=200))
def test_any_declaration_is_read_or_noted(card: str, path: str, recipe: bytes) -> None:
    """Cards, configs and recipes of any content."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "README.md").write_bytes(f"---\nbase_model: {card}\n---\n".encode("utf-8", "replace"))
        (folder / "config.json").write_bytes(('{"_name_or_path": "' + path + '"}').encode("utf-8", "replace"))
        (folder / "mergekit_config.yml").write_bytes(b"models:\n- model: " + recipe)
        LineageV1.model_validate(inspect_lineage(pin(folder), TODAY).body)
