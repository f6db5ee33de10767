"""Look at the bytes of weight files that are no tensor's: tails, gaps, padding, metadata; and at tensors that lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weighbridge.formats.embedded import embedded_in, embedded_in_text, is_tag_hidden
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from weighbridge.formats.bounded_file import BoundedFile
    from weighbridge.formats.gguf import GGUFHeader
    from weighbridge.formats.safetensors import SafetensorsHeader
    from weighbridge.formats.tensor import Tensor

__all__ = ["Stray", "in_gguf", "in_safetensors"]

_LENGTH_BYTES = 8
_READ_BYTES = 4 << 20
_OVERLAP = 4096  # of two readings: no mark is longer
_MOST_SEARCHED = 256 << 20  # of one stretch, from its beginning; 34 MiB a second
_MOST_GAPS = 4096
_MOST_TENSORS = 4096
_HEAD_BYTES = 256
_BYTE_TYPES = frozenset({"U8", "I8", "BOOL"})
_LONG_BLANK = 64 << 10
_LONGEST_TEXT = 1 << 20
_TEMPLATES = "tokenizer.chat_template"
_MOST_TYPES = 64  # ggml has 41 tensor types; the next ones will follow on


@dataclass(frozen=True, slots=True)
class Stray:
    """One thing beside the tensors: `payload` is another format, `broken` against the format, `odd` merely strange.

    `unread` is more than is searched.
    """

    kind: Literal["payload", "broken", "odd", "unread"]
    what: str


def in_safetensors(file: BoundedFile, header: SafetensorsHeader) -> Iterator[Stray]:
    """Yield what a sound safetensors file holds beside its tensors."""
    length = int.from_bytes(file.read(0, _LENGTH_BYTES), "little")
    start = _LENGTH_BYTES + length
    end = start + max((tensor.offset + (tensor.n_bytes or 0) for tensor in header.tensors), default=0)
    yield from _payloads(file, end, file.size, "the bytes after the last tensor")
    if (blank := _blanks_before(file, start)) > _LONG_BLANK:
        yield Stray("odd", f"pads its header with {blank:,} blanks")
    texts = list(_texts((f"`__metadata__` {quote(key)}", text) for key, text in header.metadata.items()))
    if not texts and length <= _LONGEST_TEXT:  # entries may have keys of their own, which no loader reads
        texts = list(_texts([("its header", file.read(_LENGTH_BYTES, length).decode("utf-8", "replace"))]))
    yield from texts
    yield from _tensors(file, start, [tensor for tensor in header.tensors if tensor.dtype in _BYTE_TYPES])


def in_gguf(file: BoundedFile, header: GGUFHeader) -> Iterator[Stray]:
    """Yield what a sound GGUF file holds beside its tensors."""
    yield from _padding(file, header.table_end, header.start, "the padding before the data")
    known = [tensor for tensor in header.tensors if tensor.n_bytes is not None]
    if len(known) == len(header.tensors):  # a type of unknown size leaves gaps that are none
        yield from _gaps(file, header, known)
    for tensor in header.tensors:
        number = tensor.dtype.removeprefix("type ")
        if tensor.n_bytes is None and number.isdigit() and int(number) >= _MOST_TYPES:
            yield Stray("broken", f"gives the tensor {quote(tensor.name)} the type {number}, which ggml does not have")
            break
    texts = [(quote(key), value) for key, value in header.metadata.items() if isinstance(value, str)]
    yield from _texts((key, text) for key, text in texts if not key.startswith(f"`{_TEMPLATES}"))
    yield from _tensors(file, header.start, [tensor for tensor in known if tensor.dtype == "I8"])


def _gaps(file: BoundedFile, header: GGUFHeader, tensors: Sequence[Tensor]) -> Iterator[Stray]:
    """Yield what lies between tensors and after them: zeros up to the next multiple of the alignment belong there."""
    at, looked = header.start, 0
    for tensor in sorted(tensors, key=lambda one: one.offset):
        begin = header.start + tensor.offset
        if begin > at and looked < _MOST_GAPS:
            looked += 1
            if begin - at >= header.alignment:
                what = f"leaves {begin - at:,} bytes before the tensor {quote(tensor.name)} that belong to no tensor"
                yield Stray("broken", what)
                yield from _payloads(file, at, begin, f"the bytes before {quote(tensor.name)}")
            else:
                yield from _padding(file, at, begin, f"the padding before {quote(tensor.name)}")
        at = max(at, begin + (tensor.n_bytes or 0))
    if file.size - at >= header.alignment:
        yield Stray("broken", f"has {file.size - at:,} bytes after byte {at} that belong to no tensor")
        yield from _payloads(file, at, file.size, "the bytes after the last tensor")
    else:
        yield from _padding(file, at, file.size, "the padding after the last tensor")


def _padding(file: BoundedFile, begin: int, end: int, where: str) -> Iterator[Stray]:
    """Yield padding that is not zero."""
    if end <= begin:
        return
    data = file.read(begin, min(end - begin, _READ_BYTES))
    if data.strip(b"\0"):
        yield Stray("broken", f"does not fill {where} (bytes {begin} to {end}) with zeros")
        yield from _payloads(file, begin, end, where)


def _payloads(file: BoundedFile, begin: int, end: int, where: str) -> Iterator[Stray]:
    """Yield the formats that begin in a stretch of a file, each once; of one beyond the bound its end is read too."""
    end = min(end, file.size)
    if end <= begin:
        return
    seen: set[str] = set()
    stop = min(end, begin + _MOST_SEARCHED)
    for at in dict.fromkeys((*range(begin, stop, _READ_BYTES), max(begin, end - _READ_BYTES))):
        for place, what in embedded_in(file.read(at, min(_READ_BYTES + _OVERLAP, end - at))):
            if what not in seen:
                seen.add(what)
                yield Stray("payload", f"hides {what} at byte {at + place}, in {where}")
    if stop < end - _READ_BYTES:
        yield Stray("unread", f"has {end - begin:,} bytes as {where}; {_MOST_SEARCHED:,} of them were searched")


def _texts(texts: Iterable[tuple[str, str]]) -> Iterator[Stray]:
    for where, text in texts:
        for what in embedded_in_text(text[:_LONGEST_TEXT]):
            yield Stray("payload", f"carries {quote(what)} in {where}")
        if is_tag_hidden(text[:_LONGEST_TEXT]):
            yield Stray("payload", f"hides text in tag characters in {where}")


def _tensors(file: BoundedFile, start: int, tensors: Sequence[Tensor]) -> Iterator[Stray]:
    """Yield tensors of bytes that begin as another format."""
    for tensor in tensors[:_MOST_TENSORS]:
        head = file.read(start + tensor.offset, min(_HEAD_BYTES, tensor.n_bytes or 0))
        for at, what in embedded_in(head):
            if at == 0 and what not in {"a pickle", "gzip data"}:  # too short a mark for what may be any bytes
                yield Stray("payload", f"hides {what} as the tensor {quote(tensor.name)}")


def _blanks_before(file: BoundedFile, end: int) -> int:
    """Return how many blanks stand before a place, as far as 1 MiB."""
    begin = max(_LENGTH_BYTES, end - (1 << 20))
    data = file.read(begin, end - begin)
    return len(data) - len(data.rstrip(b" "))
