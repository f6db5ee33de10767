"""Where llama.cpp puts a GGUF file's weights on a CPU: mapped from the file, and copied in rows that it interleaves."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.inspection.memory.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.formats.tensor import Tensor

__all__ = ["WeightBuffers", "weight_buffers"]


@dataclass(frozen=True, slots=True)
class WeightBuffers:
    """`mapped` is the part of the file that stays mapped, `repacked` what the CPU backend copies beside it."""

    mapped: Span
    repacked: Span


@cache
def _repacking() -> dict[str, dict[str, int]]:
    return tomllib.loads((Path(__file__).parent / "repack.toml").read_text("utf-8"))


def weight_buffers(tensors: Iterable[Tensor], cpu: str | None) -> WeightBuffers | None:
    """Return the buffers of a GGUF file's weights on a CPU; None where the size of a tensor's type is not known.

    `cpu` is a class of `repack.toml`, `none` for a device that repacks nothing, or None where it is not known: then
    both bounds are given.
    """
    table = [tensor for tensor in tensors if tensor.elements]
    if not table or any(tensor.n_bytes is None for tensor in table):
        return None
    classes = [cpu] if cpu is not None else ["none", *_repacking()]
    found = [_repacked(table, _repacking().get(name, {})) for name in classes]
    mapped, repacked = zip(*found, strict=True)
    return WeightBuffers(Span(min(mapped), max(mapped)), Span(min(repacked), max(repacked)))


def _repacked(table: list[Tensor], types: dict[str, int]) -> tuple[int, int]:
    """Return the mapped and the repacked bytes: the map reaches from the first to the last tensor that is not copied.

    Rows are copied of weights that are multiplied: not of the embedding, unless it is the head as well.
    """
    is_tied = all(tensor.name != "output.weight" for tensor in table)
    kept, copied = [], 0
    for tensor in table:
        rows = tensor.shape[1] if len(tensor.shape) > 1 else 0
        is_copied = bool(rows) and tensor.dtype in types and rows % types[tensor.dtype] == 0
        is_embedding = tensor.name == "token_embd.weight"
        if is_copied and (not is_embedding or is_tied):
            copied += tensor.n_bytes or 0
        if not is_copied or is_embedding:
            kept.append(tensor)
    if not kept:
        return 0, copied
    start = min(tensor.offset for tensor in kept)
    return max(tensor.offset + (tensor.n_bytes or 0) for tensor in kept) - start, copied
