"""Read one tar archive forward, and keep what a search will ask for: small files whole, weights by their heads."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from weighbridge.formats.archives.tar import header_name, header_number, is_tar
from weighbridge.inventory.images.names import is_archive
from weighbridge.inventory.images.stream import Damaged, MemberStream, Rejoined, Spent, Stream, unpacked
from weighbridge.inventory.texts.names import kind_of_text
from weighbridge.inventory.weights.names import is_weights, list_names

if TYPE_CHECKING:
    from weighbridge.inventory.bounds import Bounds, Looked

__all__ = ["Kept", "Layer", "Reading", "Spool", "clean_path", "keep_bytes", "read_layer", "tell_of", "wanted_bytes"]

_BLOCK = 512
_MOST_ZEROS = (16 << 20) // _BLOCK
_LONGEST_HEADER = 1 << 20
_PAX = re.compile(rb"(?:\A|\n)\d+ (path|linkpath|size)=([^\n]*)")
_ARCHIVE = re.compile(r"(?i)\.(?:tar|tgz|tar\.(?:gz|zst|bz2|xz))$|(?:^|/)blobs/sha256/[0-9a-f]{64}$")
_CACHED = re.compile(
    r"(?:^|/)(?:blobs/(?:sha256[-/])?[0-9a-f]{40,64}|refs/[^/]+|manifests/.+|\.git/(?:config|HEAD|refs/.+))$"
)
_PACKAGES = re.compile(r"(?:^|/)(?:site-packages|dist-packages|node_modules)/")
_HEAD_BYTES = 1 << 20
_WEIGHT_HEAD_BYTES = 256 << 10
_NESTED = 3
_MOST_SAID = 8


class Spool:
    """Bytes that are kept for the search, in a file without a name, at most so many."""

    def __init__(self, most: int) -> None:
        self._file = tempfile.SpooledTemporaryFile(16 << 20)  # noqa: SIM115 - `close` closes it
        self._end = 0
        self._most = most

    def keep(self, data: bytes) -> int:
        """Return where the bytes lie now, -1 where there is no room left."""
        if self._end + len(data) > self._most:
            return -1
        self._file.seek(self._end)
        self._file.write(data)
        self._end += len(data)
        return self._end - len(data)

    def read(self, at: int, length: int) -> bytes:
        """Return bytes that were kept."""
        self._file.seek(at)
        return self._file.read(length)

    def close(self) -> None:
        """Let go of them."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Kept:
    """One member: a file of `size` bytes of which `length` lie in the spool at `at`, or a link to `target`."""

    kind: Literal["file", "link", "special"]
    size: int = 0
    at: int = -1
    length: int = 0
    target: str = ""


@dataclass(slots=True)
class Layer:
    """The members of an archive by path, what it takes from layers below, archives within it, and what was not read."""

    members: dict[str, Kept] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    nested: dict[str, Layer] = field(default_factory=dict)
    n_members: int = 0
    unread: list[str] = field(default_factory=list)

    def say(self, reason: str) -> None:
        """Note something that was not read, a few times."""
        if len(self.unread) < _MOST_SAID and reason not in self.unread:
            self.unread.append(reason)


@dataclass(slots=True)
class Reading:
    """What all archives within one file share: where bytes are kept, what may be unpacked, what was looked at."""

    spool: Spool
    bounds: Bounds
    looked: Looked
    allowance: list[int]


@dataclass(slots=True)
class _Next:
    """What headers before a member's own say of it."""

    name: str = ""
    target: str = ""
    size: int = -1


def read_layer(stream: Stream, reading: Reading, depth: int = 0) -> Layer:
    """Return what one tar archive holds, compressed or not; what ends it early is said in `unread`."""
    layer = Layer()
    try:
        opened, first, kind = unpacked(stream, reading.allowance)
        if not is_tar(first) and first.strip(b"\0"):
            layer.say(
                "is compressed with zstd, whose package `zstandard` is not installed"
                if "zstd" in kind
                else "is no tar archive"
            )
            return layer
        reading.looked.archives += 1
        _read_members(opened, layer, reading, depth)
        if not layer.n_members and not first.strip(b"\0"):
            layer.say("holds no members")
    except Damaged as error:
        layer.say(str(error))
    except Spent:
        layer.say("unpacks to more than is searched")
    return layer


