"""A second format behind the first: a ZIP archive at the end of any file, pickles and programs inside others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.formats.archives.zip import find_end
from weighbridge.formats.pickles.scan import BEGIN, begins_as_pickle, scan_pickles
from weighbridge.formats.source import Part
from weighbridge.inspection.safety import read_archives, read_pickles
from weighbridge.inspection.safety.pickle_judge import PickleJudge
from weighbridge.inspection.safety.report import FilePart

if TYPE_CHECKING:
    from weighbridge.formats.source import Source
    from weighbridge.inspection.safety.report import Report

__all__ = ["CHECK", "read"]

CHECK = "hidden-format"
_SEARCHED = frozenset({"png", "jpeg", "gif", "pdf", "unknown", "hdf5", "elf", "onnx", "savedmodel", "protobuf"})
_MOST_SEARCHED = 64 << 20
_STRIDE = 1 << 20
_OVERLAP = 64
_MOST_TRIED = 2000
_WEIGHTS = (
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".pkl",
    ".pickle",
    ".joblib",
    ".npy",
    ".npz",
    ".h5",
    ".keras",
    ".onnx",
    ".nemo",
)
_SMALLEST_ZIP = 22


def read(part: FilePart, report: Report) -> None:
    """Search a file for what its format does not call for; weights are searched at their ends only."""
    if part.format == "empty":
        _empty(part, report)
        return
    if part.format != "zip" and part.source.size > _SMALLEST_ZIP:
        _zip_behind(part, report)
    if part.format == "safetensors" and begins_as_pickle(part.source.read(0, 16)):
        _pickle_at(part, 0, report)
    if part.format in _SEARCHED:
        _pickles_within(part, report)
    report.read(CHECK, settles=False)


def _empty(part: FilePart, report: Report) -> None:
    """Say that a file named like weights is empty; of any other that is no news."""
    if part.name.lower().endswith(_WEIGHTS):
        report.note(CHECK, "is empty", Effect.BREAKS_FORMAT, Severity.MEDIUM, part=part)
    report.read(CHECK)


def _zip_behind(part: FilePart, report: Report) -> None:
    """Read a ZIP archive that ends a file of another format."""
    if find_end(part.source) < 0 or not _has_members(part.source):
        return
    message = f"is {part.format}, and a ZIP archive too: programs that read it from its end load other data"
    report.note(CHECK, message, Effect.BREAKS_FORMAT, part=part)
    read_archives.read(FilePart(part.name, part.source, "zip", "ZIP at its end", 1), report)


def _has_members(source: Source) -> bool:
    """Whether the directory that the end record states lies before it."""
    end = find_end(source)
    record = source.read(end, _SMALLEST_ZIP)
    size = int.from_bytes(record[12:16], "little")
    return size <= end and source.read(end - size, 4) == b"PK\x01\x02"


def _pickles_within(part: FilePart, report: Report) -> None:
    """Try every place that looks like the beginning of a pickle."""
    at, tried = 1, 0
    while at < min(part.source.size, _MOST_SEARCHED):
        chunk = part.source.read(at, _STRIDE + _OVERLAP)
        for found in BEGIN.finditer(chunk):
            tried += 1
            if tried > _MOST_TRIED or _pickle_at(part, at + found.start(), report):
                return
        at += _STRIDE


def _pickle_at(part: FilePart, at: int, report: Report) -> bool:
    """Report a pickle at a place of a file, where it would run something; return whether it does."""
    judge, source = PickleJudge(), Part(part.source, at, part.source.size - at)
    scanned = scan_pickles(source, judge.tell)
    said = list(judge.said())
    if not said or not scanned.ends or (scanned.ends[0].why and not any("calls" in one.message for one in said)):
        return False
    message = f"is {part.format}, and a pickle from byte {at:,}"
    report.note(CHECK, message, Effect.BREAKS_FORMAT, Severity.HIGH, part=part)
    inner = FilePart(part.name, source, "pickle", f"pickle at byte {at}", 1)
    for one in said:
        report.note(
            read_pickles.CHECK, one.message, one.standing.effect, one.standing.severity,
            part=inner, confidence=Confidence.MEDIUM,
        )  # fmt: skip
    return True
