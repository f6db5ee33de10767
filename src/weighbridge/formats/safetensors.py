"""Read the header of a safetensors file: names, types, shapes and places of its tensors.

Format: https://github.com/huggingface/safetensors#format (8 bytes of length, a JSON header, the data).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.place import damaged, quote
from weighbridge.formats.strict_json import parse_json
from weighbridge.formats.tensor import Tensor, count_elements, find_overlap, say_cut

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BITS", "MAX_HEADER_BYTES", "SafetensorsHeader", "read_header"]

_LENGTH_BYTES = 8
MAX_HEADER_BYTES = 16 << 20  # about 90,000 tensors; the format's own limit of 100 MB would not fit in our memory
_FORMAT_MAX_BYTES = 100_000_000
_MAX_DIMENSIONS = 64

# bits of one element, as safetensors 0.8.0 names them
BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """What a safetensors file holds.

    `damage` says what is wrong with the data behind a sound header, as in "(the file) ends at byte 10, ...":
    cut short, or bytes that belong to no tensor. Tensors stand in the order of their data.
    """

    path: Path
    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]
    damage: tuple[str, ...]


def read_header(path: Path) -> SafetensorsHeader:
    """Read and check the header of a safetensors file; raises DamagedFile where it contradicts the format."""
    with BoundedFile(path) as file:
        file.refuse_pointer()
        raw = _read_json(file)
        size = file.size
    start = _LENGTH_BYTES + len(raw)
    value = parse_json(raw, f"{path} (header)", max_bytes=MAX_HEADER_BYTES)
    del raw
    if not isinstance(value, dict):
        raise damaged(path, f"has a header that is not a JSON object at byte {_LENGTH_BYTES}")
    metadata = _metadata(path, value.pop("__metadata__", {}))
    tensors: list[Tensor] = []
    while value:  # entry by entry, so that the parsed header does not stay beside the table
        name, entry = value.popitem()
        tensors.append(_tensor(path, name, entry))
    tensors.sort(key=lambda tensor: (tensor.offset, tensor.n_bytes, tensor.name))
    end = _refuse_holes(path, tensors)
    return SafetensorsHeader(path, tuple(tensors), metadata, _damage(tensors, start, end, size))


def _read_json(file: BoundedFile) -> bytes:
    """Return the bytes of the JSON header, read only after its length is believable."""
    head = file.read(0, _LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        raise damaged(file.path, f"ends at byte {file.size}, before the 8 bytes that give the header's length")
    length = int.from_bytes(head, "little")
    if length > _FORMAT_MAX_BYTES:
        raise damaged(file.path, f"claims a header of {length} bytes at byte 0; the format allows {_FORMAT_MAX_BYTES}")
    if length > file.size - _LENGTH_BYTES:
        raise damaged(file.path, f"ends at byte {file.size}, inside its header of {length} bytes")
    if length > MAX_HEADER_BYTES:
        raise damaged(file.path, f"has a header of {length} bytes; at most {MAX_HEADER_BYTES} are read here")
    return file.read(_LENGTH_BYTES, length)


def _metadata(path: Path, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise damaged(path, "has a `__metadata__` that does not map text to text")
    return value


def _tensor(path: Path, name: str, entry: Any) -> Tensor:
    """Check one entry of the header against itself."""
    if not isinstance(entry, dict):
        raise damaged(path, f"describes the tensor {quote(name)} without an object")
    dtype, shape, offsets = entry.get("dtype"), _counts(entry.get("shape")), _counts(entry.get("data_offsets"))
    if not isinstance(dtype, str) or dtype not in BITS:
        raise damaged(path, f"gives the tensor {quote(name)} the unknown type {quote(str(dtype))}")
    if shape is None or len(shape) > _MAX_DIMENSIONS:
        raise damaged(path, f"gives the tensor {quote(name)} a shape that is no short list of counts")
    elements = count_elements(shape)
    if elements is None:
        raise damaged(path, f"gives the tensor {quote(name)} a shape of more than 2**53 elements")
    if offsets is None or len(offsets) != 2 or offsets[0] > offsets[1]:  # noqa: PLR2004 - begin and end
        raise damaged(path, f"gives the tensor {quote(name)} data offsets that are not a begin and an end")
    n_bytes, odd_bits = divmod(elements * BITS[dtype], 8)
    begin, end = offsets
    if odd_bits or end - begin != n_bytes:
        takes = f"{dtype} {list(shape)} takes {n_bytes}"
        raise damaged(path, f"gives the tensor {quote(name)} {end - begin} bytes at {begin}, but {takes}")
    # the table keeps one string a type, not one a tensor
    return Tensor(name, _INTERNED[dtype], shape, elements, n_bytes, begin)


_INTERNED = {dtype: dtype for dtype in BITS}


def _counts(value: Any) -> tuple[int, ...] | None:
    """Return a list of counts, or None where it is anything else."""
    if isinstance(value, list) and all(type(item) is int and 0 <= item < 2**64 for item in value):
        return tuple(value)
    return None


def _refuse_holes(path: Path, tensors: list[Tensor]) -> int:
    """Return where the data end; the format wants them dense and without overlap."""
    if pair := find_overlap(tensors):
        first, second = (quote(tensor.name) for tensor in pair)
        raise damaged(path, f"lets the tensors {first} and {second} overlap at data byte {pair[1].offset}")
    end = 0
    for tensor in tensors:
        if tensor.offset != end:
            raise damaged(path, f"leaves a hole in the data from byte {end} to {quote(tensor.name)} at {tensor.offset}")
        end += tensor.n_bytes or 0
    return end


def _damage(tensors: list[Tensor], start: int, end: int, size: int) -> tuple[str, ...]:
    """Compare where the data should end with where the file does."""
    need = start + end
    if size < need:
        cut = [tensor for tensor in tensors if start + tensor.offset + (tensor.n_bytes or 0) > size]
        return (say_cut(size, cut[0], start, len(cut), len(tensors)),)
    if size > need:
        return (f"has {size - need} bytes after byte {need} that belong to no tensor",)
    return ()