def _read_members(stream: Stream, layer: Layer, reading: Reading, depth: int) -> None:
    upcoming = _Next()
    zeros = 0
    while True:
        head = stream.read(_BLOCK)
        if not head:
            if not zeros:
                layer.say("is cut short: the mark of its end is missing")
            return
        if not head.strip(b"\0"):  # the end, or that of the first of archives that stand behind each other
            zeros += 1
            if zeros > _MOST_ZEROS:
                layer.say("holds more than 16 MiB of zeros, behind which nothing was read")
                return
            continue
        zeros = 0
        if not is_tar(head):
            layer.say("holds a damaged tar header, behind which nothing was read")
            return
        kind, own = head[156:157], header_number(head[124:136])
        size = upcoming.size if upcoming.size >= 0 else max(0, own or 0)
        body = MemberStream(stream, size)
        if kind in b"LKxgX" and size <= _LONGEST_HEADER:
            _note(upcoming, kind, body.read(size))
        else:
            if kind not in b"LKxgX":
                layer.n_members += 1
                reading.looked.files += 1
                _add(layer, upcoming, head, body, reading, depth)
            upcoming = _Next()
        body.finish()
        stream.skip(-size % _BLOCK)
        if layer.n_members >= reading.bounds.archive_members:
            layer.say(f"holds more than {reading.bounds.archive_members:,} members")
            return


def _note(upcoming: _Next, kind: bytes, data: bytes) -> None:
    """Take a GNU long name or a pax header for the member that follows."""
    if kind == b"L":
        upcoming.name = _decode(data.rstrip(b"\0"))
    elif kind == b"K":
        upcoming.target = _decode(data.rstrip(b"\0"))
    elif kind in b"xX":
        for found in _PAX.finditer(data):
            if found[1] == b"path":
                upcoming.name = _decode(found[2])
            elif found[1] == b"linkpath":
                upcoming.target = _decode(found[2])
            elif found[2].isdigit() and len(found[2]) < 19:  # noqa: PLR2004 - 63 bits
                upcoming.size = int(found[2])


def _add(layer: Layer, upcoming: _Next, head: bytes, body: MemberStream, reading: Reading, depth: int) -> None:
    path = clean_path(upcoming.name or header_name(head))
    if path is None:
        layer.say("names members outside of its own root, which were left out")
        return
    if not path:
        return
    folder, _, name = path.rpartition("/")
    kind = head[156:157]
    if name.startswith(".wh."):
        if name == ".wh..wh..opq":
            layer.emptied.add(folder)
        else:
            layer.removed.add(f"{folder}/{name[4:]}" if folder else name[4:])
    elif kind in b"12":
        target = upcoming.target or _decode(head[157:257].rstrip(b"\0"))
        _link(layer, path, target, is_hard=kind == b"1")
    elif kind in b"0\x007S":
        _file(layer, path, body, reading, depth)
    elif kind != b"5":
        layer.members[path] = Kept("special")


def _link(layer: Layer, path: str, target: str, *, is_hard: bool) -> None:
    if not is_hard:
        layer.members[path] = Kept("link", target=target)
    elif (same := clean_path(target)) is not None and same in layer.members:
        layer.members[path] = layer.members[same]


def _file(layer: Layer, path: str, body: MemberStream, reading: Reading, depth: int) -> None:
    size = body.left
    if _ARCHIVE.search(path) and depth < _NESTED:
        first = body.read(_BLOCK)
        if is_tar(first) or first.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")):
            layer.nested[path] = read_layer(Rejoined(first, body), reading, depth + 1)
            return
        layer.members[path] = keep_bytes(first + body.read(_HEAD_BYTES), size, layer, reading)
        return
    most = wanted_bytes(path, reading.bounds)
    first = b"" if most else body.read(10)
    if is_weights(first):
        most = _WEIGHT_HEAD_BYTES
    if most:
        layer.members[path] = keep_bytes(first + body.read(most + 1 - len(first)), size, layer, reading)
    else:
        tell_of(path, size, layer)


def keep_bytes(data: bytes, size: int, layer: Layer, reading: Reading) -> Kept:
    """Keep the first bytes of a file of `size` bytes for the search."""
    at = reading.spool.keep(data)
    if at < 0:
        layer.say("holds more texts than are kept for the search")
    return Kept("file", size, at, len(data) if at >= 0 else 0)


def tell_of(path: str, size: int, layer: Layer) -> None:
    """Enter a file of which nothing is kept, where the search tells of it: an archive, the text of a package."""
    if kind_of_text(path.rpartition("/")[2]) or is_archive(path):
        layer.members[path] = Kept("file", size)


def wanted_bytes(path: str, bounds: Bounds) -> int:
    """Return how many bytes of a member a search may ask for, 0 for none."""
    name = path.rpartition("/")[2]
    if kind_of_text(name) and (bounds.packages or not _PACKAGES.search(path)):
        return bounds.text_bytes
    listing = list_names([name])
    if listing.tensors or listing.torch or listing.gguf or listing.possible:
        return _WEIGHT_HEAD_BYTES
    if listing.says_something or listing.card or _CACHED.search(path) or name.startswith("vllm-model_executor"):
        return _HEAD_BYTES
    return 0


def clean_path(name: str) -> str | None:
    """Return a member's path under the root, None for one that leaves it."""
    parts = [part for part in name.replace("\0", "").split("/") if part not in {"", "."}]
    return None if ".." in parts else "/".join(parts)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
