from __future__ import annotations

import hashlib
import math
import struct

import pytest

from weighbridge.inspection.lineage.blocks import decode, is_decodable, row_bytes

# two blocks of pseudo-random bytes a type; the values are those that `gguf` 0.19.0 (quants.dequantize) gives: the
# n-th of each n-th eighth, and the sum of all
HALVES = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
BY_GGUF = [
    ("Q8_0", 34, [-10.0, 31.75, 12.25, -28.25, 61.0, 43.5, -8.5, -10.5], -73.5),
    ("Q4_0", 18, [-0.25, 0.25, 0.25, -1.5, 2.5, 2.0, -3.0, -1.0], -0.5),
    ("Q4_1", 20, [-0.5, 1.25, -1.25, 1.75, -1.5, 1.0, 2.0, 3.5], 29.25),
    ("Q5_0", 22, [-2.75, -1.0, 3.25, 1.5, 2.0, 5.0, -0.5, 6.5], 28.25),
    ("Q5_1", 24, [6.0, -0.5, -0.75, 1.0, 12.0, 12.5, 5.0, 1.5], 220.5),
    ("Q4_K", 144, [19.5, 245.0, 78.75, 80.5, 312.0, 157.5, 129.5, 237.0], 69081.0),
    ("Q5_K", 176, [151.5, 188.75, 41.25, 466.5, 165.0, 523.0, 537.0, 523.5], 150104.0),
    ("Q6_K", 210, [187.5, -53.75, 537.5, 227.5, -1524.0, 720.0, -1798.0, -70.0], -8891.25),
]


def _blocks(name: str, size: int) -> bytes:
    """Return two blocks whose scales are small numbers and whose other bytes come from a hash."""
    data = bytearray(hashlib.shake_256(name.encode()).digest(size * 2))
    for block in range(2):
        for number, place in enumerate(HALVES.get(name, (0,))):
            struct.pack_into("<e", data, block * size + place, (0.25, -1.5)[number] * (block + 1))
    return bytes(data)


@pytest.mark.parametrize(("name", "size", "values", "total"), BY_GGUF)
def test_blocks_decode_as_llama_cpp_reads_them(name: str, size: int, values: list[float], total: float) -> None:
    """Every value where one is stated, and the sum of all, as the package `gguf` has them."""
    decoded = decode(name, _blocks(name, size))
    step = len(decoded) // 8
    assert [decoded[at * step + at] for at in range(8)] == values
    assert math.fsum(decoded) == total
    assert row_bytes(name, len(decoded)) == 2 * size


def test_plain_types_decode_as_their_standards_say() -> None:
    """BF16 is the upper half of an F32; OCP's 8-bit floats end at 448 and 57344 and begin at 2^-9 and 2^-16."""
    assert decode("F32", struct.pack("<2f", 1.5, -2.0)) == [1.5, -2.0]
    assert decode("F16", struct.pack("<2e", 0.25, 65504.0)) == [0.25, 65504.0]
    assert decode("BF16", struct.pack("<f", 1.5)[2:] + struct.pack("<f", -3.0)[2:]) == [1.5, -3.0]
    assert decode("F8_E4M3", bytes((0x7E, 0x01, 0x08, 0xB8, 0x00))) == [448.0, 2**-9, 2**-6, -1.0, 0.0]
    assert decode("F8_E5M2", bytes((0x7B, 0x01, 0xBC))) == [57344.0, 2**-16, -1.0]
    assert math.isnan(decode("F8_E4M3", b"\xff")[0])


def test_other_types_and_broken_rows_are_refused() -> None:
    """A type that is not decoded, or a row of no whole blocks, has no size: it is never read."""
    assert not is_decodable("IQ2_XXS")
    assert row_bytes("IQ2_XXS", 256) is None
    assert row_bytes("Q4_K", 255) is None
    assert row_bytes("U32", 8) is None
