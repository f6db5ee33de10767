"""Walk the fields of a protobuf message without its schema, bounded; nothing is copied but what is asked for.

Source: protobuf.dev, "Encoding". Groups (wire types 3 and 4) are refused: no format read here uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.formats.source import Ended, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.formats.source import Source

__all__ = ["Field", "Malformed", "Steps", "fields_of", "text_of"]

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10
_LONGEST_TEXT = 4096


class Malformed(Exception):
    """The bytes are no protobuf message, or hold more fields than may be read."""


@dataclass(slots=True)
class Steps:
    """How many fields may still be read, of one file."""

    left: int = 4_000_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, and where its bytes lie; `value` is that of a varint."""

    number: int
    at: int
    size: int
    value: int = 0
    is_bytes: bool = False


def fields_of(source: Source, at: int, size: int, steps: Steps) -> Iterator[Field]:
    """Yield the fields of the message in `size` bytes from `at`; raises Malformed."""
    reader, end = Reader(source, at), at + size
    try:
        while reader.at < end:
            steps.left -= 1
            if steps.left < 0:
                raise Malformed("holds more fields than are read")
            key = _varint(reader)
            field = _field(reader, key >> 3, key & 7)
            if not key >> 3 or reader.at > end:
                raise Malformed("a field leaves its message")
            yield field
    except Ended as error:
        raise Malformed("ends inside a field") from error


def text_of(source: Source, field: Field) -> str:
    """Return the bytes of a field as text, at most 4,096 of them; what is no UTF-8 is replaced."""
    return source.read(field.at, min(field.size, _LONGEST_TEXT)).decode("utf-8", "replace")


def _field(reader: Reader, number: int, wire: int) -> Field:
    if wire == _VARINT:
        at = reader.at
        value = _varint(reader)
        return Field(number, at, reader.at - at, value)
    if wire in {_EIGHT, _FOUR}:
        size = 8 if wire == _EIGHT else 4
        return Field(number, reader.skip(size), size)
    if wire == _BYTES:
        size = _varint(reader)
        return Field(number, reader.skip(size), size, is_bytes=True)
    raise Malformed("has a field of a wire type that is not used")


def _varint(reader: Reader) -> int:
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = reader.take(1)[0]
        value |= (byte & 127) << 7 * place
        if byte < 128:  # noqa: PLR2004 - the high bit says that more follows
            return value
    raise Malformed("has a number of more than ten bytes")
