"""NumPy array files: objects in them are pickles, and what stands behind the data is read too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Effect, Severity
from weighbridge.formats.archives.packed import Unpacked
from weighbridge.formats.magic import format_of_source
from weighbridge.formats.npy import read_npy_header
from weighbridge.formats.source import Part
from weighbridge.inspection.safety import read_pickles
from weighbridge.inspection.safety.report import FilePart

if TYPE_CHECKING:
    from weighbridge.inspection.safety.report import Report

__all__ = ["CHECK", "read"]

CHECK = "numpy-objects"
_NESTED = frozenset({"pickle", "zip"})


def read(part: FilePart, report: Report) -> None:
    """Read the header, the pickle of an array of objects, and what follows the data."""
    header = read_npy_header(part.source)
    if header is None:
        report.note(CHECK, "has a NumPy header that cannot be read", Effect.BREAKS_FORMAT, part=part)
        report.read(CHECK)
        return
    if header.holds_objects:
        message = "holds Python objects, which are a pickle: it loads with `allow_pickle=True` only"
        report.note(CHECK, message, Effect.ASKS_TRUST, Severity.MEDIUM, part=part)
        _inner(part, header.data_at, "pickle", report)
    elif header.n_bytes is not None and not isinstance(part.source, Unpacked):
        end = header.data_at + header.n_bytes
        if end > part.source.size:
            report.note(CHECK, "ends before its data does", Effect.BREAKS_FORMAT, part=part)
        elif end < part.source.size:
            rest = format_of_source(Part(part.source, end, part.source.size - end), "")
            if rest in _NESTED:
                message = f"holds {part.source.size - end:,} bytes behind its data, a {rest}"
                report.note(CHECK, message, Effect.BREAKS_FORMAT, part=part)
                _inner(part, end, rest, report)
    report.read(CHECK)


def _inner(part: FilePart, at: int, what: str, report: Report) -> None:
    """Read what lies in the file from a place on."""
    inside = f"{part.inside} > {what}" if part.inside else what
    inner = FilePart(part.name, Part(part.source, at, part.source.size - at), what, inside, part.depth + 1)
    if what == "pickle":
        read_pickles.read(inner, report)
    else:
        report.enter(inner)
