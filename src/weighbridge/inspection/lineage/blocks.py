"""Decode stored rows to numbers: the plain types, and the blocks of ggml that llama.cpp writes.

Block layouts are facts of `ggml-common.h` and `ggml-quants.c` (ggml, MIT), as `gguf` 0.19.0 reads them too. All little
endian. In plain Python: some ten thousand numbers a model are decoded, never a whole tensor.
"""

from __future__ import annotations

import struct
from array import array
from functools import cache
from typing import TYPE_CHECKING

from weighbridge.formats.gguf_types import TENSOR_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["decode", "is_decodable", "row_bytes"]

_PLAIN = {"F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
_SIZES = {name: (elements, size) for name, elements, size in TENSOR_TYPES.values()}
_HALF = struct.Struct("<e").unpack_from
_TWO_HALVES = struct.Struct("<ee").unpack_from
_EIGHT_BITS = struct.Struct("<32b").unpack_from
_SCALES = struct.Struct("<16b").unpack_from
_E4M3_BIAS, _E4M3_NAN = 7, 0x7F


def is_decodable(dtype: str) -> bool:
    """Whether rows of this type can be decoded here."""
    return dtype in _PLAIN or dtype in _BLOCKS


def row_bytes(dtype: str, elements: int) -> int | None:
    """Return the bytes of one row, or None where the type is not decodable or the row holds no whole blocks."""
    if dtype in _PLAIN:
        return elements * _PLAIN[dtype]
    if dtype not in _BLOCKS:
        return None
    block, size = _SIZES[dtype]
    return None if elements % block else elements // block * size


def decode(dtype: str, data: bytes) -> list[float]:
    """Return the numbers of whole rows; raises KeyError for a type that `is_decodable` denies."""
    if dtype in _PLAIN:
        return _plain(dtype, data)
    size = _SIZES[dtype][1]
    read = _BLOCKS[dtype]
    return [number for at in range(0, len(data), size) for number in read(data[at : at + size])]


def _plain(dtype: str, data: bytes) -> list[float]:
    """Read one number after the other."""
    if dtype == "F32":
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    if dtype == "F16":
        return list(struct.unpack(f"<{len(data) // 2}e", data))
    if dtype == "BF16":  # the upper half of an F32
        wide = b"".join(b"\0\0" + data[at : at + 2] for at in range(0, len(data), 2))
        return list(struct.unpack(f"<{len(data) // 2}f", wide))
    table = _eight_bit_table(dtype)
    return [table[byte] for byte in data]


@cache
def _eight_bit_table(dtype: str) -> array[float]:
    """Return the 256 values of an 8-bit float (OCP 8-bit Floating Point Specification 1.0)."""
    if dtype == "F8_E5M2":  # the upper half of an F16
        return array("d", (_HALF(bytes((0, byte)))[0] for byte in range(256)))
    return array("d", (_e4m3(byte) for byte in range(256)))


def _e4m3(byte: int) -> float:
    """Return one E4M3 value: no infinities, and NaN only where all bits but the sign are set."""
    if byte & _E4M3_NAN == _E4M3_NAN:
        return float("nan")
    exponent, fraction = byte >> 3 & 15, byte & 7
    size = (
        fraction / 8 * 2.0 ** (1 - _E4M3_BIAS) if exponent == 0 else (1 + fraction / 8) * 2.0 ** (exponent - _E4M3_BIAS)
    )
    return -size if byte & 0x80 else size


def _nibbles(data: bytes) -> Iterator[int]:
    """Yield the low halves of all bytes, then the high halves."""
    yield from (byte & 15 for byte in data)
    yield from (byte >> 4 for byte in data)


def _q8_0(block: bytes) -> list[float]:
    scale = _HALF(block)[0]
    return [scale * q for q in _EIGHT_BITS(block, 2)]


def _q4_0(block: bytes) -> list[float]:
    scale = _HALF(block)[0]
    return [scale * (q - 8) for q in _nibbles(block[2:])]


def _q4_1(block: bytes) -> list[float]:
    scale, low = _TWO_HALVES(block)
    return [scale * q + low for q in _nibbles(block[4:])]


def _q5_0(block: bytes) -> list[float]:
    scale, fifth = _HALF(block)[0], int.from_bytes(block[2:6], "little")
    return [scale * ((q | (fifth >> j & 1) << 4) - 16) for j, q in enumerate(_nibbles(block[6:]))]


def _q5_1(block: bytes) -> list[float]:
    scale, low = _TWO_HALVES(block)
    fifth = int.from_bytes(block[4:8], "little")
    return [scale * (q | (fifth >> j & 1) << 4) + low for j, q in enumerate(_nibbles(block[8:]))]


def _scales_of_k(packed: bytes) -> list[tuple[int, int]]:
    """Return the eight 6-bit pairs of scale and minimum that Q4_K and Q5_K pack into 12 bytes."""
    first = [(packed[j] & 63, packed[j + 4] & 63) for j in range(4)]
    rest = [(packed[j + 8] & 15 | packed[j] >> 6 << 4, packed[j + 8] >> 4 | packed[j + 4] >> 6 << 4) for j in range(4)]
    return first + rest


def _q4_k(block: bytes) -> list[float]:
    return _k(block, block[16:], b"")


def _q5_k(block: bytes) -> list[float]:
    return _k(block, block[48:], block[16:48])


def _k(block: bytes, quants: bytes, fifth: bytes) -> list[float]:
    """Read a block of 256: four groups of 64, each 32 bytes whose low halves come first."""
    scale, low = _TWO_HALVES(block)
    out: list[float] = []
    for part, (times, less) in enumerate(_scales_of_k(block[4:16])):
        group = quants[part // 2 * 32 : part // 2 * 32 + 32]
        shift = part % 2 * 4
        if fifth:
            whole = [group[j] >> shift & 15 | (fifth[j] >> part & 1) << 4 for j in range(32)]
        else:
            whole = [byte >> shift & 15 for byte in group]
        out += [scale * times * q - low * less for q in whole]
    return out


def _q6_k(block: bytes) -> list[float]:
    """Read a block of 256: two halves, each of four groups of 32 that share their upper bits' bytes."""
    scale = _HALF(block, 208)[0]
    scales = _SCALES(block, 192)
    out: list[float] = []
    for half in range(2):
        lower, upper = block[half * 64 : half * 64 + 64], block[128 + half * 32 : 160 + half * 32]
        for group in range(4):
            at, shift = group % 2 * 32, group // 2 * 4
            for j in range(32):
                q = (lower[at + j] >> shift & 15 | (upper[j] >> 2 * group & 3) << 4) - 32
                out.append(scale * scales[half * 8 + group * 2 + j // 16] * q)
    return out


_BLOCKS: dict[str, Callable[[bytes], list[float]]] = {
    "Q8_0": _q8_0, "Q4_0": _q4_0, "Q4_1": _q4_1, "Q5_0": _q5_0, "Q5_1": _q5_1, "Q4_K": _q4_k, "Q5_K": _q5_k,
    "Q6_K": _q6_k,
}  # fmt: skip
