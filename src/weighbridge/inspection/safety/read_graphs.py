"""Graphs as protobuf: operations of a TensorFlow SavedModel that reach outside, files that an ONNX model names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.formats.archives.member import leaves_folder
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.safety.report import FilePart, Report

__all__ = ["ONNX_CHECK", "TENSORFLOW_CHECK", "read_onnx", "read_savedmodel"]

TENSORFLOW_CHECK = "tensorflow-operations"
ONNX_CHECK = "onnx-references"
_STRIDE = 8 << 20
_OVERLAP = 8192
_MOST_READ = 4 << 30

# source: TensorFlow's SECURITY.md and the op definitions in `tensorflow/core/ops`; a NodeDef keeps `op` as field 2
_OPERATIONS = {
    "PyFunc": "runs Python", "PyFuncStateless": "runs Python", "EagerPyFunc": "runs Python",
    "ReadFile": "reads any file", "WriteFile": "writes any file", "MatchingFiles": "lists files",
    "WholeFileReader": "reads any file", "WholeFileReaderV2": "reads any file", "DebugIdentity": "opens connections",
    "DebugIdentityV2": "opens connections", "DebugIdentityV3": "opens connections", "RpcCall": "opens connections",
}  # fmt: skip
_OPERATION = re.compile(
    b"|".join(re.escape(b"\x12" + bytes([len(name)]) + name.encode()) for name in sorted(_OPERATIONS, reverse=True))
)
# `StringStringEntryProto{key: "location", value: ...}` of TensorProto.external_data; source: onnx.proto3
_LOCATION = re.compile(rb"\x0a\x08location\x12(?:([\x01-\x7f])|([\x80-\xff])([\x01-\x1f]))")
_PYTHON = re.compile(rb"\x22(?:\x04PyOp|\x08PythonOp|\x06PyFunc)")
_HIGH = frozenset({"runs Python", "writes any file"})


def read_savedmodel(part: FilePart, report: Report) -> None:
    """Search a SavedModel for operations that run Python or touch files and connections."""
    seen: set[str] = set()
    for _, chunk in _chunks(part):
        seen.update(found[0][2:].decode() for found in _OPERATION.finditer(chunk))
    for name in sorted(seen):
        what = _OPERATIONS[name]
        severity = Severity.CRITICAL if what in _HIGH else Severity.HIGH
        message = f"has the operation {quote(name)}, which {what} when the graph runs"
        report.note(TENSORFLOW_CHECK, message, Effect.RUNS_CODE, severity, part=part)
    report.read(TENSORFLOW_CHECK)


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
