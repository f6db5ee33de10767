"""Training figures: tokens times FLOPs against device hours and money, with the utilisation that they imply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.speed.flops import prefill_flops

if TYPE_CHECKING:
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["Training", "training_figures"]

_PASSES = 3  # a backward pass takes twice the FLOPs of a forward pass
_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Training:
    """What a training run took. `utilisation` is of the dense peak; above 1 the figures contradict each other."""

    flops: float
    flops_per_token: float
    device_hours: float | None
    usd: float | None
    utilisation: float | None


def training_figures(
    structure: Structure,
    *,
    tokens: float,
    sequence: int,
    device_hours: float | None = None,
    peak: float | None = None,
    usd_per_hour: float | None = None,
) -> Training:
    """Return the FLOPs of training on `tokens` tokens in sequences of `sequence`, and what the hours imply.

    Forward FLOPs of a token are those of a prompt of one sequence with the head at every token; three passes.
    Recomputation is not counted, so the utilisation is that of the model (MFU), not of the hardware.
    """
    head = 2 * structure.vocabulary * structure.hidden_size * (sequence - 1)
    per_token = _PASSES * (prefill_flops(structure, sequence) + head) / sequence
    flops = per_token * tokens
    utilisation = flops / (device_hours * _SECONDS_AN_HOUR * peak) if device_hours and peak else None
    usd = device_hours * usd_per_hour if device_hours is not None and usd_per_hour is not None else None
    return Training(flops, per_token, device_hours, usd, utilisation)
