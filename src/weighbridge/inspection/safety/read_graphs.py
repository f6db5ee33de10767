"""Graphs as protobuf: operations of a TensorFlow SavedModel that reach outside, files that an ONNX model names."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.formats.archives.member import leaves_folder
from weighbridge.formats.place import quote
from weighbridge.formats.protobuf import Malformed, Steps, fields_of
from weighbridge.inspection.safety import read_keras
from weighbridge.inspection.safety.graph import reached_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.safety.report import FilePart, Report

__all__ = ["ONNX_CHECK", "TENSORFLOW_CHECK", "read_onnx", "read_protobuf", "read_savedmodel", "read_text"]

TENSORFLOW_CHECK = "tensorflow-operations"
ONNX_CHECK = "onnx-references"
_STRIDE = 8 << 20
_OVERLAP = 8192
_MOST_READ = 4 << 30

# `StringStringEntryProto{key: "location", value: ...}` of TensorProto.external_data; source: onnx.proto3
_LOCATION = re.compile(rb"\x0a\x08location\x12(?:([\x01-\x7f])|([\x80-\xff])([\x01-\x1f]))")
_PYTHON = re.compile(rb"\x22(?:\x04PyOp|\x08PythonOp|\x06PyFunc)")
# `output_stream` of PrintV2, an AttrValue whose text is an address of a file
_PRINTS = re.compile(rb"\x0a\x0doutput_stream\x12[\x00-\xff]{1,3}\x12[\x00-\xff]{1,3}file:")
_IN_TEXT = re.compile(rb"""\bop\s*:\s*["'](\w{2,60})["']""")
_HIGH = frozenset({"runs Python", "writes any file", "writes or deletes files"})


@functools.cache
def _operations() -> tuple[dict[str, str], dict[str, str], re.Pattern[bytes]]:
    """Return what each operation does, which belong to saving or restoring, and what finds them: `op`, field 2."""
    text = resources.files("weighbridge.inspection.safety").joinpath("operations.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["operation"]
    what = {name: row["what"] for row in rows for name in row["names"]}
    saver = {name: row["in_saver"] for row in rows for name in row["names"] if "in_saver" in row}
    marks = (re.escape(b"\x12" + bytes([len(name)]) + name.encode()) for name in sorted(what, reverse=True))
    return what, saver, re.compile(b"|".join(marks))


def read_savedmodel(part: FilePart, report: Report) -> None:
    """Search a SavedModel for operations that run Python or touch files and connections.

    Those of a saver are no finding where only saving and restoring reaches them.
    """
    seen = _found(part, report)
    if seen & _operations()[1].keys():
        seen -= _of_a_saver(part, _operations()[1])
    _tell(part, seen, report)
    read_keras.search(part, report)
    report.read(TENSORFLOW_CHECK)


def read_protobuf(part: FilePart, report: Report) -> None:
    """Search a graph alone, or Keras' metadata: there a saver's operations run only where somebody asks for them."""
    _tell(part, _found(part, report) - _operations()[1].keys(), report)
    read_keras.search(part, report)
    try:
        for _ in fields_of(part.source, 0, part.source.size, Steps()):
            pass
    except Malformed:
        return
    report.read(TENSORFLOW_CHECK)


def read_text(part: FilePart, data: bytes, report: Report) -> None:
    """Search a graph that is written as text."""
    seen = {found[1].decode() for found in _IN_TEXT.finditer(data)} & _operations()[0].keys()
    _tell(part, seen - _operations()[1].keys(), report)
    report.read(TENSORFLOW_CHECK, settles=False)


def _found(part: FilePart, report: Report) -> set[str]:
    """Return the listed operations in some bytes; report those that print into a file."""
    seen: set[str] = set()
    prints = False
    for _, chunk in _chunks(part):
        seen.update(found[0][2:].decode() for found in _operations()[2].finditer(chunk))
        prints = prints or _PRINTS.search(chunk) is not None
    if prints:
        message = "has an operation that prints into a file, which writes any file when the graph runs"
        report.note(TENSORFLOW_CHECK, message, Effect.RUNS_CODE, Severity.CRITICAL, part=part)
    return seen


def _tell(part: FilePart, seen: set[str], report: Report) -> None:
    what = _operations()[0]
    for name in sorted(seen):
        severity = Severity.CRITICAL if what[name] in _HIGH else Severity.HIGH
        message = f"has the operation {quote(name)}, which {what[name]} when the graph runs"
        report.note(TENSORFLOW_CHECK, message, Effect.RUNS_CODE, severity, part=part)


def _of_a_saver(part: FilePart, saver: dict[str, str]) -> set[str]:
    """Return the operations that only save or restore the model, at a place that the loader gives.

    Restoring may read and saving may also write; where the file cannot be followed, none is passed over.
    """
    try:
        reached = reached_by(part.source)
    except Malformed:
        return set()
    owned = {"save": reached.saving, "restore": reached.saving | reached.restoring}
    elsewhere = {"save": reached.used | reached.restoring | reached.loose, "restore": reached.used | reached.loose}
    return {name for name, side in saver.items() if name in owned[side] and name not in elsewhere[side]}


def read_onnx(part: FilePart, report: Report) -> None:
    """Search an ONNX model for tensors whose data lies in a file outside its folder, and for Python operations."""
    seen: set[str] = set()
    for _, chunk in _chunks(part):
        for found in _LOCATION.finditer(chunk):
            length = found[1][0] if found[1] else (found[2][0] & 0x7F) | found[3][0] << 7
            seen.add(chunk[found.end() : found.end() + length].decode("utf-8", "backslashreplace"))
        if _PYTHON.search(chunk):
            message = "has an operation that runs Python"
            report.note(ONNX_CHECK, message, Effect.RUNS_CODE, part=part, confidence=Confidence.MEDIUM)
    for name in sorted(seen):
        if leaves_folder(name) or "://" in name:
            message = f"takes tensor data from {quote(name)}, outside its folder (CVE-2024-27318, CVE-2025-51480)"
            report.note(ONNX_CHECK, message, Effect.ASKS_TRUST, Severity.HIGH, part=part)
    report.read(ONNX_CHECK)


def _chunks(part: FilePart) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of a part in strides that overlap."""
    at = 0
    while at < _MOST_READ:
        chunk = part.source.read(at, _STRIDE + _OVERLAP)
        if not chunk:
            return
        yield at, chunk
        at += _STRIDE
