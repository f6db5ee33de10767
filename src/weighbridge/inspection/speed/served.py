"""How fast devices could at most serve a candidate, and what a million tokens would at least cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.memory.cache import Held, cache_bytes
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.speed.roofline import Bound, Machine, cost_per_million, decode_bound, prefill_bound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.inspection.anatomy.structure import Part
    from weighbridge.inspection.fit.devices import Device
    from weighbridge.inspection.fit.load import Candidate, Demand

__all__ = ["Speed", "speed_of"]

_TERA = 1e12
_GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Speed:
    """Upper bounds for `sequences` at once on all devices together; costs, where a price is given, are lower bounds.

    `alone` decodes one sequence, `together` all of them, `prefill` reads one prompt of the demanded context (None where
    the device's peak is not known). `peak` names the arithmetic: `bf16`, `fp8`.
    """

    alone: Bound
    together: Bound
    prefill: Bound | None
    sequences: int
    peak: str | None
    usd_per_million_output: float | None = None
    usd_per_million_input: float | None = None


def speed_of(
    candidate: Candidate, device: Device, count: int, demand: Demand, usd_per_hour: float | None = None
) -> Speed | None:
    """Return the bounds, None where the device's bandwidth is not known.

    Devices are taken to share every weight and cache evenly and to talk for free: a bound, not a forecast.
    """
    if device.bandwidth is None:
        return None
    structure = candidate.structure
    arithmetic = _arithmetic(candidate, device)
    peak = device.tflops[arithmetic] * _TERA * count if arithmetic else None
    machine = Machine(device.bandwidth * _GIGA * count, peak)
    each = bytes_per_element(candidate)
    held = Held(demand.context, 1, demand.cache_type, micro_batch=demand.micro_batch)
    cache = float(cache_bytes(structure, demand.engine, held).n_bytes)

    def decode(batch: int) -> Bound:
        return decode_bound(structure, each, machine, context=demand.context, batch=batch, cache_bytes=cache)

    together = decode(demand.sequences)
    prefill = prefill_bound(structure, each, machine, tokens=demand.context)
    costs: tuple[float | None, float | None] = (None, None)
    if usd_per_hour is not None:
        read = None if prefill is None else cost_per_million(prefill, count, usd_per_hour)
        costs = (cost_per_million(together, count, usd_per_hour), read)
    return Speed(decode(1), together, prefill, demand.sequences, arithmetic, *costs)


def bytes_per_element(candidate: Candidate) -> Mapping[Part, float]:
    """Return the bytes that a weight of each part takes on average."""
    structure = candidate.structure
    elements: Counter[Part] = Counter()
    for weight in structure.text_weights():
        elements[weight.part] += weight.elements
    if candidate.scheme is None:  # a GGUF file: its table knows types by tensor, not by part
        stored = sum(tensor.n_bytes or 0 for tensor in candidate.tensors or ())
        return dict.fromkeys(elements, stored / max(1, sum(elements.values())))
    by_part = weight_bytes(structure, candidate.scheme).by_part
    return {part: by_part.get(part, 0) / count for part, count in elements.items()}


def _arithmetic(candidate: Candidate, device: Device) -> str | None:
    """Return in which type the device would multiply: FP8 where weights and device have it, else 16 bits."""
    name = candidate.scheme.name if candidate.scheme is not None else ""
    if name.startswith("fp8") and "fp8" in device.tflops:
        return "fp8"
    return "bf16" if "bf16" in device.tflops else None
