"""Write tiny weight files, sound or broken on purpose: what the authors of a check test it with.

Written from the two format documents, and apart from the readers in `weighbridge.formats`, so that a test
of one is not a test of itself.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Row", "gguf_array", "gguf_bytes", "gguf_text", "gguf_value", "safetensors_bytes", "safetensors_raw"]

_GGUF_TYPES = {bool: (7, "<?"), int: (4, "<I"), float: (6, "<f")}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a GGUF tensor table: shape innermost first, type by number, `offset` None for the next free place."""

    name: str
    shape: tuple[int, ...]
    type_number: int = 0
    n_bytes: int = 0
    offset: int | None = None


def gguf_text(text: str | bytes) -> bytes:
    """Return a text as GGUF stores it: its length in 8 bytes, then its bytes."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def gguf_array(item_type: int, items: Sequence[bytes]) -> bytes:
    """Return a typed GGUF array of encoded items."""
    return struct.pack("<IIQ", 9, item_type, len(items)) + b"".join(items)


def gguf_value(value: Any) -> bytes:
    """Return a typed GGUF value; bytes are taken as encoded already, lists hold texts or integers."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return struct.pack("<I", 8) + gguf_text(value)
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            return gguf_array(8, [gguf_text(item) for item in value])
        return gguf_array(4, [struct.pack("<I", item) for item in value])
    number, form = _GGUF_TYPES[type(value)]
    return struct.pack("<I", number) + struct.pack(form, value)


def gguf_bytes(
    metadata: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
    rows: Sequence[Row] = (),
    *,
    version: int = 3,
    alignment: int = 32,
    data: bytes | None = None,
) -> bytes:
    """Return a GGUF file; the data are zeros that fit the rows unless `data` is given."""
    pairs = list(dict(metadata).items() if not isinstance(metadata, list) else metadata)
    out = bytearray(b"GGUF") + struct.pack("<IQQ", version, len(rows), len(pairs))
    for key, value in pairs:
        out += gguf_text(key) + gguf_value(value)
    end = 0
    for row in rows:
        offset = end if row.offset is None else row.offset
        end = -(-(offset + row.n_bytes) // alignment) * alignment
        out += gguf_text(row.name) + struct.pack("<I", len(row.shape)) + struct.pack(f"<{len(row.shape)}Q", *row.shape)
        out += struct.pack("<IQ", row.type_number, offset)
    out += b"\0" * (-len(out) % alignment)
    return bytes(out) + (b"\0" * end if data is None else data)


def safetensors_raw(header: bytes, data: bytes = b"", *, length: int | None = None) -> bytes:
    """Return a safetensors file around a header given as bytes; `length` overrides the length it claims."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def safetensors_bytes(
    tensors: Mapping[str, tuple[str, Sequence[int], int]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Return a safetensors file of zeros from name -> (dtype, shape, bytes)."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    end = 0
    for name, (dtype, shape, n_bytes) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + n_bytes]}
        end += n_bytes
    return safetensors_raw(json.dumps(header).encode(), b"\0" * end)
