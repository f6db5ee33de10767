from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import DamagedFile
from weighbridge.formats.gguf import Omitted, read_gguf
from weighbridge.formats.gguf_types import TENSOR_TYPES
from weighbridge.testing.tiny_weights import Row, gguf_array, gguf_bytes, gguf_text

if TYPE_CHECKING:
    from pathlib import Path

HUGE = 2**62


def _write(folder: Path, data: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(data)
    return path


def _refused(folder: Path, data: bytes) -> str:
    path = _write(folder, data)
    with pytest.raises(DamagedFile) as caught:
        read_gguf(path)
    assert str(path) in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("version", [2, 3])
def test_metadata_and_table_are_read(tmp_path: Path, version: int) -> None:
    """Every kind of value, and a tensor of each of two types, come back as written."""
    metadata = {
        "general.architecture": "llama",
        "llama.block_count": 30,
        "f": 0.5,
        "b": True,
        "heads": [4, 4, 2],
        "general.tags": ["a", "b"],
        "i64": struct.pack("<Iq", 11, -5),
        "tokenizer.ggml.tokens": [str(number) for number in range(5000)],
        "tokenizer.ggml.scores": gguf_array(6, [b"\0" * 4] * 5000),
        "nested": gguf_array(9, [struct.pack("<IQI", 4, 1, 7)] * 3),
        "chat": "{{ x }}",
    }
    rows = [Row("a", (32, 2), 0, 256), Row("b", (256,), 12, 144)]
    header = read_gguf(_write(tmp_path, gguf_bytes(metadata, rows, version=version)))
    assert header.version == version
    assert header.metadata == {
        "general.architecture": "llama",
        "llama.block_count": 30,
        "f": 0.5,
        "b": True,
        "heads": (4, 4, 2),
        "general.tags": ("a", "b"),
        "i64": -5,
        "tokenizer.ggml.tokens": Omitted(5000),
        "tokenizer.ggml.scores": Omitted(5000),
        "nested": Omitted(3),
        "chat": "{{ x }}",
    }
    assert [(t.name, t.dtype, t.shape, t.elements, t.n_bytes, t.offset) for t in header.tensors] == [
        ("a", "F32", (32, 2), 64, 256, 0),
        ("b", "Q4_K", (256,), 256, 144, 256),
    ]
    assert header.damage == ()


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("Q2_K", 2.625), ("Q3_K", 3.4375), ("Q4_0", 4.5), ("Q4_K", 4.5), ("IQ4_NL", 4.5), ("Q4_1", 5.0),
        ("IQ4_XS", 4.25), ("Q5_0", 5.5), ("Q5_K", 5.5), ("Q6_K", 6.5625), ("Q8_0", 8.5), ("MXFP4", 4.25),
        ("NVFP4", 4.5), ("BF16", 16), ("IQ1_S", 1.5625), ("IQ2_XXS", 2.0625), ("IQ1_M", 1.75), ("TQ1_0", 1.6875),
    ],
)  # fmt: skip
def test_block_sizes_give_the_published_bits_per_weight(name: str, bits: float) -> None:
    """The figures that llama.cpp's documentation and logs print for each type."""
    elements, n_bytes = next((block, size) for known, block, size in TENSOR_TYPES.values() if known == name)
    assert 8 * n_bytes / elements == bits


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends at byte 0, inside the magic"),
        (b"PK\3\4" + b"\0" * 40, "is not a GGUF file: it starts with `PK"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "is a big-endian GGUF file"),
        (gguf_bytes(version=1), "is GGUF version 1 at byte 4; versions 2 and 3 can be read"),
        (gguf_bytes(version=4), "is GGUF version 4"),
        (b"GGUF" + struct.pack("<IQQ", 3, HUGE, 0), f"gives {HUGE} as the number of tensors at byte 8"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, HUGE), f"gives {HUGE} as the number of metadata keys at byte 16"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1), "inside metadata key 0 at byte 24"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, HUGE), f"gives metadata key 0 a length of {HUGE} bytes at byte 24"),
        (gguf_bytes([("a", 1), ("a", 2)]), "holds the key `a` twice, again at byte 41"),
        (gguf_bytes({"a": struct.pack("<I", 99)}), "gives the value of `a` the unknown type 99"),
        (gguf_bytes({"a": struct.pack("<IB", 7, 2)}), "gives the value of `a` the truth value 2"),
        (gguf_bytes({"a": struct.pack("<IQ", 8, HUGE)}), "inside the value of `a`"),
        (gguf_bytes({"a": struct.pack("<IQ", 8, 2) + b"\xff\xff"}), "is not UTF-8 in the value of `a` at byte 45"),
        (gguf_bytes({"a": struct.pack("<IIQ", 9, 4, HUGE)}), f"gives {HUGE} as the length of the value of `a`"),
        (gguf_bytes({"a": struct.pack("<IIQ", 9, 4, 10_000_000)}), "inside the value of `a`"),
        (gguf_bytes({"a": struct.pack("<IIQ", 9, 8, 10_000)}), "inside the value of `a`"),
        (gguf_bytes({"a": struct.pack("<IIQQ", 9, 8, 10_000, HUGE)}), "inside the value of `a`"),
        (gguf_bytes({"a": gguf_array(13, [])}), "an array of unknown type 13"),
        (gguf_bytes({"a": struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 9}), "an array of unknown type 9"),
        (gguf_bytes({"general.alignment": 0}), "gives `general.alignment` as `0`, which is no power of two"),
        (gguf_bytes({"general.alignment": 48}), "no power of two"),
        (gguf_bytes({"general.alignment": "x"}), "no power of two"),
        (gguf_bytes({}, [Row("a", (1,) * 5)]), "gives the tensor `a` 5 dimensions"),
        (gguf_bytes({}, [Row("a", (2**32, 2**32))]), "a shape of more than 2**53 elements"),
        (gguf_bytes({}, [Row("a", (33,), 2, 18)]), "no whole blocks of Q4_0"),
        (gguf_bytes({}, [Row("a", (1,), 0, 4), Row("a", (1,), 0, 4)]), "holds the tensor `a` twice"),
        (gguf_bytes({}, [Row("a", (32,), 0, 128), Row("b", (1,), 0, 4, 64)]), "`a` and `b` overlap at data byte 64"),
        (gguf_bytes({}, [Row("a", (1,), 0, 4, 1)]), "at data byte 1, no multiple of 32"),
        (gguf_bytes({}, [Row("x" * 300, (1,), 0, 4)]), "a length of 300 bytes"),
    ],
)
def test_a_damaged_header_is_refused_with_its_place(tmp_path: Path, data: bytes, message: str) -> None:
    """Absurd counts and lengths, doubles and contradictions: one sentence that says what and where."""
    assert message in _refused(tmp_path, data)


