"""Bytes of a model's weights under a quantization scheme, summed weight by weight over its structure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.anatomy.structure import Structure, Weight
    from weighbridge.inspection.memory.scheme import Scheme

__all__ = ["Sized", "weight_bytes"]


@dataclass(frozen=True, slots=True)
class Sized:
    """Weights in bytes; `parameters` of them, of which `quantized` are quantized.

    A checkpoint stores the quantized ones in `packed` elements and `scales` elements beside them; buffers, such as
    the correction biases of routers, are not among them.
    """

    n_bytes: int
    by_part: dict[Part, int]
    parameters: int
    quantized: int = 0
    packed: int = 0
    scales: int = 0
    status: Literal["exact", "estimated"] = "exact"
    notes: tuple[str, ...] = field(default=())

    @property
    def bits_per_weight(self) -> float:
        """Bits for each parameter, scales and unquantized weights included."""
        return 8 * self.n_bytes / self.parameters

    @property
    def stored(self) -> int:
        """Elements that a checkpoint stores: packed ones, scales, and weights that stay as they are."""
        return self.packed + self.scales + self.parameters - self.quantized


def weight_bytes(structure: Structure, scheme: Scheme, *, mtp: bool = False) -> Sized:
    """Return the bytes of a structure's weights under a scheme; with `mtp` its multi-token-prediction modules too."""
    by_part: Counter[Part] = Counter()
    parameters = quantized = packed = scales = 0
    for name, weight in _weights(structure, mtp=mtp):
        parameters += weight.elements
        coding = scheme.coding_of(name, weight)
        if coding is None:
            by_part[weight.part] += scheme.plain_bytes * weight.elements
            continue
        stored = coding.store(weight)
        by_part[weight.part] += stored.n_bytes
        quantized += weight.elements
        packed += stored.packed
        scales += stored.scales
    if mtp and structure.mtp_copies:
        parameters += structure.mtp_copies
        by_part[Part.EMBEDDING] += scheme.plain_bytes * structure.mtp_copies
    notes = scheme.notes
    return Sized(
        by_part.total(), dict(by_part), parameters, quantized, packed, scales,
        "estimated" if scheme.file_type else "exact", notes,
    )  # fmt: skip


def _weights(structure: Structure, *, mtp: bool) -> Iterator[tuple[str, Weight]]:
    yield from structure.named()
    for number, layer in enumerate(structure.mtp if mtp else (), start=len(structure.layers)):
        for weight in layer.weights:
            yield f"{structure.layer_prefix}.{number}.{weight.name}", weight
