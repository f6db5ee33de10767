"""Read a tar archive: ustar, GNU long names, pax headers; source: POSIX.1-2001 `pax`, GNU tar's `tar.h`."""

from __future__ import annotations

import re

from weighbridge.formats.archives.member import Archive, Member, leaves_folder
from weighbridge.formats.place import quote
from weighbridge.formats.source import Part, Source

__all__ = ["header_name", "header_number", "is_tar", "read_tar"]

_BLOCK = 512
_MOST_MEMBERS = 100_000
_LONGEST_HEADER = 1 << 20
_PAX_PATH = re.compile(rb"\d+ path=([^\n]*)\n")
_PAX_SIZE = re.compile(rb"\d+ size=(\d{1,18})\n")
_MOST_SAID = 8


def is_tar(head: bytes) -> bool:
    """Whether a block is a tar header: its checksum holds, whether or not it has the mark of ustar."""
    if len(head) < _BLOCK or not head[0]:
        return False
    stated = header_number(head[148:156])
    return stated is not None and stated == sum(head[:148]) + 8 * 32 + sum(head[156:_BLOCK])


def read_tar(source: Source) -> Archive:
    """Return the members of a tar archive; a header that does not hold ends it."""
    archive, at, name, size = Archive(), 0, "", -1
    for _ in range(_MOST_MEMBERS):
        head = source.read(at, _BLOCK)
        if not head.strip(b"\0"):
            return archive
        if not is_tar(head):
            archive.broken.append(f"holds no sound tar header at byte {at}")
            return archive
        kind, own = head[156:157], header_number(head[124:136])
        length = size if size >= 0 else (own or 0)
        at += _BLOCK
        if kind in {b"L", b"x"} and length <= _LONGEST_HEADER:
            data = source.read(at, length)
            if kind == b"L":
                name = data.rstrip(b"\0").decode("utf-8", "replace")
            else:
                name = found[1].decode("utf-8", "replace") if (found := _PAX_PATH.search(data)) else name
                size = int(found[1]) if (found := _PAX_SIZE.search(data)) else -1
        else:
            _add(archive, source, name or header_name(head), head, Part(source, at, length))
            name, size = "", -1
        at += -(-length // _BLOCK) * _BLOCK
    archive.unread.append(f"holds more than {_MOST_MEMBERS:,} members")
    return archive


def _add(archive: Archive, source: Source, name: str, head: bytes, part: Part) -> None:
    """Add one member, and say what is wrong with it."""
    kind = head[156:157]
    if leaves_folder(name) and len(archive.broken) < _MOST_SAID:
        archive.broken.append(f"names a member {quote(name)}, which lies outside the folder that it is extracted to")
    if kind in {b"1", b"2"}:
        target = head[157:257].rstrip(b"\0").decode("utf-8", "replace")
        if leaves_folder(target) and len(archive.broken) < _MOST_SAID:
            archive.broken.append(f"holds a link {quote(name)} that leads out of its folder, to {quote(target)}")
    elif kind in {b"0", b"\0", b"7"}:
        archive.members.append(Member(name, part))
        if not source.read(part.start + part.size - 1, 1) and part.size:
            archive.broken.append(f"ends inside the member {quote(name)}")


def header_name(head: bytes) -> str:
    """Return the name of a header, with its prefix where it is ustar."""
    name = head[:100].partition(b"\0")[0]
    prefix = head[345:500].partition(b"\0")[0] if head[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def header_number(field: bytes) -> int | None:
    """Return an octal number, or one in base 256; None where it is neither."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    text = field.strip(b"\0 ")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        return None