def test_a_flood_of_texts_ends_in_time(tmp_path: Path) -> None:
    """Nine million empty texts take 72 MB of file and would take seconds and more; the budget ends it."""
    array = struct.pack("<IIQ", 9, 8, 5_000_000) + gguf_text("") * 5_000_000
    message = _refused(tmp_path, gguf_bytes([("a", array), ("b", array)]))
    assert "holds more than 8000000 texts and arrays, at the value of `b`" in message


def test_a_long_text_is_passed_over(tmp_path: Path) -> None:
    """A tokenizer stored whole in one text is not kept, and does not stop the reading."""
    data = gguf_bytes({"tokenizer.huggingface.json": "x" * (3 << 20), "general.name": "n"})
    header = read_gguf(_write(tmp_path, data))
    assert header.metadata == {"tokenizer.huggingface.json": Omitted(3 << 20), "general.name": "n"}


def test_a_type_of_the_future_has_unknown_bytes(tmp_path: Path) -> None:
    """Elements are still counted; bytes are not guessed."""
    (tensor,) = read_gguf(_write(tmp_path, gguf_bytes({}, [Row("a", (7,), 999, 32)]))).tensors
    assert (tensor.dtype, tensor.elements, tensor.n_bytes) == ("type 999", 7, None)


def test_a_truncated_file_keeps_its_header(tmp_path: Path) -> None:
    """The damage names the first tensor that suffers, the byte it needs, and how many suffer."""
    rows = [Row("a", (8,), 0, 32), Row("b", (8,), 0, 32), Row("c", (8,), 0, 32)]
    data = gguf_bytes({"general.architecture": "llama"}, rows)
    header = read_gguf(_write(tmp_path, data[:-40]))
    assert [tensor.name for tensor in header.tensors] == ["a", "b", "c"]
    assert header.damage == (
        (
            f"ends at byte {len(data) - 40}, but tensor `b` needs bytes up to {len(data) - 32}; "
            "2 of 3 tensors are cut or missing"
        ),
    )


@pytest.mark.parametrize("alignment", [8, 64, 4096])
def test_the_declared_alignment_places_the_data(tmp_path: Path, alignment: int) -> None:
    """Data start at the next multiple of `general.alignment`; one byte less and the file is cut."""
    data = gguf_bytes(
        {"general.alignment": alignment}, [Row("a", (alignment // 4,), 0, alignment)], alignment=alignment
    )
    assert read_gguf(_write(tmp_path, data)).damage == ()
    assert read_gguf(_write(tmp_path, data[:-1])).damage


def test_padding_after_the_last_tensor_may_be_absent(tmp_path: Path) -> None:
    """Some writers do not pad the end of the file."""
    data = gguf_bytes({}, [Row("a", (1,), 0, 4)])
    assert read_gguf(_write(tmp_path, data[:-28])).damage == ()


@pytest.mark.parametrize("value", [[1] * 1025, ["x"] * 1025])
def test_a_long_array_is_counted_not_kept(tmp_path: Path, value: list[Any]) -> None:
    """A vocabulary is known by its length."""
    assert read_gguf(_write(tmp_path, gguf_bytes({"a": value}))).metadata == {"a": Omitted(1025)}
