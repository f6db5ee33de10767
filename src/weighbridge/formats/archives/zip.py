"""Read a ZIP archive twice: by its central directory, and by the local headers that lie between and before.

Source: PKWARE APPNOTE 6.3.10. The two may disagree, and loaders believe one or the other; members of both are given.
Flags and checksums do not stop the reading: a loader may ignore them too (CVE-2025-1945, CVE-2025-10156).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.formats.archives.member import Archive, Member, leaves_folder
from weighbridge.formats.archives.packed import Allowance, Unpacked
from weighbridge.formats.archives.zstd import zstd_method
from weighbridge.formats.place import quote
from weighbridge.formats.source import Part, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_end", "read_zip"]

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL_FORM = struct.Struct("<4s5H3I2H")
_CENTRAL_FORM = struct.Struct("<4s6H3I5H2I")
_END_FORM = struct.Struct("<4s4H2IH")
_MOST_MEMBERS = 100_000
_MOST_DIRECTORY = 32 << 20
_MOST_SAID = 8
_GAP = 4 << 20  # bytes between members that are searched for headers
_CHECKED_CRC = 4 << 20
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_WIDE_END = 56
_METHODS = {0: "", 8: "deflate", 12: "bzip2"}
_ZSTD = 93


@dataclass(frozen=True, slots=True)
class _Entry:
    """A member as one of its two headers states it; `at` is where its local header lies, `data` where its bytes do."""

    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int
    data: int = 0


def find_end(source: Source) -> int:
    """Return where the end-of-directory record of a ZIP archive lies, -1 where there is none in the last 64 KiB."""
    length = min(source.size, 0xFFFF + _END_FORM.size)
    tail = source.read(source.size - length, length)
    at = tail.rfind(_END)
    while at >= 0 and len(tail) - at < _END_FORM.size:
        at = tail.rfind(_END, 0, at)
    return source.size - length + at if at >= 0 else -1


def read_zip(source: Source, allowance: Allowance) -> Archive:
    """Return the members of a ZIP archive, those of the local headers that the directory leaves out too."""
    archive = Archive()
    end = find_end(source)
    entries = list(_directory(source, end, archive)) if end >= 0 else []
    if end < 0:
        archive.broken.append("has no central directory: it is cut, or its end is hidden")
    known = []
    for entry in entries:
        local = _local(source, entry.at)
        if local is None:
            archive.broken.append(f"states a member {quote(entry.name)} where no local header lies, at {entry.at}")
            continue
        known.append((entry.at, local.data + entry.packed))
        _compare(entry, local, archive)
        _add(archive, source, entry, local.data, allowance)
        if (local.method, local.packed) != (entry.method, entry.packed) and local.packed and not local.flags & 8:
            _add(archive, source, local, local.data, allowance)
    for stray in _strays(source, sorted(known), end):
        archive.broken.append(f"holds a member {quote(stray.name)} that its directory does not name")
        _add(archive, source, stray, stray.data, allowance)
    del archive.broken[_MOST_SAID:]
    return archive


def _directory(source: Source, end: int, archive: Archive) -> Iterator[_Entry]:
    """Yield the entries of the central directory, their offsets moved by what lies before the archive."""
    _, _, _, _, count, size, start, _ = _END_FORM.unpack(source.read(end, _END_FORM.size))
    before = end
    if (found := _wide_end(source, end)) is not None:  # PyTorch writes one always
        wide = struct.unpack("<QQQ", source.read(found + 32, 24))
        if (count, size, start) != wide and not (_MAX32 in {size, start} or count == _MAX16):
            archive.broken.append("has two ends of its directory that disagree")
        (count, size, start), before = wide, found
    moved = before - size - start
    if moved < 0 or size > before or size > _MOST_DIRECTORY:
        archive.broken.append("states a central directory that does not lie before its end")
        return
    data, at = source.read(before - size, size), 0
    if moved:
        archive.broken.append(f"begins {moved:,} bytes before what its directory calls its beginning")
    for _ in range(min(count, _MOST_MEMBERS)):
        if data[at : at + 4] != _CENTRAL or len(data) - at < _CENTRAL_FORM.size:
            archive.broken.append("has a central directory that ends before its last entry")
            return
        entry, at = _central(data, at, moved)
        yield entry
    if count > _MOST_MEMBERS:
        archive.unread.append(f"holds more than {_MOST_MEMBERS:,} members")


def _wide_end(source: Source, end: int) -> int | None:
    """Return where the ZIP64 end record lies, that a locator before the end names or that stands before the locator."""
    locator = source.read(end - 20, 20) if end >= _WIDE_END + 20 else b""
    if locator[:4] != b"PK\x06\x07":
        return None
    for at in (int.from_bytes(locator[8:16], "little"), end - 20 - _WIDE_END):
        if at <= end - 20 - _WIDE_END and source.read(at, 4) == b"PK\x06\x06":
            return at
    return None


def _central(data: bytes, at: int, moved: int) -> tuple[_Entry, int]:
    """Return one entry of the directory and where the next begins."""
    (_, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, _, _, _, local) = (
        _CENTRAL_FORM.unpack_from(data, at)
    )
    begin = at + _CENTRAL_FORM.size
    raw, extra = data[begin : begin + n_name], data[begin + n_name : begin + n_name + n_extra]
    wide = _wide(extra)
    size, packed, local = (wide.pop(0) if value == _MAX32 and wide else value for value in (size, packed, local))
    entry = _Entry(_text(raw), raw, flags, method, crc, packed, size, local + moved)
    return entry, begin + n_name + n_extra + n_comment


def _wide(extra: bytes) -> list[int]:
    """Return the 8-byte numbers of a ZIP64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            field = extra[at + 4 : at + 4 + length]
            return [int.from_bytes(field[n : n + 8], "little") for n in range(0, len(field) - 7, 8)]
        at += 4 + length
    return []


