"""How one weight matrix is stored: bits of a weight, blocks that share a scale, and what else stands beside it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.inspection.anatomy.structure import Weight

__all__ = ["Coding", "Stored", "codings"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What a checkpoint stores for some weights: bytes, elements that hold them, and elements beside them.

    `scales` counts those beside blocks and columns (`partial` of them for blocks that the matrix does not fill),
    `extras` those of which each matrix has a few.
    """

    n_bytes: int
    packed: int
    scales: int = 0
    extras: int = 0
    partial: int = 0


@dataclass(frozen=True, slots=True)
class Coding:
    """One way to store a matrix of shape (out, in).

    `bits` of a weight, kept in elements of `container` bits. Each block of `block_out` x `block_in` weights (0 is
    the whole axis) has a scale of `scale_bits` and, where `zero_bits` is not 0, a zero point (or bias) of as many,
    packed into elements of `zero_container` bits. `column_bits` stand for each input column (GPTQ's `g_idx`);
    `matrix_elements` and `matrix_bytes` for each matrix (a second scale, an input scale, its shape).
    """

    name: str
    bits: int
    container: int
    block_out: int = 0
    block_in: int = 0
    scale_bits: int = 0
    zero_bits: int = 0
    zero_container: int = 0
    column_bits: int = 0
    matrix_elements: int = 0
    matrix_bytes: int = 0
    nested_block: int = 0  # scales that share one fp32 scale of their own (double quantization)
    is_flat: bool = False  # blocks run over the whole matrix, not along rows
    is_divisible: bool = False  # a matrix whose rows are no whole number of blocks stays as it is

    def store(self, weight: Weight) -> Stored:
        """Return what a checkpoint stores for all copies of a matrix; leading axes beyond two are further copies."""
        copies = weight.copies * prod(weight.shape[:-2])
        rows, columns = weight.shape[-2:]
        blocks = self._blocks(rows, columns) if self.scale_bits else 0
        nested = _ceil(blocks, self.nested_block) if self.nested_block else 0
        zeros = _ceil(blocks * self.zero_bits, self.zero_container) if self.zero_bits else 0
        packed = _ceil(rows * columns * self.bits, self.container)
        n_bytes = (
            packed * self.container // 8
            + (blocks * self.scale_bits + zeros * self.zero_container + columns * self.column_bits) // 8
            + 4 * nested
            + self.matrix_bytes
        )
        scales = blocks + nested + zeros + (columns if self.column_bits else 0)
        partial = blocks - (rows // self.block_out) * (columns // self.block_in) if self.block_out > 1 else 0
        return Stored(
            copies * n_bytes, copies * packed, copies * scales, copies * self.matrix_elements, copies * partial
        )

    def fits(self, weight: Weight) -> bool:
        """Whether a matrix can be stored in this way."""
        return not (self.is_divisible and self.block_in and weight.shape[-1] % self.block_in)

    def _blocks(self, rows: int, columns: int) -> int:
        if self.is_flat:
            return _ceil(rows * columns, self.block_in)
        down = _ceil(rows, self.block_out) if self.block_out else 1
        return down * (_ceil(columns, self.block_in) if self.block_in else 1)


def _ceil(size: int, by: int) -> int:
    return -(-size // by)


@cache
def codings() -> Mapping[str, Coding]:
    """Return the known codings by name, from `codings.toml`."""
    text = files(__package__).joinpath("codings.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return {
        name: Coding(name, **{key: value for key, value in row.items() if key != "source"})
        for name, row in rows.items()
    }
