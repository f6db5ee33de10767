"""Read the header of a GGUF file: its metadata and its tensor table, versions 2 and 3, little endian.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Vocabularies are passed over, not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.cursor import Cursor
from weighbridge.formats.gguf_types import SCALARS, TENSOR_TYPES, TYPE_NAMES
from weighbridge.formats.place import damaged, quote
from weighbridge.formats.tensor import Tensor, count_elements, find_overlap, say_cut

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["GGUFHeader", "Omitted", "Value", "read_gguf", "read_gguf_facts"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_BOOL, _TEXT, _ARRAY = 7, 8, 9
_DEFAULT_ALIGNMENT = 32
_MAX_ALIGNMENT = 1 << 20

_MAX_HEADER_BYTES = 512 << 20
_MAX_KEYS = 16_384
_MAX_KEY_BYTES = 1024
_MAX_TENSORS = 65_536
_MAX_NAME_BYTES = 256  # the format says 64; some converters were built with more
_MAX_DIMENSIONS = 4
_MAX_ITEMS = 16_000_000  # items of one array; the largest vocabularies hold about 500,000 merges
_MAX_STEPS = 8_000_000  # texts and inner arrays passed over one by one, in the whole file
_KEPT_TEXT_BYTES = 1 << 20
_KEPT_ITEMS = 1024
_KEPT_BYTES = 8 << 20
_ITEM_BYTES = 50  # what CPython spends on a small value in a tuple
_ARRAY_STEPS = 16  # an inner array costs as much time as so many texts


@dataclass(frozen=True, slots=True)
class Omitted:
    """A value that was passed over: an array of `length` items or a text of `length` bytes, from byte `at` on."""

    length: int
    at: int = field(default=0, compare=False)


Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...] | Omitted


@dataclass(frozen=True, slots=True)
class GGUFHeader:
    """What a GGUF file holds: metadata by key, and tensors in the order of the table (innermost dimension first).

    `damage` says what is wrong with the data behind a sound header, as in "(the file) ends at byte 10, ...".
    Data begin at byte `start`, where the offsets of tensors count from, after padding from byte `table_end` on.
    """

    path: Path
    version: int
    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    damage: tuple[str, ...]
    start: int
    table_end: int
    alignment: int


def read_gguf(path: Path) -> GGUFHeader:
    """Read and check the header of a GGUF file; raises DamagedFile where it contradicts the format."""
    with BoundedFile(path) as file:
        file.refuse_pointer()
        return _Reader(path, file).read()


def read_gguf_facts(head: bytes, path: Path) -> dict[str, Value]:
    """Return the metadata that stand before the tokenizer's, from the first bytes of a file; raises DamagedFile.

    Writers put what names a model first (`general.name`, `general.base_model.*`), so that 64 KiB hold it.
    """
    return _Reader(path, _Head(path, head)).facts()


@dataclass(frozen=True, slots=True)
class _Head:
    """The first bytes of a file, as a file of their own."""

    path: Path
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


class _Reader:
    """One pass over one file, with the budgets that this file has left."""

    def __init__(self, path: Path, file: BoundedFile | _Head) -> None:
        self._path = path
        self._size = file.size
        self._cursor = Cursor(file, _MAX_HEADER_BYTES)
        self._steps = _MAX_STEPS
        self._kept = _KEPT_BYTES

    def read(self) -> GGUFHeader:
        version = self._version()
        n_tensors = self._count("the number of tensors", _MAX_TENSORS)
        n_keys = self._count("the number of metadata keys", _MAX_KEYS)
        metadata = self._metadata(n_keys)
        alignment = self._alignment(metadata)
        tensors = self._tensors(n_tensors, alignment)
        end = self._cursor.at
        start = -(-end // alignment) * alignment
        damage = self._damage(tensors, start)
        return GGUFHeader(self._path, version, metadata, tensors, damage, start, end, alignment)

    def facts(self) -> dict[str, Value]:
        self._version()
        self._count("the number of tensors", _MAX_TENSORS)
        return self._metadata(self._count("the number of metadata keys", _MAX_KEYS), until="tokenizer.")

    def _version(self) -> int:
        magic = self._cursor.take(4, "the magic")
        if magic != _MAGIC:
            raise damaged(self._path, f"is not a GGUF file: it starts with {quote(magic.decode('latin-1'))}")
        version = int(self._cursor.number("<I", "the version"))
        if version in _VERSIONS:
            return version
        if version and not version & 0xFFFF:
            raise damaged(self._path, "is a big-endian GGUF file, which Weighbridge cannot read")
        raise damaged(self._path, f"is GGUF version {version} at byte 4; versions 2 and 3 can be read")

    def _count(self, what: str, most: int) -> int:
        at = self._cursor.at
        count = int(self._cursor.number("<Q", what))
        if count > most:
            raise damaged(self._path, f"gives {count} as {what} at byte {at}; at most {most} are read")
        return count

    def _metadata(self, n_keys: int, until: str | None = None) -> dict[str, Value]:
        metadata: dict[str, Value] = {}
        for number in range(n_keys):
            at = self._cursor.at
            key = self._text(f"metadata key {number}", _MAX_KEY_BYTES)
            if until and key.startswith(until):
                break
            if key in metadata:
                raise damaged(self._path, f"holds the key {quote(key)} twice, again at byte {at}")
            what = f"the value of {quote(key)}"
            metadata[key] = self._value(int(self._cursor.number("<I", what)), what)
        return metadata

    def _text(self, what: str, most: int) -> str:
        """Return a short text that must be there, as a key or a name."""
        at = self._cursor.at
        length = int(self._cursor.number("<Q", what))
        if length > most:
            raise damaged(self._path, f"gives {what} a length of {length} bytes at byte {at}; at most {most} are read")
        return self._decode(self._cursor.take(length, what), what)

    def _decode(self, data: bytes, what: str) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            at = self._cursor.at - len(data) + error.start
            raise damaged(self._path, f"is not UTF-8 in {what} at byte {at}") from error

    def _value(self, kind: int, what: str) -> Value:
        if kind == _TEXT:
            return self._text_value(what)
        if kind == _ARRAY:
            return self._array(what, depth=0)
        return self._scalar(kind, what)

    def _scalar(self, kind: int, what: str) -> Scalar:
        at = self._cursor.at
        if kind not in SCALARS:
            raise damaged(self._path, f"gives {what} the unknown type {kind} at byte {at - 4}")
        value: int | float = self._cursor.number(SCALARS[kind][0], what)
        if kind != _BOOL:
            return value
        if value not in {0, 1}:
            raise damaged(self._path, f"gives {what} the truth value {value} at byte {at}")
        return bool(value)

    def _text_value(self, what: str) -> str | Omitted:
        length = int(self._cursor.number("<Q", what))
        if length > min(_KEPT_TEXT_BYTES, self._kept):
            self._cursor.skip(length, what)
            return Omitted(length, self._cursor.at - length)
        self._kept -= length
        return self._decode(self._cursor.take(length, what), what)

    def _array(self, what: str, depth: int) -> tuple[Scalar, ...] | Omitted:
        """Read a short array, pass over a long one; an array of arrays is passed over whatever its length."""
        kind = int(self._cursor.number("<I", what))
        length = self._count(f"the length of {what}", _MAX_ITEMS)
        begin = self._cursor.at
        if kind in SCALARS:
            if depth == 0 and self._keep(length):
                return tuple(self._scalar(kind, what) for _ in range(length))
            self._cursor.skip(length * SCALARS[kind][1], what)
        elif kind == _TEXT:
            if depth == 0 and self._keep(length):
                return self._texts(length, what)
            self._spend(length, what)
            self._cursor.skip_texts(length, what)
        elif kind == _ARRAY and depth < _MAX_DIMENSIONS:
            self._spend(length * _ARRAY_STEPS, what)
            for _ in range(length):
                self._array(what, depth + 1)
        else:
            raise damaged(self._path, f"gives {what} an array of unknown type {kind} before byte {self._cursor.at}")
        return Omitted(length, begin)

    def _texts(self, length: int, what: str) -> tuple[Scalar, ...] | Omitted:
        begin = self._cursor.at
        texts = [self._text_value(what) for _ in range(length)]
        kept = tuple(text for text in texts if isinstance(text, str))
        return kept if len(kept) == length else Omitted(length, begin)

    def _keep(self, items: int) -> bool:
        """Whether an array is short enough to be kept; takes its cost from the budget."""
        if items > min(_KEPT_ITEMS, self._kept // _ITEM_BYTES):
            return False
        self._kept -= items * _ITEM_BYTES
        return True

    def _spend(self, steps: int, what: str) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise damaged(self._path, f"holds more than {_MAX_STEPS} texts and arrays, at {what}")

    def _alignment(self, metadata: dict[str, Value]) -> int:
        value = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
        if type(value) is not int or not 0 < value <= _MAX_ALIGNMENT or value & (value - 1):
            raise damaged(self._path, f"gives `general.alignment` as {quote(str(value))}, which is no power of two")
        return value

    def _tensors(self, n_tensors: int, alignment: int) -> tuple[Tensor, ...]:
        tensors: dict[str, Tensor] = {}
        for number in range(n_tensors):
            tensor = self._tensor(number)
            if tensor.name in tensors:
                raise damaged(self._path, f"holds the tensor {quote(tensor.name)} twice")
            if tensor.offset % alignment:
                raise damaged(
                    self._path,
                    f"places the tensor {quote(tensor.name)} at data byte {tensor.offset}, no multiple of {alignment}",
                )
            tensors[tensor.name] = tensor
        if pair := find_overlap(tensors.values()):
            first, second = (quote(tensor.name) for tensor in pair)
            raise damaged(self._path, f"lets the tensors {first} and {second} overlap at data byte {pair[1].offset}")
        return tuple(tensors.values())

    def _tensor(self, number: int) -> Tensor:
        """Read one row of the tensor table."""
        name = self._text(f"the name of tensor {number}", _MAX_NAME_BYTES)
        what = f"the table row of {quote(name)}"
        n_dimensions = int(self._cursor.number("<I", what))
        if n_dimensions > _MAX_DIMENSIONS:
            raise damaged(self._path, f"gives the tensor {quote(name)} {n_dimensions} dimensions; GGUF has at most 4")
        shape = tuple(int(self._cursor.number("<Q", what)) for _ in range(n_dimensions))
        kind = int(self._cursor.number("<I", what))
        offset = int(self._cursor.number("<Q", what))
        elements = count_elements(shape)
        if elements is None:
            raise damaged(self._path, f"gives the tensor {quote(name)} a shape of more than 2**53 elements")
        if kind not in TENSOR_TYPES:
            return Tensor(name, TYPE_NAMES.get(kind, f"type {kind}"), shape, elements, None, offset)
        dtype, block_elements, block_bytes = TENSOR_TYPES[kind]
        if (shape[0] if shape else 1) % block_elements:
            raise damaged(
                self._path, f"gives the tensor {quote(name)} rows of {shape[:1]} elements, no whole blocks of {dtype}"
            )
        return Tensor(name, dtype, shape, elements, elements // block_elements * block_bytes, offset)

    def _damage(self, tensors: tuple[Tensor, ...], start: int) -> tuple[str, ...]:
        """Find the tensors whose data the file does not hold."""
        ends = [(start + tensor.offset + (tensor.n_bytes or 0), tensor) for tensor in tensors if tensor.elements]
        cut = [tensor for end, tensor in ends if end > self._size]
        if not cut:
            return ()
        first = min(cut, key=lambda tensor: tensor.offset)
        return (say_cut(self._size, first, start, len(cut), len(tensors)),)
