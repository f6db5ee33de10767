"""Training figures of a model: its structure times the tokens, hours and price that its report states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.errors import UsageError
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.anatomy.build import Refusal
from weighbridge.inspection.figures.read import read_sources
from weighbridge.inspection.fit.devices import device_named, devices
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.speed.training import Training, training_figures

if TYPE_CHECKING:
    from weighbridge.core.artefact import Artefact
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.inspection.fit.devices import Device

__all__ = ["Run", "Trained", "trained"]

_TERA = 1e12


@dataclass(frozen=True, slots=True)
class Run:
    """A training run as a report states it; None is what it does not say. `arithmetic` is a type of the peak."""

    reference: str
    tokens: float
    sequence: int = 4096
    device: str | None = None
    device_hours: float | None = None
    usd_per_hour: float | None = None
    arithmetic: str = "bf16"


@dataclass(frozen=True, slots=True)
class Trained:
    """The figures, and the device whose peak the utilisation is of."""

    artefact: Artefact
    run: Run
    figures: Training
    device: Device | None


def trained(run: Run, *, cache: DigestCache | None = None, progress: Progress = silent) -> Trained:
    """Resolve a reference and compute what its training took.

    Raises UsageError where the structure is not known, or the device has no peak in that arithmetic.
    """
    device = None if run.device is None else device_named(run.device, devices())[0]
    if device is not None and run.arithmetic not in device.tflops:
        known = ", ".join(device.tflops) or "none"
        raise UsageError(f"no {run.arithmetic} peak of {device.name} is known", hint=f"known: {known}")
    artefact = resolve(Reference.parse(run.reference), cache, progress)
    structure = read_sources(Folder(artefact)).outcome
    if isinstance(structure, Refusal):
        raise UsageError(f"the structure of `{artefact.name}` is not known: {structure.reason}")
    figures = training_figures(
        structure,
        tokens=run.tokens,
        sequence=run.sequence,
        device_hours=run.device_hours,
        peak=None if device is None else device.tflops[run.arithmetic] * _TERA,
        usd_per_hour=run.usd_per_hour,
    )
    return Trained(artefact, run, figures, device)
