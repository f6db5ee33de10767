"""Read 7z archives of the usual methods: copy, LZMA, LZMA2, deflate, bzip2, with an x86, ARM or delta filter.

Source: `7zFormat.txt` of the LZMA SDK. What is packed otherwise, or encrypted, is named as not looked into.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.formats.archives.member import Archive, Member, leaves_folder
from weighbridge.formats.archives.packed import METHODS, Allowance, Unpacked
from weighbridge.formats.place import quote
from weighbridge.formats.source import Ended, Held, Part, Reader, Source

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read_seven_zip"]

_START = 32
_LONGEST_HEADER = 16 << 20
_MOST = 100_000  # of anything that a header counts
_LARGEST_DICTIONARY = 64 << 20
_ERRORS = (Ended, StopIteration, ValueError, IndexError, lzma.LZMAError, OverflowError)
_FILTERS = {b"\x03\x03\x01\x03": lzma.FILTER_X86, b"\x03\x03\x05\x01": lzma.FILTER_ARM}
_END, _HEADER, _STREAMS, _FILES, _PACK, _UNPACK, _PARTS = 0, 1, 4, 5, 6, 7, 8
_SIZES, _DIGESTS, _FOLDER, _FOLDER_SIZES, _COUNTS, _EMPTY, _NAMES, _ENCODED = 9, 10, 11, 12, 13, 14, 17, 23


@dataclass(slots=True)
class _Folder:
    """One chain of coders: `make` gives its decompressor, None where it is not known."""

    make: Callable[[], Any] | None
    is_copy: bool
    n_packed: int
    n_out: int
    sizes: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Streams:
    at: int = 0
    packed: list[int] = field(default_factory=list)
    folders: list[_Folder] = field(default_factory=list)


def read_seven_zip(source: Source, allowance: Allowance) -> Archive:
    """Return the members of a 7z archive, as far as its methods are known."""
    archive = Archive()
    start = source.read(0, _START)
    at, size = int.from_bytes(start[12:20], "little"), int.from_bytes(start[20:28], "little")
    if len(start) < _START or _START + at + size > source.size or size > _LONGEST_HEADER:
        archive.broken.append("is a 7z archive that ends before its header")
        return archive
    try:
        reader = Reader(Held(source.read(_START + at, size)))
        for _ in range(4):  # a header may be packed, and that one again
            kind = reader.take(1)[0]
            if kind != _ENCODED:
                break
            reader = _packed_header(source, _streams(reader), allowance)
        if kind == _HEADER:
            _members(source, reader, archive, allowance)
    except _ERRORS:
        archive.unread.append("is a 7z archive whose header cannot be followed")
    return archive


def _packed_header(source: Source, streams: _Streams, allowance: Allowance) -> Reader:
    """Return a header that was packed; raises ValueError where its method is not known."""
    (folder,) = streams.folders
    size = folder.sizes[0]
    if folder.make is None or size > _LONGEST_HEADER:
        raise ValueError
    unpacked = Unpacked(Part(source, _START + streams.at, streams.packed[0]), folder.make, allowance)
    data = unpacked.read(0, size)
    unpacked.close()
    return Reader(Held(data))


def _members(source: Source, reader: Reader, archive: Archive, allowance: Allowance) -> None:
    """Read the header proper: the streams, then the names, and put the two together."""
    streams, names, empty = _Streams(), list[str](), set[int]()
    while (kind := reader.take(1)[0]) != _END:
        if kind == _STREAMS:
            streams = _streams(reader)
        elif kind == _FILES:
            names, empty = _files(reader)
        else:
            raise ValueError
    filled = iter([name for number, name in enumerate(names) if number not in empty])
    at, packed = _START + streams.at, iter(streams.packed)
    for folder in streams.folders:
        sizes = [next(packed) for _ in range(folder.n_packed)]
        part: Source = Part(source, at, sizes[0])
        at += sum(sizes)
        read = None if folder.make is None else part
        if folder.make is not None and not folder.is_copy:
            read = Unpacked(part, folder.make, allowance)
            archive.opened.append(read)
        offset = 0
        for size in folder.parts or folder.sizes[-1:]:
            name = next(filled, "?")
            if leaves_folder(name):
                archive.broken.append(f"names a member {quote(name)}, which lies outside its folder")
            inner = None if read is None else Part(read, offset, size)
            archive.members.append(Member(name, inner, "is packed in a way that is not read, or encrypted"))
            offset += size


def _streams(reader: Reader) -> _Streams:
    """Read where packed streams lie and how they are packed."""
    streams = _Streams()
    while (kind := reader.take(1)[0]) != _END:
        if kind == _PACK:
            streams.at, count = _number(reader), _count(reader)
            while (kind := reader.take(1)[0]) != _END:
                if kind == _SIZES:
                    streams.packed = [_number(reader) for _ in range(count)]
                else:
                    _digests(reader, count)
        elif kind == _UNPACK:
            _folders(reader, streams)
        elif kind == _PARTS:
            _parts(reader, streams)
        else:
            raise ValueError
    return streams


def _folders(reader: Reader, streams: _Streams) -> None:
    while (kind := reader.take(1)[0]) != _END:
        if kind == _FOLDER:
            count = _count(reader)
            if reader.take(1)[0]:
                raise ValueError  # kept elsewhere
            streams.folders = [_folder(reader) for _ in range(count)]
        elif kind == _FOLDER_SIZES:
            for folder in streams.folders:
                folder.sizes = [_number(reader) for _ in range(folder.n_out)]
        else:
            _digests(reader, len(streams.folders))
    for folder in streams.folders:
        folder.sizes = folder.sizes or [0]


def _folder(reader: Reader) -> _Folder:
    """Read one chain of coders; a chain that is no plain one is not followed."""
    coders, n_in, n_out = [], 0, 0
    for _ in range(_count(reader)):
        flags = reader.take(1)[0]
        method = reader.take(flags & 15)
        inputs, outputs = (_count(reader), _count(reader)) if flags & 16 else (1, 1)
        coders.append((method, reader.take(_count(reader)) if flags & 32 else b""))
        n_in, n_out = n_in + inputs, n_out + outputs
    pairs = [(_number(reader), _number(reader)) for _ in range(max(0, n_out - 1))]
    n_packed = n_in - len(pairs)
    if n_packed > 1:
        for _ in range(n_packed):
            _number(reader)
    if pairs == [(1, 0)]:
        coders.reverse()
    is_plain = n_in == n_out == len(coders) <= 2 and pairs in ([], [(0, 1)], [(1, 0)])  # noqa: PLR2004 - a filter and a method
    make = _decoder(coders) if is_plain else None
    return _Folder(make, [method for method, _ in coders] == [b"\0"], n_packed, n_out)


def _decoder(coders: list[tuple[bytes, bytes]]) -> Callable[[], Any] | None:
    """Return what makes a decompressor for a chain, the outermost coder first; None where it is not known."""
    alone = {b"\0": "", b"\x04\x01\x08": "deflate", b"\x04\x02\x02": "bzip2"}
    if len(coders) == 1 and coders[0][0] in alone:
        make: Callable[[], Any] = METHODS[alone[coders[0][0]] or "deflate"]  # of a copy it is not called
        return make
    chain: list[dict[str, int]] = []
    for method, properties in coders:
        if method in _FILTERS:
            chain.append({"id": _FILTERS[method]})
        elif method == b"\x03" and properties:
            chain.append({"id": lzma.FILTER_DELTA, "dist": properties[0] + 1})
        elif method == b"\x21" and properties and properties[0] < 40:  # noqa: PLR2004 - 40 stands for 4 GiB
            size = (2 | properties[0] & 1) << (properties[0] // 2 + 11)
            chain.append({"id": lzma.FILTER_LZMA2, "dict_size": size})
        elif method == b"\x03\x01\x01" and len(properties) == 5:  # noqa: PLR2004 - one byte and a size
            lc, rest = properties[0] % 9, properties[0] // 9
            size = max(4096, int.from_bytes(properties[1:], "little"))
            chain.append({"id": lzma.FILTER_LZMA1, "lc": lc, "lp": rest % 5, "pb": rest // 5, "dict_size": size})
        else:
            return None
    if any(one.get("dict_size", 0) > _LARGEST_DICTIONARY for one in chain):
        return None
    return lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)


def _parts(reader: Reader, streams: _Streams) -> None:
    """Read how each unpacked stream is divided into members."""
    counts = [1] * len(streams.folders)
    kind = reader.take(1)[0]
    if kind == _COUNTS:
        counts = [_count(reader) for _ in streams.folders]
        kind = reader.take(1)[0]
    for folder, count in zip(streams.folders, counts, strict=True):
        total = folder.sizes[0] if len(folder.sizes) == 1 else max(folder.sizes)
        stated = [_number(reader) for _ in range(count - 1)] if kind == _SIZES else []
        folder.parts = [*stated, total - sum(stated)] if count else []
    if kind == _SIZES:
        kind = reader.take(1)[0]
    while kind != _END:  # digests of members: they are not held against the bytes
        _digests(reader, sum(counts))
        kind = reader.take(1)[0]


def _files(reader: Reader) -> tuple[list[str], set[int]]:
    """Read the names of the members, and which of them have no bytes."""
    count, names, empty = _count(reader), [], set()
    while (kind := _number(reader)) != _END:
        size = _number(reader)
        at = reader.at
        if kind == _NAMES and not reader.take(1)[0]:
            data = reader.source.read(at + 1, size - 1)
            names = data.decode("utf-16-le", "replace").split("\0")[:count]
        elif kind == _EMPTY:
            bits = reader.source.read(at, min(size, _MOST))
            empty = {n for n in range(min(count, len(bits) * 8)) if bits[n // 8] & (128 >> n % 8)}
        reader.seek(at)
        reader.skip(size)
    return names, empty


def _digests(reader: Reader, count: int) -> None:
    """Pass over checksums, of all or of those that a row of bits names."""
    defined = count
    if not reader.take(1)[0]:
        bits = reader.take((count + 7) // 8)
        defined = sum(byte.bit_count() for byte in bits)
    reader.skip(4 * defined)


def _count(reader: Reader) -> int:
    """Read a number of things; raises ValueError for more than are followed."""
    if (number := _number(reader)) > _MOST:
        raise ValueError
    return number


def _number(reader: Reader) -> int:
    """Read a number of one to nine bytes: the leading ones of the first say how many follow."""
    first, value = reader.take(1)[0], 0
    for step in range(8):
        if not first & (0x80 >> step):
            return value | (first & ((0x80 >> step) - 1)) << (8 * step)
        value |= reader.take(1)[0] << (8 * step)
    return value
