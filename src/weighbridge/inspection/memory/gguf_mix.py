"""Estimate the tensors of a GGUF that llama.cpp would write: a file type is a mixture, not one tensor type.

The rules are facts of llama.cpp's `llama-quant.cpp` (master of 2026, read at commit 007dbbf): some layers' values
and down-projections get more bits, the output matrix too; rows that do not divide into blocks fall back to types of
32; vectors, routers and convolutions are F32. Without an importance matrix; a publisher may override any of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.formats.gguf_types import FILE_LABELS, TENSOR_TYPES
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.inspection.anatomy.structure import Structure, Weight

__all__ = ["FILE_TYPES", "mixture_bytes"]

_SIZES = {name: (block, n_bytes) for name, block, n_bytes in TENSOR_TYPES.values()}
_MXFP4 = "MXFP4_MOE"
_BASES = dict(FILE_LABELS.values())
# file types whose mixture is written down here, by the name of a scheme
FILE_TYPES = {
    name.lower(): name
    for name in (
        "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q5_0", "Q5_1", "Q4_K_M", "Q4_K_S", "Q4_0", "Q4_1", "IQ4_XS", "IQ4_NL",
        "Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K", _MXFP4,
    )
}  # fmt: skip
_FALLBACK = {"IQ4_XS": "IQ4_NL", "Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
_MATRIX = 2
_MANY_HEADS = 4  # query heads a key-value head from which values are worth more bits
_MIXTRAL = 8  # a model of just as many experts has rules of its own
_LAYERS_70B = 80
_FAMILIES_70B = frozenset({"llama", "qwen2"})
_SENSES = frozenset({Part.VISION, Part.PROJECTOR, Part.AUDIO})
_FFN = frozenset({Part.DENSE_FFN, Part.SHARED_EXPERTS, Part.ROUTED_EXPERTS})
_PLAIN = frozenset({Part.NORMS, Part.ROUTER, Part.RESIDUAL})
_VALUES = frozenset({"v_proj", "qkv_proj", "c_attn", "query_key_value", "W_pack", "wqkv", "Wqkv"})
_KEYS = frozenset({"k_proj"})
_OUTPUTS = frozenset({"o_proj", "dense", "c_proj", "wo", "out_proj", "proj"})
_DOWNS = frozenset({"down_proj", "w2", "c_proj", "dense_4h_to_h", "fc2", "linear2", "output_linear", "fc_out"})


def mixture_bytes(structure: Structure, file_type: str, weights: Iterable[tuple[str, Weight]]) -> dict[Part, int]:
    """Return the bytes by part of a structure's named weights in a file type of FILE_TYPES.

    Vision is counted as the F16 of the separate projector file; metadata and tokenizer are not counted.
    """
    weights = list(weights)
    mixture = _Mixture.of(structure, FILE_TYPES[file_type], weights)
    found: Counter[Part] = Counter()
    values = 0
    for name, weight in weights:
        if weight.part in _SENSES:
            kind = "F16"
        else:
            role = _role(name, weight)
            kind = mixture.type_of(role, weight, _layer(structure, name), values)
            values += role == "value"
        found[weight.part] += _bytes(kind, weight)
    return dict(found)


def _bytes(kind: str, weight: Weight) -> int:
    block, n_bytes = _SIZES[kind]
    return weight.elements // block * n_bytes


def _layer(structure: Structure, name: str) -> int:
    rest = name.removeprefix(f"{structure.layer_prefix}.")
    number = rest.split(".", 1)[0]
    # MTP modules, under a name of their own, are the last blocks of a GGUF
    return int(number) if rest != name and number.isdecimal() else len(structure.layers)


def _role(name: str, weight: Weight) -> str:
    """Return what llama.cpp's rules tell apart: plain, embedding, head, value, key, output, down or other."""
    if len(weight.shape) != _MATRIX or weight.shape[0] == 1 or weight.part in _PLAIN:
        return "plain"
    last = name.removesuffix(".weight").rsplit(".", 1)[-1]
    if weight.part is Part.LINEAR_ATTENTION:
        # convolutions and what has no `.weight` (A_log, dt_bias) are F32
        return "other" if name.endswith(".weight") else "plain"
    roles = {Part.EMBEDDING: "embedding", Part.HEAD: "head"}
    if weight.part in roles:
        return roles[weight.part]
    if weight.part in _FFN:
        return "down" if last in _DOWNS else "other"
    if last in _VALUES:
        return "value"
    return "key" if last in _KEYS else "output" if last in _OUTPUTS else "other"


