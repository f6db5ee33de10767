"""What measured speed costs, and how far it is from what the devices could do at most (`weighbridge fit`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.inspection.speed.prices import prices_of
from weighbridge.workflow.inspection.fit import Asked, place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weighbridge.core.progress import Progress
    from weighbridge.evaluation.load.shots import Shape
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.inspection.fit import Placed

__all__ = ["Costs", "bound_of", "list_prices", "priced", "roofline_json"]

_SECONDS_AN_HOUR = 3600
_MILLION = 1_000_000
_MOST_HOSTS = 5


@dataclass(frozen=True, slots=True)
class Costs:
    """Dollars a device hour, and the devices (`h100-sxm:2`, `this`) that the roofline of `weights` is computed for.

    `weights` names the model that an endpoint serves; None takes what is measured. `knowledge` is the folder of a
    user's own tables of prices.
    """

    usd_per_hour: float | None = None
    on: str | None = None
    weights: str | None = None
    quantization: str | None = None
    knowledge: Path | None = None

    @property
    def devices(self) -> int:
        """How many devices are paid for."""
        count = (self.on or "").partition(":")[2]
        return int(count) if count.isdigit() else 1


def bound_of(
    costs: Costs,
    reference: str,
    shapes: Sequence[Shape],
    users: int,
    *,
    cache: DigestCache | None,
    progress: Progress,
) -> Placed | str | None:
    """Return the model on its devices with so many sequences, or why no bound is known; None where none is asked.

    The context is the mean prompt: answers make it longer, so the bound stays one. Raises WeighbridgeError for names
    that are wrong.
    """
    if costs.on is None:
        return None
    weight = sum(shape.weight for shape in shapes)
    context = max(1, sum(shape.tokens_in * shape.weight for shape in shapes) // weight)
    asked = Asked(
        costs.weights or reference, on=costs.on, context=context, sequences=users, quantization=costs.quantization
    )
    placed = place(asked, cache=cache, progress=progress)
    if placed.reason is not None:
        return f"no roofline: {placed.reason}; `--weights REF` names the model that is served"
    return placed if placed.speed is not None else "no roofline: the bandwidth of the device is not known"


def roofline_json(placed: Placed, closed: dict[str, Any]) -> dict[str, Any] | None:
    """Return the closed loop's throughput beside the bound (fields of `RooflineBody`); None where either is unknown."""
    measured, speed, device = closed["output_tokens_s"], placed.speed, placed.device
    if measured is None or speed is None or device is None:
        return None
    return {
        "device": device.id,
        "devices": placed.count,
        "sequences": speed.sequences,
        "bound_tokens_s": speed.together.tokens_per_s,
        "measured_tokens_s": measured,
        "share": measured / speed.together.tokens_per_s,
        "binds": speed.together.binds,
    }


def priced(point: dict[str, Any], costs: Costs) -> dict[str, Any]:
    """Return a stretch with what a million of its output tokens cost, all of the devices' time put on them."""
    speed = point["output_tokens_s"]
    if costs.usd_per_hour is None or not speed:
        return point
    usd = costs.usd_per_hour * costs.devices / (speed * _SECONDS_AN_HOUR) * _MILLION
    return point | {"usd_per_million_output": usd}


def list_prices(name: str, folder: Path | None = None) -> dict[str, float]:
    """Return what hosts ask for a million output tokens of a model of this name, by host."""
    return {price.host: price.usd_output for price in prices_of(name, folder)[:_MOST_HOSTS]}
