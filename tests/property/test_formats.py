from __future__ import annotations

import json
import os
import struct
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weighbridge.core.kinds import KINDS
from weighbridge.errors import DamagedFile
from weighbridge.formats.card import parse_front_matter, read_front_matter
from weighbridge.formats.config import read_config, read_index
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.safetensors import read_header
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import Row, gguf_bytes, safetensors_bytes, safetensors_raw

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTHS = {"F32": 4, "BF16": 2, "I64": 8, "F8_E4M3": 1}
GGUF_TYPES = {0: (1, 4), 2: (32, 18), 12: (256, 144), 30: (1, 2)}  # number: elements and bytes of a block
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
SHAPES = st.lists(st.integers(0, 9), max_size=3)
SOUND_GGUF = gguf_bytes(
    {"general.architecture": "llama", "llama.block_count": 2, "a": [1, 2], "t": ["x", "y"], "b": True, "f": 1.0},
    [Row("token_embd.weight", (32, 2), 2, 36), Row("output.weight", (4,), 0, 16)],
)
SOUND_SAFETENSORS = safetensors_bytes({"a": ("F32", [2, 2], 16), "b": ("BF16", [3], 6)}, {"format": "pt"})
SOUND_CARD = b"---\nlicense: mit\nbase_model:\n- a/b\nlanguage: [no, en]\ntext: |\n  x\n---\n# Title\n"
SOUND_CONFIG = b'{"model_type": "llama", "hidden_size": 4, "text_config": {"vocab_size": [1, 2.5e3, "\\ud83d\\ude00"]}}'
SOUND_INDEX = b'{"metadata": {"total_size": 8}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}'
READERS: list[tuple[Callable[[Path], Any], str, bytes]] = [
    (read_gguf, "m.gguf", SOUND_GGUF),
    (read_header, "model.safetensors", SOUND_SAFETENSORS),
    (read_front_matter, "README.md", SOUND_CARD),
    (read_config, "config.json", SOUND_CONFIG),
    (read_index, "model.safetensors.index.json", SOUND_INDEX),
]


@st.composite
def mutations(draw: st.DrawFn, sound: bytes) -> bytes:
    """Return a sound file with a few bytes replaced, cut out, put in, or its end cut off."""
    data = bytearray(sound)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 9))
        data[at : at + length] = draw(st.binary(max_size=9))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


def _run(read: Callable[[Path], Any], data: bytes) -> Any:
    """Write bytes to a file and read them with one reader."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        return read(path)


@pytest.mark.parametrize(("read", "name", "sound"), READERS)
@given(data=st.data())
@settings(deadline=None)
def test_bytes_parse_or_are_damaged(read: Callable[[Path], Any], name: str, sound: bytes, data: st.DataObject) -> None:
    """A mutated file, or noise, gives a value or DamagedFile: no other exception leaves the room."""
    assert _run(read, sound) is not None
    noise = st.binary(max_size=200)
    hostile = data.draw(mutations(sound) | noise | noise.map(lambda tail: sound[:24] + tail), label=name)
    with suppress(DamagedFile):
        _run(read, hostile)


@given(data=st.data())
@settings(deadline=None)
def test_a_hostile_folder_is_inspected_to_the_end(data: st.DataObject) -> None:
    """Whatever the files of a folder hold, there are three statements with bodies of their kinds and an id."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "notes.txt").write_text("x")
        for _, name, sound in READERS:
            if data.draw(st.booleans(), label=name):
                (root / name).write_bytes(data.draw(mutations(sound) | st.just(sound), label=name))
        statements = inspect_artefact(pin(root), date(2026, 11, 21))
    assert {"files/v1", "anatomy/v2", "card/v1", "safety/v1"} <= {statement.kind for statement in statements}
    for statement in statements:
        KINDS[statement.kind].model_validate(statement.body)
        assert statement.id.startswith("sha256:")


def _elements(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from(sorted(WIDTHS)), SHAPES), max_size=6))
@settings(deadline=None)
@example({"__metadata__x": ("F32", [])})
def test_safetensors_come_back_as_written(tensors: dict[str, tuple[str, list[int]]]) -> None:
    """Names, types, shapes and byte counts survive the round trip, whatever the names."""
    tensors.pop("__metadata__", None)
    table = {name: (dtype, shape, _elements(shape) * WIDTHS[dtype]) for name, (dtype, shape) in tensors.items()}
    header = _run(read_header, safetensors_bytes(table))
    assert {t.name: (t.dtype, list(t.shape), t.n_bytes) for t in header.tensors} == table
    assert header.damage == ()


METADATA = st.dictionaries(
    NAMES.filter(lambda key: key != "general.alignment"),
    st.booleans() | st.integers(0, 2**32 - 1) | st.text(st.characters(codec="utf-8"), max_size=50)
    | st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5) | st.lists(NAMES, min_size=1, max_size=5),
    max_size=6,
)  # fmt: skip
TABLE = st.dictionaries(
    NAMES, st.tuples(st.sampled_from(sorted(GGUF_TYPES)), st.integers(0, 3), st.integers(0, 3)), max_size=6
)


@given(METADATA, TABLE, st.sampled_from([2, 3]))
@settings(deadline=None)
@example({"\0": False, "tokenizer.chat_template": "{{ x }}"}, {}, 3)  # a key that once hid all that follows it
def test_gguf_comes_back_as_written(
    metadata: dict[str, Any], table: dict[str, tuple[int, int, int]], version: int
) -> None:
    """Metadata, shapes and byte counts survive the round trip; one byte less and the file is damaged, not misread."""
    rows = []
    for name, (number, blocks, lines) in table.items():
        elements, n_bytes = GGUF_TYPES[number]
        rows.append(Row(name, (blocks * elements, lines), number, blocks * lines * n_bytes))
    header = _run(read_gguf, gguf_bytes(metadata, rows, version=version))
    expected = {key: tuple(value) if isinstance(value, list) else value for key, value in metadata.items()}
    assert header.metadata == expected
    assert [(t.name, t.shape, t.n_bytes) for t in header.tensors] == [(r.name, r.shape, r.n_bytes) for r in rows]
    assert header.damage == ()


@given(st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_no_claimed_length_is_believed(length: int) -> None:
    """Any 8 bytes in the place of a length or a count end in time, with an error or a sound reading."""
    with suppress(DamagedFile):
        _run(read_header, safetensors_raw(b"{}", length=length))
    for at in (8, 16, 24):
        hostile = bytearray(SOUND_GGUF)
        hostile[at : at + 8] = struct.pack("<Q", length)
        with suppress(DamagedFile):
            _run(read_gguf, bytes(hostile))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
)  # fmt: skip


@given(JSON)
def test_json_reads_what_json_wrote(value: Any) -> None:
    """Strict does not mean different: sound JSON reads as Python's own parser reads it."""
    assert parse_json(json.dumps(value).encode(), "x", max_bytes=1 << 20) == value


@given(st.dictionaries(NAMES, NAMES | st.lists(NAMES, max_size=3), min_size=1, max_size=5))
def test_yaml_reads_json(value: dict[str, Any]) -> None:
    """JSON with quoted texts is YAML 1.2, and quoted texts stay texts, whatever they look like."""
    assert parse_front_matter(json.dumps(value), "x") == value


def test_a_fifo_does_not_hold_a_reader(tmp_path: Path) -> None:
    """A named pipe in the place of any file is an error at once."""
    os.mkfifo(tmp_path / "file")
    for read, _, _ in READERS:
        with pytest.raises(DamagedFile, match="is not a regular file"):
            read(tmp_path / "file")
