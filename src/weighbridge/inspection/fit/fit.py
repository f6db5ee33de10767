"""Whether a load fits on devices: fits, does not fit, or unknown where bounds overlap; and what is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from weighbridge.inspection.memory.cache import Held, cache_bytes
from weighbridge.inspection.memory.span import Span
from weighbridge.inspection.memory.vllm import cache_room

if TYPE_CHECKING:
    from weighbridge.inspection.fit.devices import Device
    from weighbridge.inspection.fit.load import Demand, Load

__all__ = ["Fit", "Verdict", "judge"]

Verdict = Literal["fits", "does not fit", "unknown"]
_LARGEST = 1 << 24  # tokens; no model reads more


@dataclass(frozen=True, slots=True)
class Fit:
    """A verdict for each of `load.plan.devices` alike devices, and its reason.

    `room` is what the engine plans with on one device, `left` what the load leaves of it (negative: what lacks).
    `sequences` of the demanded context, and the `largest_context` of the demanded sequences, fit for certain.
    """

    verdict: Verdict
    reason: str
    load: Load
    device: Device
    room: Span | None = None
    left: Span | None = None
    sequences: int | None = None
    largest_context: int | None = None
    notes: tuple[str, ...] = field(default=())


def judge(load: Load, device: Device, demand: Demand, scheme: str) -> Fit:
    """Compare a load with what a device offers; raises nothing."""
    notes = (*load.notes, *_flags(device, scheme, demand))
    if device.memory is None:
        return Fit("unknown", f"nobody says how much memory {device.name} has", load, device, notes=notes)
    room = device.memory.scaled(*demand.engine.utilization)
    left = Span(room.low - load.total.high, room.high - load.total.low)
    verdict, reason = _verdict(load, room, left)
    cache = cache_room(
        device.memory.low, demand.engine.utilization[0],
        weights=load.weights.high, activation=load.activation.high, others=load.overhead.high,
    )  # fmt: skip
    sequences = cache.sequences(load.per_sequence) * load.plan.dp if load.per_sequence else None
    return Fit(
        verdict,
        reason,
        load,
        device,
        room,
        left,
        sequences,
        _largest_context(load, demand, cache.n_bytes),
        tuple(dict.fromkeys(notes)),
    )


def _verdict(load: Load, room: Span, left: Span) -> tuple[Verdict, str]:
    if left.low >= 0:
        return "fits", "everything fits, each figure at its worst"
    if left.high < 0:
        what = "the weights alone are" if load.weights.low > room.high else "weights, cache and working memory are"
        return "does not fit", f"{what} more than a device offers, each figure at its best"
    return "unknown", "it fits with the figures at their best and not at their worst"


def _largest_context(load: Load, demand: Demand, free: int) -> int | None:
    """Return the longest context at which the demanded sequences fit, in blocks of the engine; None if none grows."""
    each = -(-demand.sequences // load.plan.dp)

    def needed(context: int) -> int:
        held = Held(context, each, demand.cache_type, micro_batch=demand.micro_batch)
        return cache_bytes(load.stage, demand.engine, held).n_bytes

    if needed(_LARGEST) <= free:
        return None
    low, high = 0, _LARGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if needed(middle) <= free else (low, middle)
    block = max(demand.engine.block, 1)
    return low // block * block


def _flags(device: Device, scheme: str, demand: Demand) -> tuple[str, ...]:
    """Say which types the device cannot multiply in."""
    found = []
    for kind, names in (("fp8", ("fp8",)), ("fp4", ("fp4",))):
        is_used = any(name in scheme for name in names)
        if is_used and device.computes(kind) is False:
            how = "weights only, computed in 16 bits" if device.vendor == "NVIDIA" else "no kernels are promised"
            found.append(f"{device.name} has no {kind.upper()}: {how}")
    if scheme.startswith("mlx") and device.vendor != "Apple":
        found.append(f"MLX quantizations run on Apple's machines, not on {device.name}")
    if demand.cache_type == "fp8" and device.computes("fp8") is False:
        found.append(f"{device.name} has no FP8: a cache in FP8 may not be supported")
    if device.confidence in {"low", "none"}:
        found.append(f"figures of {device.name} are of {device.confidence} confidence")
    if device.note:
        found.append(f"{device.name}: {device.note}")
    return tuple(found)
