from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import DamagedFile
from weighbridge.formats.safetensors import BITS, MAX_HEADER_BYTES, read_header
from weighbridge.testing.tiny_weights import safetensors_bytes, safetensors_raw

if TYPE_CHECKING:
    from pathlib import Path


def _write(folder: Path, data: bytes) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    return path


def _entry(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_the_example_of_the_format_document_is_read(tmp_path: Path) -> None:
    """The README's example: an F16 tensor of shape [1, 16, 256] spans 8,192 bytes."""
    data = safetensors_bytes({"a": ("F16", [1, 16, 256], 8192), "b": ("I64", [], 8)}, {"format": "pt"})
    header = read_header(_write(tmp_path, data))
    assert [(t.name, t.dtype, t.shape, t.elements, t.n_bytes, t.offset) for t in header.tensors] == [
        ("a", "F16", (1, 16, 256), 4096, 8192, 0),
        ("b", "I64", (), 1, 8, 8192),
    ]
    assert header.metadata == {"format": "pt"}
    assert header.damage == ()


def test_types_are_those_that_safetensors_names() -> None:
    """The list in the error message of safetensors 0.8.0 for an unknown type."""
    listed = """
        BOOL F4 F6_E2M3 F6_E3M2 U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ
        I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64
    """
    assert set(BITS) == set(listed.split())


def test_types_below_a_byte_are_counted_in_bits(tmp_path: Path) -> None:
    """Two F4 elements share a byte, four F6 elements share three."""
    header = read_header(_write(tmp_path, safetensors_bytes({"a": ("F4", [6], 3), "b": ("F6_E2M3", [4], 3)})))
    assert [tensor.n_bytes for tensor in header.tensors] == [3, 3]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"a": _entry(offsets=(0, 4))}, "gives the tensor `a` 4 bytes at 0, but F32 [2] takes 8"),
        ({"a": _entry("F4", [3], (0, 2))}, "gives the tensor `a` 2 bytes at 0"),
        ({"a": _entry("F33")}, "the unknown type `F33`"),
        ({"a": _entry(["F32"])}, "the unknown type"),
        ({"a": _entry(shape=[-2])}, "a shape that is no short list of counts"),
        ({"a": _entry(shape=[2.0])}, "a shape that is no short list of counts"),
        ({"a": _entry(shape=[True, 2])}, "a shape that is no short list of counts"),
        ({"a": _entry(shape=[1] * 65)}, "a shape that is no short list of counts"),
        ({"a": _entry(shape=[2**32, 2**32])}, "a shape of more than 2**53 elements"),
        ({"a": _entry(shape=[2**63])}, "a shape of more than 2**53 elements"),
        ({"a": _entry(offsets=(8, 0))}, "not a begin and an end"),
        ({"a": _entry(offsets=(0, 8, 16))}, "not a begin and an end"),
        ({"a": {"dtype": "F32"}}, "a shape that is no short list"),
        ({"a": 1}, "describes the tensor `a` without an object"),
        ({"a": _entry(), "b": _entry(offsets=(4, 12))}, "lets the tensors `a` and `b` overlap at data byte 4"),
        ({"a": _entry(), "b": _entry()}, "overlap at data byte 0"),
        ({"a": _entry(), "b": _entry(offsets=(16, 24))}, "leaves a hole in the data from byte 8"),
        ({"a": _entry(offsets=(8, 16))}, "leaves a hole in the data from byte 0"),
        ({"__metadata__": {"a": 1}}, "does not map text to text"),
        ({"__metadata__": "x"}, "does not map text to text"),
        ([], "not a JSON object"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path: Path, header: Any, message: str) -> None:
    """Each is a rule of the format that its reference implementation enforces, or a bound of ours."""
    path = _write(tmp_path, safetensors_raw(json.dumps(header).encode(), b"\0" * 24))
    with pytest.raises(DamagedFile) as caught:
        read_header(path)
    assert message in caught.value.message
    assert str(path) in caught.value.message


def test_a_tensor_named_twice_is_refused(tmp_path: Path) -> None:
    """JSON parsers keep one of two equal keys, and not all the same one."""
    one = json.dumps(_entry())
    path = _write(tmp_path, safetensors_raw(f'{{"a":{one},"a":{one}}}'.encode(), b"\0" * 8))
    with pytest.raises(DamagedFile, match="holds the key `a` twice"):
        read_header(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends at byte 0"),
        (b"\1\2\3", "ends at byte 3"),
        (safetensors_raw(b"{}", length=2 << 30), "claims a header of 2147483648 bytes at byte 0"),
        (safetensors_raw(b"{}", length=2**64 - 1), "claims a header of 18446744073709551615 bytes"),
        (safetensors_raw(b"{}", length=3), "inside its header of 3 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
    ],
)
def test_a_length_is_not_believed(tmp_path: Path, data: bytes, message: str) -> None:
    """Nothing is allocated for a claim; what stands in for a file is named for what it is."""
    with pytest.raises(DamagedFile, match=message):
        read_header(_write(tmp_path, data))


def test_a_header_beyond_our_bound_is_refused_and_the_bound_named(tmp_path: Path) -> None:
    """The format allows 100 MB; a parsed header of that size would not fit in 200 MB."""
    path = _write(tmp_path, safetensors_raw(b"{}", length=50_000_000))
    os.truncate(path, 60_000_000)
    with pytest.raises(DamagedFile, match=f"a header of 50000000 bytes; at most {MAX_HEADER_BYTES}"):
        read_header(path)


def test_a_file_cut_in_its_data_keeps_its_header(tmp_path: Path) -> None:
    """The anatomy of a failed download is still known; the damage says which tensor suffers first, and where."""
    data = safetensors_bytes({"a": ("F32", [2], 8), "b": ("F32", [4], 16)})
    header = read_header(_write(tmp_path, data[:-4]))
    assert len(header.tensors) == 2
    (damage,) = header.damage
    assert damage == (
        f"ends at byte {len(data) - 4}, but tensor `b` needs bytes up to {len(data)}; 1 of 2 tensors are cut or missing"
    )


def test_bytes_after_the_last_tensor_are_reported(tmp_path: Path) -> None:
    """A payload can hide behind the data; the reference implementation refuses such a file."""
    data = safetensors_bytes({"a": ("F32", [2], 8)})
    (damage,) = read_header(_write(tmp_path, data + b"PK\3\4")).damage
    assert damage == f"has 4 bytes after byte {len(data)} that belong to no tensor"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Opening a named pipe would block until someone writes."""
    path = tmp_path / "model.safetensors"
    os.mkfifo(path)
    with pytest.raises(DamagedFile, match="is not a regular file"):
        read_header(path)


def test_an_absent_file_is_one_clear_error(tmp_path: Path) -> None:
    """No foreign exception leaves the room."""
    with pytest.raises(DamagedFile, match="cannot be read: No such file or directory"):
        read_header(tmp_path / "absent.safetensors")


def test_hostile_names_are_fit_to_print(tmp_path: Path) -> None:
    """A tensor's name must not move a terminal's cursor or fill the screen."""
    header = json.dumps({"\x1b[2J`" + "x" * 500: _entry("?")}).encode()
    with pytest.raises(DamagedFile) as caught:
        read_header(_write(tmp_path, safetensors_raw(header, b"\0" * 8)))
    assert "\x1b" not in caught.value.message
    assert "\\x1b[2J'" in caught.value.message
    assert len(caught.value.message) < 400
