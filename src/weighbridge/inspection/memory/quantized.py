"""Bytes of a model's weights under a quantization scheme, summed weight by weight over its structure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.memory.gguf_mix import mixture_bytes
from weighbridge.inspection.memory.quantization.rule import LEFT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.anatomy.structure import Structure, Weight
    from weighbridge.inspection.memory.quantization.coding import Coding, Stored
    from weighbridge.inspection.memory.quantization.rule import Scheme

__all__ = ["Sized", "weight_bytes"]


_FP32 = 4
_MTP = "mtp.layers"
# what checkpoints store in fp32, by the start of the family and the end of the name: the index of an MLX Qwen3.5-9B,
# and MiniMax-M1's total_size, which is 2 bytes a parameter and 31,457,280 more
_KEPT_FP32 = (("qwen3_5", "linear_attn.A_log"), ("minimax_m1", "_moe.gate.weight"))
# modules that a config may list though a structure has none of them
_ABSENT = ("lm_head", "visual", "vision_tower", "vision_model", "multi_modal_projector", "mtp")
Status = Literal["exact", "estimated"]


@dataclass(frozen=True, slots=True)
class Sized:
    """Weights in bytes; `parameters` of them, of which `quantized` are quantized.

    A checkpoint stores the quantized ones in `packed` elements, `scales` beside their blocks (`partial` of them for
    blocks that are not full) and `extras` beside each matrix. Buffers, such as the correction biases of routers, are
    not among them.
    """

    n_bytes: int
    by_part: dict[Part, int]
    parameters: int
    quantized: int = 0
    packed: int = 0
    scales: int = 0
    extras: int = 0
    partial: int = 0
    status: Status = "exact"
    notes: tuple[str, ...] = field(default=())

    @property
    def bits_per_weight(self) -> float:
        """Bits for each parameter, scales and unquantized weights included."""
        return 8 * self.n_bytes / self.parameters

    @property
    def stored(self) -> int:
        """Elements that a checkpoint stores: packed ones, scales, and weights that stay as they are."""
        return self.packed + self.scales + self.extras + self.parameters - self.quantized


def weight_bytes(structure: Structure, scheme: Scheme, *, mtp: bool = False) -> Sized:
    """Return the bytes of a structure's weights under a scheme; with `mtp` its multi-token-prediction modules too."""
    weights = list(_weights(structure, mtp=mtp))
    copies = structure.mtp_copies if mtp else 0
    parameters = sum(weight.elements for _, weight in weights) + copies
    by_part: Counter[Part] = Counter()
    if copies:
        by_part[Part.EMBEDDING] = scheme.plain_bytes * copies
    notes = scheme.notes
    if structure.vision is None:
        notes = (*notes, "the part that sees or hears is not known and not counted")
    if scheme.file_type is not None:
        by_part.update(mixture_bytes(structure, scheme.file_type, weights))
        return Sized(by_part.total(), dict(by_part), parameters, status="estimated", notes=notes)
    if doubts := tuple(_doubts(scheme, weights)):
        notes = (*notes, *doubts)
    wide = tuple(end for family, end in _KEPT_FP32 if structure.family.startswith(family))
    quantized = 0
    stored: list[Stored] = []
    for name, weight in weights:
        coding = _coding(structure, scheme, name, weight)
        if coding is None:
            width = _FP32 if (wide and name.endswith(wide)) else scheme.plain_bytes
            by_part[weight.part] += width * weight.elements
            continue
        stored.append(coding.store(weight))
        by_part[weight.part] += stored[-1].n_bytes
        quantized += weight.elements
    if scheme.rules and not quantized:
        notes = (*notes, f"{scheme.name} quantizes nothing of this model")
    return Sized(
        n_bytes=by_part.total(),
        by_part=dict(by_part),
        parameters=parameters,
        quantized=quantized,
        packed=sum(one.packed for one in stored),
        scales=sum(one.scales for one in stored),
        extras=sum(one.extras for one in stored),
        partial=sum(one.partial for one in stored),
        status="estimated" if scheme.is_estimated or doubts else "exact",
        notes=notes,
    )


def _weights(structure: Structure, *, mtp: bool) -> Iterator[tuple[str, Weight]]:
    yield from structure.named()
    for number, layer in enumerate(structure.mtp if mtp else ()):
        for weight in layer.weights:
            yield f"{_MTP}.{number}.{weight.name}", weight


def _coding(structure: Structure, scheme: Scheme, name: str, weight: Weight) -> Coding | None:
    """Return how a weight is coded; configs name the modules of MTP in two ways."""
    if not name.startswith(_MTP):
        return scheme.coding_of(name, weight)
    if scheme.leaves(name):
        return None
    number, rest = name.removeprefix(f"{_MTP}.").split(".", 1)
    return scheme.coding_of(f"{structure.layer_prefix}.{len(structure.layers) + int(number)}.{rest}", weight)


def _doubts(scheme: Scheme, weights: list[tuple[str, Weight]]) -> Iterator[str]:
    """Say where lists of modules name none of the structure's, or some experts of a layer, or leave a part open."""
    if scheme.uncertain and (parts := {weight.part for name, weight in weights if scheme.guesses(name, weight)}):
        yield f"whether {', '.join(sorted(parts)).replace('_', ' ')} are quantized depends on the library; taken as so"
    for rule in scheme.rules:
        names = rule.names
        if names is None or rule is LEFT:
            continue
        if not any(names.match(name) for name in (*_ABSENT, *(name for name, _ in weights))):
            yield "a list of modules in the config names none of this model's, so which are quantized is estimated"
        if any(names.divides(name, weight.copies) for name, weight in weights):
            yield "the config lists single experts; all of a layer are taken as its first"
