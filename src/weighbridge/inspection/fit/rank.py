"""Rank devices: of each the smallest number on which a model runs, for 16, 8 and 4 bits a weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.fit.fit import nearest
from weighbridge.inspection.fit.load import Candidate, Demand, Load, load, loads_of
from weighbridge.inspection.fit.parallel import plan_of
from weighbridge.inspection.memory.engines import engine_named
from weighbridge.inspection.memory.scheme import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.inspection.fit.devices import Device

__all__ = ["COUNTS", "Cell", "Row", "ladder", "rank", "usual_engine"]

COUNTS = (1, 2, 4, 8, 16)
_LOCAL = {"Apple": (1,), "CPU": (1, 2)}  # machines of their own: sockets are joined, whole computers are not
_LADDERS = {"llama.cpp": ("bf16", "q8_0", "q4_k_m"), "transformers": ("bf16", "fp8", "nf4")}
_LOCAL_SCHEMES = frozenset({"mxfp4"})  # what llama.cpp keeps of schemes that are published: GGUF has MXFP4 as a type
_SERVED = ("bf16", "fp8", "awq-4")


@dataclass(frozen=True, slots=True)
class Cell:
    """The fewest devices on which a scheme fits for certain, None up to 16; `maybe`: on which it may fit."""

    scheme: str
    count: int | None
    maybe: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One device with a cell for each scheme, best quality first."""

    device: Device
    engine: str
    cells: tuple[Cell, ...]

    @property
    def best(self) -> Cell | None:
        """The best quality on the smallest number of devices; None where nothing fits."""
        fitting = [cell for cell in self.cells if cell.count is not None]
        return min(fitting, key=lambda cell: cell.count or 0, default=None)


def usual_engine(device: Device) -> str:
    """Return the engine that people use on a device: llama.cpp on CPUs and Apple's, else vLLM."""
    return "llama.cpp" if device.vendor in _LOCAL else "vllm"


def ladder(candidate: Candidate, engine: str) -> tuple[Candidate, ...]:
    """Return a model in the schemes to be compared: as stored, then 8 and 4 bits, in what the engine reads."""
    if candidate.tensors is not None:
        return (candidate,)
    names = _LADDERS.get(engine, _SERVED)
    stored = candidate.scheme
    found = [
        candidate
        if stored is not None and stored.name == name
        else replace(candidate, scheme=SCHEMES[name], stored=None)
        for name in names
        if name in SCHEMES
    ]
    if stored is not None and stored.name not in names and (engine != "llama.cpp" or stored.name in _LOCAL_SCHEMES):
        found.insert(0, candidate)
    return tuple(found)


def rank(candidate: Candidate, devices: Iterable[Device], demand: Demand, *, is_engine_given: bool) -> tuple[Row, ...]:
    """Return a row for each device; without an engine given each device has its usual one. Raises UsageError."""
    loads: dict[tuple[str, str, int], tuple[Load, ...]] = {}
    rows = []
    for device in devices:
        engine = demand.engine.name
        if not is_engine_given and candidate.tensors is None:
            engine = usual_engine(device)
        asked = replace(demand, engine=engine_named(engine))
        cells = []
        for each in ladder(candidate, engine):
            sure = maybe = None
            for count in _LOCAL.get(device.vendor, COUNTS):
                key = (engine, each.quantization, count if not device.is_cpu else -count)
                if key not in loads:
                    loads[key] = _loads(each, count, asked, is_cpu=device.is_cpu)
                if not loads[key]:
                    continue
                _, verdict = nearest(loads[key], device, asked)
                maybe = count if maybe is None and verdict != "does not fit" else maybe
                if verdict == "fits":
                    sure = count
                    break
            cells.append(Cell(each.quantization, sure, maybe))
        rows.append(Row(device, engine, tuple(cells)))
    return tuple(rows)


def _loads(candidate: Candidate, count: int, demand: Demand, *, is_cpu: bool) -> tuple[Load, ...]:
    """Return the loads under each plan; none where the model cannot be divided among so many devices."""
    at = None if is_cpu else "none"
    try:
        if demand.engine.name in {"llama.cpp", "transformers"}:  # both put whole layers on a device
            return (load(candidate, plan_of(candidate.structure, count, tp=1, pp=count), demand, cpu=at),)
        return loads_of(candidate, count, demand, cpu=at)
    except Refused:
        return ()