@dataclass(frozen=True, slots=True)
class _Mixture:
    """What the rules ask about a model: its layers, experts, query heads a key-value head, and tensors of values."""

    name: str
    layers: int
    values: int
    experts: int
    group: float
    is_tied: bool
    is_falcon: bool
    is_70b: bool

    @classmethod
    def of(cls, structure: Structure, name: str, weights: list[tuple[str, Weight]]) -> _Mixture:
        """Read them from a structure."""
        layers = len(structure.layers)
        attending = [layer for layer in structure.layers if layer.attend and layer.caches]
        group = 1.0
        if attending:
            attend, cache = attending[0].attend[0], attending[0].caches[0]
            group = attend.heads * (attend.qk + attend.v) / cache.elements
        experts = max((weight.copies for _, weight in weights if weight.part is Part.ROUTED_EXPERTS), default=0)
        values = sum(_role(name, weight) == "value" for name, weight in weights)
        is_70b = layers == _LAYERS_70B and group > 1 and structure.family in _FAMILIES_70B
        is_falcon = structure.family == "falcon"
        return cls(name, layers, values, experts, group, structure.is_tied, is_falcon, is_70b)

    def type_of(self, role: str, weight: Weight, layer: int, value: int) -> str:
        """Return the tensor type of a weight in a layer; `value` counts the tensors of values before it."""
        if role == "plain":
            return "F32"
        if self.name == _MXFP4:
            return "MXFP4" if weight.part is Part.ROUTED_EXPERTS else "Q8_0"
        base = _BASES[self.name]
        columns = weight.shape[-1]
        if role == "head" or (role == "embedding" and self.is_tied):
            kind = "Q8_0" if base == "Q8_0" or self.is_falcon or columns % _SIZES[base][0] else "Q6_K"
        else:
            kind = self._richer(role, layer, value) or base
        if columns % _SIZES[kind][0]:
            kind = _FALLBACK.get(kind, "F16")
        return "F16" if columns % _SIZES[kind][0] else kind

    def _richer(self, role: str, layer: int, value: int) -> str | None:
        """Return the type that a role gets beyond the base, if any."""
        if role == "value":
            return self._value(value)
        if role == "down":
            return self._down(layer)
        if self.experts == _MIXTRAL:
            few = {"Q2_K", "Q3_K_S", "Q3_K_M", "IQ4_NL", "IQ4_XS", "Q4_K_S", "Q4_K_M"}
            return {"key": "Q8_0", "output": "Q5_K" if self.name in few else None}.get(role)
        outputs = {"Q2_K": "Q3_K", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K"}
        if self.is_falcon:
            outputs = {"Q3_K_L": "Q4_K"}
        return outputs.get(self.name) if role == "output" else None

    def _value(self, number: int) -> str | None:
        """Values: more bits in the outer layers and in every third, or where few heads share them."""
        if self.experts == _MIXTRAL:
            return "Q8_0"
        is_shared = self.group >= _MANY_HEADS
        kind = {
            "Q2_K": "Q4_K" if is_shared else "Q3_K",
            "Q3_K_M": "Q5_K" if number < 2 else "Q4_K",  # noqa: PLR2004 - the first two
            "Q3_K_L": "Q5_K",
            "IQ4_NL": "Q5_K" if is_shared else None,
            "IQ4_XS": "Q5_K" if is_shared else None,
            "Q4_K_M": "Q6_K" if _is_outer(number, self.values) else None,
            "Q5_K_M": "Q6_K" if _is_outer(number, self.values) else None,
            "Q4_K_S": "Q5_K" if number < 4 else None,  # noqa: PLR2004 - the first four
        }.get(self.name)
        return "Q5_K" if self.is_70b and (kind or _BASES[self.name]) in {"Q3_K", "Q4_K"} else kind

    def _down(self, layer: int) -> str | None:
        """Down-projections: more bits in the outer layers and in every third."""
        outer, first = _is_outer(layer, self.layers), layer < self.layers // 8
        falcon = "Q6_K" if layer < self.layers // 16 else "Q5_K" if outer else "Q4_K"
        return {
            "Q2_K": "Q3_K",
            "Q3_K_M": "Q5_K" if layer < self.layers // 16 else "Q4_K" if outer or not self.is_falcon else "Q3_K",
            "Q3_K_L": "Q4_K" if self.is_falcon else "Q5_K",
            "Q4_K_M": falcon if self.is_falcon else "Q6_K" if outer else None,
            "IQ4_NL": "Q5_K" if first else None,
            "IQ4_XS": "Q5_K" if first else None,
            "Q5_K_M": "Q6_K" if outer else None,
            "Q4_K_S": "Q5_K" if first and not self.is_falcon else None,
        }.get(self.name)


def _is_outer(number: int, count: int) -> bool:
    """Whether a layer is in the first or last eighth, or every third between."""
    eighth = count // 8
    return number < eighth or number >= 7 * count // 8 or (number - eighth) % 3 == 2  # noqa: PLR2004 - the third
