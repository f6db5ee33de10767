from __future__ import annotations

import json
import pickletools
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.artefact import NotInspected
from weighbridge.core.kinds import FilesV1, FindingBody
from weighbridge.inspection.files import inspect_files
from weighbridge.testing.pinned import pin
from weighbridge.testing.tiny_weights import gguf_bytes, safetensors_bytes, safetensors_raw

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
UNREAD = "; it can run code when it is loaded, and no check reads it yet"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


def _body(folder: Path, *left_alone: NotInspected) -> FilesV1:
    return FilesV1.model_validate(inspect_files(pin(folder, *left_alone), TODAY).body)


def _found(folder: Path, check: str = "unread-code") -> list[FindingBody]:
    return [found for found in _body(folder).findings if found.check == check]


def _only(folder: Path, name: str, data: bytes, check: str = "unread-code") -> FindingBody:
    (folder / name).write_bytes(data)
    (found,) = _found(folder, check)
    assert (found.severity, found.place) == ("high", name)
    return found


def _sized(length: int) -> bytes:
    """Return a sound safetensors file whose header is `length` bytes long."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return safetensors_raw(header.ljust(length), bytes(8))


def test_a_folder_with_a_pickle_and_custom_code_does_not_look_clean(tmp_path: Path) -> None:
    """The case of the review: a policy without high findings does not pass, and the code asks for trust."""
    (tmp_path / "evil.pkl").write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    (tmp_path / "modeling_x.py").write_text("import os\n")
    (tmp_path / "model.safetensors").write_bytes(_sized(64))
    body = _body(tmp_path)
    assert "evil.pkl" in {f.place for f in body.findings if f.severity in {"high", "critical"}}
    (code,) = [f for f in body.findings if f.check == "python-code"]
    assert (code.place, code.severity) == ("modeling_x.py", "medium")
    assert body.left_alone == []


@pytest.mark.parametrize("length", [0x0280, 0x0380, 0x0480, 0x0580, 0x2123, 0x5A4D])
def test_a_safetensors_file_whose_length_reads_as_magic_is_none(tmp_path: Path, length: int) -> None:
    """640 bytes of header begin `80 02` as a pickle does, 8483 begin `#!`, 23117 `MZ`: the parser settles it."""
    (tmp_path / "model.safetensors").write_bytes(_sized(length))
    assert _found(tmp_path) == []


def test_a_longer_header_with_an_opcode_in_its_length_is_no_pickle(tmp_path: Path) -> None:
    """`80 02 7d 00`: an empty dict, then a zero that no unpickler takes."""
    data = _sized(0x7D0280)
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match="unknown"):
        list(pickletools.genops(data))
    assert _found(tmp_path) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x7fELF" + bytes(60), "is a program or library of machine code"),
        (b"MZ\x90\x00" + bytes(60), "is a program or library of machine code"),
        (b"#!/bin/sh\n", "is a script"),
    ],
)
def test_other_kinds_that_run_are_known_by_their_bytes(tmp_path: Path, data: bytes, said: str) -> None:
    """The magic numbers of ELF and PE, and the line that starts a script."""
    assert _only(tmp_path, "vocab.txt", data).message == said + UNREAD


@pytest.mark.parametrize(
    "name",
    [
        "a.pkl", "a.pickle", "a.pt", "a.pth", "a.ckpt", "pytorch_model.bin", "a.joblib", "a.npy", "a.npz", "a.h5",
        "a.keras", "saved_model.pb", "a.so", "a.dll", "a.exe", "a.sh", "a.py", "A.PY", "sub/a.pt", "a.joblib.gz",
    ],
)  # fmt: skip
def test_a_name_is_enough(tmp_path: Path, name: str) -> None:
    """Of kinds that have no magic number; a Git LFS pointer stands for the file, and compression hides nothing."""
    (tmp_path / "sub").mkdir()
    assert _only(tmp_path, name, LFS_POINTER).message.endswith(UNREAD)


def test_an_empty_file_runs_nothing(tmp_path: Path) -> None:
    """`__init__.py` is often empty."""
    (tmp_path / "__init__.py").touch()
    assert _found(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("config.json", {"AutoConfig": "configuration_x.XConfig"}, ": `configuration_x.XConfig`"),
        ("tokenizer_config.json", {"AutoTokenizer": ["tok.Tok", None]}, ": `tok.Tok`"),
        ("sub/config.json", ["tok.Tok", None], ": `tok.Tok`"),
        ("config.json", {c: f"m.{c}" for c in "edcba"}, ": `m.a`, `m.b`, `m.c` and 2 more"),
        ("config.json", {"AutoModel": "them/repo--m.M"}, ": `them/repo--m.M`"),
        ("config.json", {"a": "\x1b[2J"}, ": `\\x1b[2J`"),
        ("config.json", 7, ""),
    ],
)
def test_a_configuration_that_asks_for_custom_code_is_found(
    tmp_path: Path, name: str, value: object, said: str
) -> None:
    """Also where the code is in another repository; the forms are those of published models."""
    (tmp_path / "sub").mkdir()
    found = _only(tmp_path, name, json.dumps({"auto_map": value}).encode(), "remote-code")
    assert found.message.startswith(f"asks for custom code with `auto_map`{said}")


@pytest.mark.parametrize("value", [None, {}, []])
def test_an_empty_request_asks_for_nothing(tmp_path: Path, value: object) -> None:
    """PEFT writes `"auto_map": null`."""
    (tmp_path / "adapter_config.json").write_text(json.dumps({"auto_map": value}))
    assert _found(tmp_path, "remote-code") == _found(tmp_path) == []


def test_a_configuration_that_is_ambiguous_is_not_clean(tmp_path: Path) -> None:
    """A loader keeps the second of two equal keys; the path of the folder is not in the evidence."""
    found = _only(tmp_path, "config.json", b'{"auto_map": {}, "auto_map": {"AutoModel": "m.M"}}')
    assert (found.confidence, str(tmp_path) in found.message) == ("low", False)
    assert found.message.startswith("it is not known whether loading this file runs code: `config.json` holds")


def test_a_file_that_vanished_is_not_clean(tmp_path: Path) -> None:
    """Pinned, and gone when it is looked at."""
    (tmp_path / "notes.txt").write_text("x")
    artefact = pin(tmp_path)
    (tmp_path / "notes.txt").unlink()
    body = FilesV1.model_validate(inspect_files(artefact, TODAY).body)
    (found,) = [found for found in body.findings if found.check == "unread-code"]
    assert found.message.startswith("it is not known whether loading this file runs code: `notes.txt` cannot be read")


def test_a_flood_of_code_is_counted(tmp_path: Path) -> None:
    """One finding a file up to a bound, then one for the rest."""
    for number in range(230):
        (tmp_path / f"{number}.py").write_bytes(LFS_POINTER)
    found = _found(tmp_path)
    assert len(found) == 201
    assert found[0].place == "."
    assert found[0].message == "30 more findings of this check are not listed, the worst of them high"


def test_files_that_run_nothing_are_neither_found_nor_left_alone(tmp_path: Path) -> None:
    """Weights, settings, tokenizer, template, text, images, licences."""
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes({"a": ("F32", [2], 8)}))
    (tmp_path / "m.gguf").write_bytes(gguf_bytes())
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"):
        (tmp_path / name).write_text("{}")
    for name in ("README.md", "merges.txt", "LICENSE", "NOTICE", ".gitattributes", "chat_template.jinja", "a.yml"):
        (tmp_path / name).write_text("MZ is how this text begins")
    body = _body(tmp_path)
    assert (_found(tmp_path), body.left_alone) == ([], [])


def test_files_of_an_unknown_kind_are_left_alone_by_name(tmp_path: Path) -> None:
    """After what the hub left alone."""
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07")
    (tmp_path / "blob").write_bytes(b"\0")
    body = _body(tmp_path, NotInspected("pipe", "is a named pipe, not a file"))
    assert [(left.name, left.reason) for left in body.left_alone] == [
        ("pipe", "is a named pipe, not a file"),
        ("blob", "no check reads this kind of file"),
        ("model.onnx", "no check reads this kind of file"),
    ]


def test_a_flood_of_unknown_files_is_counted(tmp_path: Path) -> None:
    """The evidence stays readable."""
    for number in range(250):
        (tmp_path / f"{number}.xyz").write_text("x")
    left = _body(tmp_path).left_alone
    assert len(left) == 201
    assert (left[-1].name, left[-1].reason) == (".", "50 more files of a kind that no check reads")
