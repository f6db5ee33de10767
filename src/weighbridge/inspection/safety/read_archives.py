"""Archives and compressed files: what is wrong with them, and every member by its own bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.formats.archives.packed import METHODS, Unpacked
from weighbridge.formats.archives.seven_zip import read_seven_zip
from weighbridge.formats.archives.tar import read_tar
from weighbridge.formats.archives.zip import read_zip
from weighbridge.formats.archives.zstd import zstd_method
from weighbridge.formats.magic import format_of_source
from weighbridge.formats.place import quote
from weighbridge.inspection.safety import read_members
from weighbridge.inspection.safety.report import FilePart

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.formats.archives.member import Archive, Member
    from weighbridge.inspection.safety.report import Report

__all__ = ["CHECK", "read"]

CHECK = "archive-members"
DEEPEST = 3
_NOT_READ = "which is not read here: it is not known what it holds"
_NEEDS = {"zstd": "which is read with the extra `zstd` only: it is not known what it holds"}


def read(part: FilePart, report: Report) -> None:
    """Read an archive or a compressed stream, and all that is in it."""
    if part.depth >= DEEPEST:
        message = (
            f"is {part.format} inside {part.depth} others; {DEEPEST} levels are read, so it is not known what it holds"
        )
        report.note(CHECK, message, Effect.UNKNOWN, part=part)
        return
    if part.format in METHODS:
        report.read(CHECK, settles=_unpack(part, part.format, report))
        return
    if part.format == "zstd" and (method := zstd_method()) is not None:
        report.read(CHECK, settles=_unpack(part, method, report))
        return
    if part.format == "zip":
        _members(part, read_zip(part.source, report.allowance), report)
    elif part.format == "tar":
        _members(part, read_tar(part.source), report)
    elif part.format == "7z":
        _members(part, read_seven_zip(part.source, report.allowance), report)
    else:
        message = f"is compressed as {part.format}, {_NEEDS.get(part.format, _NOT_READ)}"
        report.note(CHECK, message, Effect.UNKNOWN, part=part)
        return
    report.read(CHECK)


def _unpack(part: FilePart, method: str | Callable[[], Any], report: Report) -> bool:
    """Read what one compressed stream holds; return whether that is of a known format."""
    source = Unpacked(part.source, method, report.allowance)
    inside = f"{part.inside} > unpacked" if part.inside else "unpacked"
    what = format_of_source(source, inside)
    depth = part.depth if part.depth and what == "tar" else part.depth + 1  # a `.tar.gz` inside is one archive, not two
    _nested(FilePart(part.name, source, what, inside, depth), source, report)
    return what != "unknown"


def _members(part: FilePart, archive: Archive, report: Report) -> None:
    """Report what is wrong with an archive, then read its members."""
    for message in archive.broken:
        report.note(CHECK, message, Effect.BREAKS_FORMAT, part=part)
    for message in archive.unread:
        report.note(CHECK, message, Effect.UNKNOWN, part=part)
    for member in archive.members:
        _member(part, member, report)
    archive.close()
    read_members.read(part, archive, report)


def _member(part: FilePart, member: Member, report: Report) -> None:
    shown = quote(member.name)[1:-1]
    inside = f"{part.inside} > {shown}" if part.inside else shown
    if member.source is None:
        message = f"holds {quote(member.name)}, which {member.why}: not looked into"
        report.note(CHECK, message, Effect.UNKNOWN, part=part, confidence=Confidence.MEDIUM)
        return
    source = member.source
    _nested(
        FilePart(member.name, source, format_of_source(source, member.name), inside, part.depth + 1), source, report
    )


def _nested(part: FilePart, source: object, report: Report) -> None:
    """Read something inside; a compressed source says then whether it could be unpacked."""
    report.enter(part)
    if isinstance(source, Unpacked):
        source.close()
    if isinstance(source, Unpacked) and source.is_cut:
        message = "unpacks to more than is read (256 MiB of one file)"
        report.note(CHECK, message, Effect.UNKNOWN, part=part)
    elif isinstance(source, Unpacked) and source.trouble:
        report.note(CHECK, source.trouble, Effect.BREAKS_FORMAT, Severity.MEDIUM, part=part)
