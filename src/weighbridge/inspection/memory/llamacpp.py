"""What llama.cpp logs that it allocates for a context: cache, state, output and compute buffers.

Every formula was compared with the log of xllamacpp 2026.10.11549 on the CPU, with flash attention.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.memory.cache import Held, cache_bytes
from weighbridge.inspection.memory.engines import engine_named
from weighbridge.inspection.memory.span import Span

if TYPE_CHECKING:
    from weighbridge.inspection.anatomy.structure import Attend, Layer, Structure

__all__ = ["Buffers", "Settings", "buffers"]

_NAME = "llama.cpp"
_PAD = 256
_F32 = 4
_MASK_BYTES = 2
_ROTATED_VALUES = 64  # values are rotated in pieces of this width, keys in the largest power of two
_LEAST_FFN = 2.5  # below this width of the feed-forward part, in hidden sizes, the formula was found not to hold
_LEAST_LAYERS = 4
_LOOSE = (0.5, 2.0)  # where the formula is not known to hold


@dataclass(frozen=True, slots=True)
class Settings:
    """`context` is llama.cpp's n_ctx, which its sequences share; `cache_type` as in the engine's profile."""

    context: int
    sequences: int = 1
    micro_batch: int = 512
    cache_type: str = "fp16"

    @property
    def context_each(self) -> int:
        """Tokens of one sequence, in whole blocks of 256."""
        return -(-(self.context // self.sequences) // _PAD) * _PAD


@dataclass(frozen=True, slots=True)
class Buffers:
    """Bytes by buffer, as the log names them; `compute` is exact for dense gated models and a span elsewhere."""

    cache: int
    state: int
    output: int
    compute: Span
    notes: tuple[str, ...] = field(default=())


def buffers(structure: Structure, settings: Settings) -> Buffers:
    """Return the buffers of a context; raises UsageError for a cache type that llama.cpp lacks."""
    held = Held(settings.context_each, settings.sequences, settings.cache_type, micro_batch=settings.micro_batch)
    size = cache_bytes(structure, engine_named(_NAME), held)
    reason = _irregular(structure)
    compute = Span.of(_compute(structure, settings))
    notes = () if reason is None else (f"the compute buffer is an estimate: {reason}",)
    return Buffers(
        cache=size.n_bytes - size.state,
        state=size.state,
        output=settings.sequences * structure.vocabulary * _F32,
        compute=compute if reason is None else compute.scaled(*_LOOSE),
        notes=(*size.notes, *notes),
    )


def _compute(structure: Structure, settings: Settings) -> int:
    """Return n_ubatch * 4 * (3 ff + 5 h + 9) and a mask of 2 bytes a cell; sliding layers add 5 and a mask.

    Rotations of a quantized cache come on top: one matrix for keys and one for values, once a cache.
    """
    windows = {cache.window for layer in structure.layers for cache in layer.caches}
    cells = [settings.context_each] if None in windows or not windows else []
    cells += [
        min(settings.context_each, -(-(window + settings.micro_batch) // _PAD) * _PAD)
        for window in windows
        if window is not None
    ]
    wide = max((_width(layer) for layer in structure.layers), default=0)
    inputs = 9 if len(cells) < 2 else 14  # noqa: PLR2004 - one kind of layer or two
    elements = wide + 5 * structure.hidden_size + inputs
    masks = sum(cells) * settings.micro_batch * _MASK_BYTES
    return settings.micro_batch * _F32 * elements + masks + len(cells) * _rotations(structure, settings)


def _width(layer: Layer) -> int:
    """Return the widest moment of a layer beside its residuals, in elements a token: feed-forward or attention."""
    dense = _feed_forward(layer)
    routed = sum(
        weight.shape[1] * (weight.copies if weight.visited is None else weight.visited)
        for weight in layer.weights
        if weight.part in {Part.ROUTED_EXPERTS, Part.SHARED_EXPERTS}
        and _is_down(weight.name)
        and _is_matrix(weight.shape)
    )
    return max(3 * (dense or 0), 3 * routed, _attended(layer))


def _attended(layer: Layer) -> int:
    return max((2 * one.heads * (one.absorbed_qk or one.qk) + _keys(layer, one) for one in layer.attend), default=0)


def _keys(layer: Layer, attend: Attend) -> int:
    """Return twice the elements of a token's keys."""
    return 2 * sum(kept.elements for kept in layer.caches if not kept.is_index) * attend.qk // (attend.qk + attend.v)


def _feed_forward(layer: Layer) -> int | None:
    """Return the width of a dense feed-forward part, or None without one."""
    downs = [
        weight.shape[1]
        for weight in layer.weights
        if weight.part is Part.DENSE_FFN and _is_down(weight.name) and _is_matrix(weight.shape)
    ]
    return max(downs, default=None)


def _is_down(name: str) -> bool:
    return "down" in name or "fc2" in name or name.endswith("w2.weight")


def _is_matrix(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2  # noqa: PLR2004 - out and in


def _irregular(structure: Structure) -> str | None:
    """Return why the formula of the compute buffer is not known to hold, or None where it is."""
    if len(structure.layers) < _LEAST_LAYERS:
        return "the model has few layers"
    reasons = (_irregular_layer(layer, structure.hidden_size) for layer in structure.layers)
    return next((reason for reason in reasons if reason), None)


def _irregular_layer(layer: Layer, hidden: int) -> str | None:
    ffn = _feed_forward(layer)
    is_gated = any(weight.part is Part.DENSE_FFN and "gate" in weight.name for weight in layer.weights)
    norms = sum(weight.part is Part.NORMS and weight.elements == hidden for weight in layer.weights)
    if layer.state or not layer.attend or any(one.absorbed_qk or one.selected for one in layer.attend):
        return "layers mix tokens otherwise than by grouped-query attention"
    if ffn is None or any(weight.part is Part.ROUTED_EXPERTS for weight in layer.weights):
        return "the model has experts"
    if not is_gated:
        return "its feed-forward part is not gated"
    if norms < 2:  # noqa: PLR2004 - one before attention, one before the feed-forward part
        return "attention and feed-forward part stand side by side"
    return "its feed-forward part is narrow" if ffn < _LEAST_FFN * hidden or _attended(layer) > 3 * ffn else None


def _rotations(structure: Structure, settings: Settings) -> int:
    """Return the bytes of the Hadamard matrices that turn keys and values before they are quantized."""
    if settings.cache_type in {"fp32", "bf16", "fp16"}:
        return 0
    attend = next((one for layer in structure.layers for one in layer.attend), None)
    if attend is None or attend.qk % _ROTATED_VALUES or attend.v % _ROTATED_VALUES:
        return 0
    keys = attend.qk & -attend.qk  # the largest power of two that divides the width of a key
    return _F32 * (keys**2 + _ROTATED_VALUES**2)
