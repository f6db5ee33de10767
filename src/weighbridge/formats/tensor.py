"""The tensor as a file's table describes it; its data are never read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_ELEMENTS", "Tensor", "count_elements", "find_overlap", "say_cut"]

MAX_ELEMENTS = 2**53 - 1  # beyond it a number is no longer exact in JSON (RFC 8785), nor is any model so large


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `offset` in bytes from the start of the data, `n_bytes` None where the type is not known."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    elements: int
    n_bytes: int | None
    offset: int


def count_elements(shape: Iterable[int]) -> int | None:
    """Return the product of a shape, or None where it passes MAX_ELEMENTS or a dimension is negative."""
    elements = 1
    dimensions = list(shape)
    if any(size < 0 or size > MAX_ELEMENTS for size in dimensions):
        return None
    if 0 in dimensions:
        return 0
    for size in dimensions:
        elements *= size
        if elements > MAX_ELEMENTS:
            return None
    return elements


def find_overlap(tensors: Iterable[Tensor]) -> tuple[Tensor, Tensor] | None:
    """Return two tensors that claim the same bytes, or None."""
    known = [tensor for tensor in tensors if tensor.n_bytes]
    before: Tensor | None = None
    for tensor in sorted(known, key=lambda tensor: tensor.offset):
        if before is not None and tensor.offset < before.offset + (before.n_bytes or 0):
            return before, tensor
        before = tensor
    return None


def say_cut(size: int, first: Tensor, start: int, n_cut: int, n_tensors: int) -> str:
    """Say that a file of `size` bytes ends before its tensors do; `first` is the first of `n_cut` that suffer."""
    end = start + first.offset + (first.n_bytes or 0)
    return (
        f"ends at byte {size}, but tensor {quote(first.name)} needs bytes up to {end}; "
        f"{n_cut} of {n_tensors} tensors are cut or missing"
    )
