"""Rooflines: how fast a device could at most answer, from bytes moved and FLOPs done. Always an upper bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.speed.flops import decode_flops, prefill_flops

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["Bound", "Machine", "cost_per_million", "decode_bound", "prefill_bound"]

_SECONDS_AN_HOUR = 3600
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """What all devices together can do: memory bandwidth in bytes/s, peak in FLOP/s (dense); None where not known."""

    bandwidth: float
    peak: float | None


@dataclass(frozen=True, slots=True)
class Bound:
    """An upper bound: seconds of the step, tokens per second, and what binds."""

    seconds: float
    tokens_per_s: float
    weight_bytes: float
    cache_bytes: float
    flops: float
    binds: Literal["memory", "compute"]


def decode_bound(
    structure: Structure,
    bytes_per_element: Mapping[Part, float],
    machine: Machine,
    *,
    context: int,
    batch: int,
    cache_bytes: float,
) -> Bound:
    """Return the bound on one decoding step of `batch` sequences at `context` tokens.

    Weights outside routed experts are read once; of E experts that each token draws k from, a batch touches
    E (1 - (1 - k/E)^b). `cache_bytes` is what one sequence keeps and reads. The input embedding is a look-up.
    """
    weights = 0.0
    for weight in structure.text_weights():
        if weight.part is Part.EMBEDDING and not structure.is_tied:
            continue
        share = 1.0
        if weight.visited is not None and weight.copies:
            share = 1 - (1 - weight.visited / weight.copies) ** batch
        weights += weight.elements * share * bytes_per_element[weight.part]
    flops = float(batch * decode_flops(structure, context).total)
    return _bound(weights, batch * cache_bytes, flops, batch, machine)


def prefill_bound(
    structure: Structure, bytes_per_element: Mapping[Part, float], machine: Machine, *, tokens: int
) -> Bound | None:
    """Return the bound on reading one prompt of `tokens` tokens; None where the device's peak is not known."""
    if machine.peak is None:
        return None
    weights = sum(
        weight.elements * bytes_per_element[weight.part]
        for weight in structure.text_weights()
        if weight.part is not Part.EMBEDDING or structure.is_tied
    )
    return _bound(weights, 0.0, float(prefill_flops(structure, tokens)), tokens, machine)


def cost_per_million(bound: Bound, devices: int, price_per_device_hour: float) -> float:
    """Return the price of a million tokens at the bound: what it costs at the very least."""
    return price_per_device_hour * devices / (bound.tokens_per_s * _SECONDS_AN_HOUR) * _MILLION


def _bound(weights: float, cache: float, flops: float, tokens: int, machine: Machine) -> Bound:
    by_memory = (weights + cache) / machine.bandwidth
    by_compute = flops / machine.peak if machine.peak else 0.0
    seconds = max(by_memory, by_compute)
    binds: Literal["memory", "compute"] = "memory" if by_memory >= by_compute else "compute"
    return Bound(seconds, tokens / seconds, weights, cache, flops, binds)
