"""The hub's own account of safetensors: how many elements of which type, and the headers of all shards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.formats.safetensors import BITS, MAX_HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.hub.remote.listing import Facts, RemoteFile

__all__ = ["declared_bytes", "rebuild_header"]

_LENGTH_BYTES = 8
_MOST_OF_ONE_HEADER = 1 << 20  # of shards as they are published; a header of one file alone may be longer
_LEAST_HEADER = 2


def declared_bytes(facts: Facts, files: Sequence[RemoteFile]) -> int | None:
    """Return the bytes of all tensors by the hub's count of elements, where the sizes of these files agree with it.

    Between the two lie just the headers: 8 bytes and 2 bytes to 1 MiB of JSON a file. Otherwise None: the count is of
    other files, of another revision, or of packed elements.
    """
    if not files or not facts.elements_by_dtype or any(dtype not in BITS for dtype, _ in facts.elements_by_dtype):
        return None
    bits = sum(BITS[dtype] * count for dtype, count in facts.elements_by_dtype)
    headers = sum(file.size for file in files) - _LENGTH_BYTES * len(files) - bits // 8
    if bits % 8 or not _LEAST_HEADER * len(files) <= headers <= _MOST_OF_ONE_HEADER * len(files):
        return None
    return bits // 8


def rebuild_header(file: RemoteFile, header: Any) -> bytes | None:
    """Return the length and a header of just the length that this file's must have, from the hub's copy of it.

    The data are dense and end with the file, so the header's length follows from where the last tensor ends. The JSON
    may be spaced otherwise than in the file. None where the copy contradicts the file's size.
    """
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        return None
    ends = [_end(entry) for name, entry in header.items() if name != "__metadata__"]
    if any(end is None for end in ends):
        return None
    length = file.size - _LENGTH_BYTES - max((end for end in ends if end is not None), default=0)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    if not len(text) <= length <= MAX_HEADER_BYTES:
        return None
    return length.to_bytes(_LENGTH_BYTES, "little") + text + b" " * (length - len(text))


def _end(entry: Any) -> int | None:
    """Return where a tensor ends in the data, or None where the entry does not say."""
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if isinstance(offsets, list) and len(offsets) == 2 and type(offsets[1]) is int:  # noqa: PLR2004 - begin and end
        return offsets[1]
    return None
