"""Pickles: what loading them would import, call and change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.formats.magic import format_of_source
from weighbridge.formats.pickles.scan import scan_pickles
from weighbridge.formats.source import Held, Part
from weighbridge.inspection.safety.pickle_judge import PickleJudge
from weighbridge.inspection.safety.report import FilePart

if TYPE_CHECKING:
    from weighbridge.formats.pickles.values import Data
    from weighbridge.formats.source import Source
    from weighbridge.inspection.safety.report import Report

__all__ = ["CHECK", "read"]

CHECK = "pickle-code"
DEEPEST = 3
_LONGEST_TEXT = 16 << 20


def read(part: FilePart, report: Report) -> None:
    """Simulate all pickles of a part and report what they do; bytes that are loaded in turn are read too."""
    judge = PickleJudge()
    scanned = scan_pickles(part.source, judge.tell)
    for said in judge.said():
        standing = said.standing
        report.note(
            CHECK, f"{said.message} (byte {said.at:,})", standing.effect, standing.severity,
            part=part, confidence=standing.confidence,
        )  # fmt: skip
    if judge.more:
        report.note(CHECK, f"uses {judge.more:,} more names that are not listed", None, Severity.MEDIUM, part=part)
    first = scanned.ends[0] if scanned.ends else None
    if scanned.is_bounded:
        message = "is larger than what is followed, so it is not known what the rest does"
        report.note(CHECK, message, Effect.UNKNOWN, Severity.HIGH, part=part)
    elif first is not None and first.why:
        report.note(CHECK, first.why, Effect.BREAKS_FORMAT, Severity.MEDIUM, part=part)
    report.read(CHECK)
    for number, nested in enumerate(judge.nested):
        _read_nested(part, nested, number, report)


def _read_nested(part: FilePart, nested: Data | bytes, number: int, report: Report) -> None:
    """Read bytes that a call of the pickle would load."""
    if part.depth >= DEEPEST:
        message = "loads bytes of its own that are nested too deeply to be read"
        report.note(CHECK, message, Effect.UNKNOWN, Severity.HIGH, part=part, confidence=Confidence.MEDIUM)
        return
    source = _nested_source(part, nested)
    if source is None:
        message = "loads bytes of its own that are too long to be read"
        report.note(CHECK, message, Effect.UNKNOWN, Severity.HIGH, part=part)
        return
    inside = f"{part.inside} > bytes {number}" if part.inside else f"bytes {number}"
    report.enter(FilePart(part.name, source, format_of_source(source, inside), inside, part.depth + 1))


def _nested_source(part: FilePart, nested: Data | bytes) -> Source | None:
    """Return the bytes that are loaded; those that were written as text are made bytes again, up to a bound."""
    if isinstance(nested, bytes):
        return Held(nested)
    if not nested.encoding:
        return Part(part.source, nested.at, nested.size)
    if nested.size > _LONGEST_TEXT:
        return None
    return Held(
        part.source.read(nested.at, nested.size).decode(nested.encoding, "replace").encode("latin-1", "replace")
    )
