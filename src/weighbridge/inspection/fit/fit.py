"""Whether a load fits on devices: fits, does not fit, or unknown where bounds overlap; and what is left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from weighbridge.inspection.memory.cache import Held, cache_bytes
from weighbridge.inspection.memory.span import Span
from weighbridge.inspection.memory.vllm import cache_room

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.inspection.fit.devices import Device
    from weighbridge.inspection.fit.load import Demand, Load

__all__ = ["Fit", "Verdict", "best_of", "judge", "nearest"]

Verdict = Literal["fits", "does not fit", "unknown"]
_ORDER: tuple[Verdict, ...] = ("fits", "unknown", "does not fit")
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
    notes = tuple(dict.fromkeys((*load.notes, *_flags(device, scheme, demand))))
    verdict, reason, room, left = _compare(load, device, demand)
    if device.memory is None:
        return Fit(verdict, reason, load, device, notes=notes)
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
        notes,
    )


def nearest(loads: Iterable[Load], device: Device, demand: Demand) -> tuple[Load, Verdict]:
    """Return the first of several plans' loads that fits, else the first that comes nearest, and its verdict."""
    found: list[tuple[Load, Verdict]] = []
    for each in loads:
        found.append((each, _compare(each, device, demand)[0]))
        if found[-1][1] == "fits":
            break
    return min(found, key=lambda one: _ORDER.index(one[1]))


def best_of(loads: Sequence[Load], device: Device, demand: Demand, scheme: str) -> Fit:
    """Judge several plans, the usual one first, by the one that comes nearest; a note says where it is another."""
    best, verdict = nearest(loads, device, demand)
    fit = judge(best, device, demand, scheme)
    if best is loads[0]:
        return fit
    usual = _compare(loads[0], device, demand)[0]
    said = f"{loads[0].plan.text} copies caches: {usual}; `{best.plan.options}` is taken: {verdict}"
    return replace(fit, notes=(said, *fit.notes))


def _compare(load: Load, device: Device, demand: Demand) -> tuple[Verdict, str, Span | None, Span | None]:
    """Return verdict and reason, what the engine plans with, and what is left of that."""
    if device.memory is None:
        return "unknown", f"nobody says how much memory {device.name} has", None, None
    room = device.memory.scaled(*demand.engine.utilization)
    left = Span(room.low - load.total.high, room.high - load.total.low)
    return *_verdict(load, room, left), room, left


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