def _local(source: Source, at: int) -> _Entry | None:
    """Return the local header at a place, None where there is none."""
    head = source.read(at, _LOCAL_FORM.size)
    if len(head) < _LOCAL_FORM.size or head[:4] != _LOCAL:
        return None
    _, _, flags, method, _, _, crc, packed, size, n_name, n_extra = _LOCAL_FORM.unpack(head)
    begin = at + _LOCAL_FORM.size
    raw = source.read(begin, n_name)
    wide = _wide(source.read(begin + n_name, n_extra))
    if size == _MAX32 and wide:
        size = wide.pop(0)
    if packed == _MAX32 and wide:
        packed = wide.pop(0)
    return _Entry(_text(raw), raw, flags, method, crc, packed, size, at, begin + n_name + n_extra)


def _compare(entry: _Entry, local: _Entry, archive: Archive) -> None:
    """Say where the directory and the local header name different members."""
    if entry.raw != local.raw:
        archive.broken.append(f"calls a member {quote(entry.name)} in its directory and {quote(local.name)} before it")
    if entry.method != local.method:
        archive.broken.append(f"states two ways of compression for {quote(entry.name)}")
    if entry.flags & 1 != local.flags & 1:
        archive.broken.append(f"says of {quote(entry.name)} in one place only that it is encrypted")


def _strays(source: Source, known: list[tuple[int, int]], end: int) -> Iterator[_Entry]:
    """Yield local headers that lie in no member: before the first, between two, or behind the last."""
    at, found = 0, 0
    limit = end if end >= 0 else source.size
    for start, stop in [*known, (limit, limit)]:
        while at < start and found < _MOST_MEMBERS:
            gap = source.read(at, min(start - at, _GAP))
            here = gap.find(_LOCAL)
            stray = _local(source, at + here) if here >= 0 else None
            if stray is None:
                if here < 0:
                    break
                at += here + 4
                continue
            found += 1
            yield stray
            at = max(stray.data + min(stray.packed, source.size), at + here + 4)
        at = max(at, stop)


def _add(archive: Archive, source: Source, entry: _Entry, data: int, allowance: Allowance) -> None:
    """Add a member that can be read as one of the two headers says."""
    name = entry.name
    if leaves_folder(name):
        archive.broken.append(
            f"names a member {quote(name)}, which is cut or lies outside the folder that it is put in"
        )
    if name.endswith("/") and not entry.size:
        return
    length = entry.packed or max(0, min(source.size - data, entry.size or _GAP))
    part = Part(source, data, min(length, max(0, source.size - data)))
    if part.size < entry.packed:
        archive.broken.append(f"ends inside the member {quote(name)}")
    method = zstd_method() if entry.method == _ZSTD else _METHODS.get(entry.method)
    if method is None:
        archive.members.append(Member(name, None, f"is compressed in a way that is not read ({entry.method})"))
        return
    read: Source = Unpacked(part, method, allowance) if method else part
    if entry.flags & 1:
        archive.broken.append(f"says of {quote(name)} that it is encrypted")
        if not _is_plain(read, entry):
            archive.members.append(Member(name, None, "is encrypted"))
            return
    elif not method and entry.packed != entry.size and not entry.flags & 8:
        archive.broken.append(f"states two sizes of the stored member {quote(name)}")
    elif entry.size <= _CHECKED_CRC and entry.crc and _crc(read, entry.size) != entry.crc:
        archive.broken.append(f"holds a member {quote(name)} whose checksum does not hold")
    archive.members.append(Member(name, read))


def _is_plain(read: Source, entry: _Entry) -> bool:
    """Whether a member is not encrypted although it says so: its checksum holds, or it begins as a pickle does."""
    head = read.read(0, 2)
    if isinstance(read, Unpacked):
        read.close()
    begins = len(head) == 2 and head[0] == 0x80 and head[1] <= 5  # noqa: PLR2004 - the mark of a protocol
    return begins or (entry.size <= _CHECKED_CRC and _crc(read, entry.size) == entry.crc)


def _crc(read: Source, size: int) -> int:
    checksum = zlib.crc32(read.read(0, size))
    if isinstance(read, Unpacked):
        read.close()  # an archive may have many members: what one unpacks is not kept for the others
    return checksum


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
