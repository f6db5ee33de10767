"""Fit: resolve a model, read what it is made of, and place it on devices or rank them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds.fit import AskedBody, FitV1, SpanBody, SpeedBody
from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.errors import UsageError, did_you_mean
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.anatomy.build import Refusal
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.figures.read import read_sources
from weighbridge.inspection.fit.devices import device_named, devices, read_devices
from weighbridge.inspection.fit.fit import Fit, best_of
from weighbridge.inspection.fit.load import Candidate, Demand, load, loads_of
from weighbridge.inspection.fit.machine import read_machine
from weighbridge.inspection.fit.parallel import plan_of
from weighbridge.inspection.fit.rank import Row, rank, usual_engine
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.memory.engines import engine_named
from weighbridge.inspection.memory.scheme import SCHEMES, Scheme, promises_quantization
from weighbridge.inspection.speed.prices import prices_of
from weighbridge.inspection.speed.served import speed_of

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from weighbridge.core.artefact import Artefact
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.inspection.figures.read import Sources
    from weighbridge.inspection.fit.devices import Device
    from weighbridge.inspection.speed.prices import Price
    from weighbridge.inspection.speed.served import Speed

__all__ = ["Asked", "Placed", "fit_evidence", "place"]

_THIS = "this"
_MOST_DAMAGE = 3  # notes on files that are cut or cannot be read


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for; None is what is usual. `knowledge` is the folder of their own tables of prices."""

    reference: str
    on: str | None = None
    context: int = 8192
    sequences: int = 1
    engine: str | None = None
    quantization: str | None = None
    cache_type: str | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    devices: Path | None = None
    usd_per_hour: float | None = None
    knowledge: Path | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A model's fit on one kind of device, or the ranking of all; `reason` where its structure is not known."""

    artefact: Artefact
    asked: Asked
    engine: str
    device: Device | None = None
    count: int = 0
    fit: Fit | None = None
    speed: Speed | None = None
    prices: tuple[Price, ...] = ()
    rows: tuple[Row, ...] = ()
    quantization: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = field(default=())


def place(asked: Asked, *, cache: DigestCache | None = None, progress: Progress = silent) -> Placed:
    """Resolve a reference and place it; raises WeighbridgeError for a reference, name or number that is wrong."""
    known = devices() if asked.devices is None else {**devices(), **read_devices(asked.devices)}
    target, here = (None, ()) if asked.on is None else _target(asked.on, known)
    if asked.engine is not None:
        engine_named(asked.engine).cache_block(asked.cache_type)
    artefact = resolve(Reference.parse(asked.reference), cache, progress)
    found = _candidate(artefact, asked)
    if isinstance(found, Refusal):
        device, count = target or (None, 0)
        return Placed(artefact, asked, asked.engine or "", device, count, reason=found.reason)
    candidate, notes = found
    engine = asked.engine or _engine(candidate, target[0] if target else None)
    demand = Demand(engine_named(engine), asked.context, asked.sequences, asked.cache_type)
    demand.engine.cache_block(asked.cache_type)
    if target is None:
        unique = {id(device): device for device in known.values()}.values()
        rows = rank(candidate, unique, demand, is_engine_given=asked.engine is not None)
        return Placed(artefact, asked, engine, rows=rows, quantization=candidate.quantization, notes=notes)
    return _on(artefact, asked, candidate, demand, target, (*notes, *here))


def _on(
    artefact: Artefact,
    asked: Asked,
    candidate: Candidate,
    demand: Demand,
    target: tuple[Device, int],
    notes: tuple[str, ...],
) -> Placed:
    """Place a model on so many of one device."""
    device, count = target
    engine = demand.engine.name
    tp, pp = asked.tp, asked.pp
    if engine in {"llama.cpp", "transformers"} and tp is None and pp is None:
        tp, pp = 1, count  # both put whole layers on a device
    try:
        cpu = device.cpu if device.is_cpu else "none"
        if tp is None and pp is None and asked.ep is None:
            loads = loads_of(candidate, count, demand, cpu=cpu)
        else:
            plan = plan_of(candidate.structure, count, tp=tp, pp=pp, ep=asked.ep)
            loads = (load(candidate, plan, demand, cpu=cpu),)
        found = best_of(loads, device, demand, candidate.quantization)
    except Refused as refusal:
        raise UsageError(
            str(refusal), hint="choose another number of devices, or `--tp`, `--pp`, `--ep` that divide it"
        ) from refusal
    speed = speed_of(candidate, device, count, demand, asked.usd_per_hour)
    return Placed(
        artefact, asked, engine, device, count, found, speed, prices_of(artefact.name, asked.knowledge),
        quantization=candidate.quantization, notes=notes,
    )  # fmt: skip


def fit_evidence(placed: Placed, made_on: date) -> Evidence:
    """State a fit on one kind of device as fit/v1; raises UsageError for a ranking, which states none."""
    fit, asked, device = placed.fit, placed.asked, placed.device
    if fit is None or device is None:
        raise UsageError("only a fit on a device that is named can be kept", hint="add `--on DEVICE`")
    load = fit.load
    spans = {
        "weights": load.weights, "cache": load.cache, "activation": load.activation, "overhead": load.overhead,
        "room": fit.room, "left": fit.left,
    }  # fmt: skip
    body = FitV1(
        asked=AskedBody(
            device=device.id, devices=placed.count, engine=placed.engine, context=asked.context,
            sequences=asked.sequences, quantization=placed.quantization or "", cache_type=asked.cache_type,
        ),
        verdict=fit.verdict,
        reason=fit.reason,
        confidence=device.confidence,
        **{name: SpanBody(low=span.low, high=span.high) for name, span in spans.items() if span is not None},
        sequences=fit.sequences,
        largest_context=fit.largest_context,
        speed=_speed_body(placed.speed),
        notes=list(dict.fromkeys((*placed.notes, *fit.notes))),
    )  # fmt: skip
    inputs = (digest_of(body.asked.model_dump(mode="json")),)
    return Evidence(placed.artefact.digest, "fit/v1", body.model_dump(mode="json"), inputs, OURS, made_on)


def _speed_body(speed: Speed | None) -> SpeedBody | None:
    if speed is None:
        return None
    return SpeedBody(
        tokens_per_s_alone=speed.alone.tokens_per_s,
        tokens_per_s_together=speed.together.tokens_per_s,
        prompt_seconds=speed.prefill.seconds if speed.prefill else None,
        binds=speed.together.binds,
        usd_per_million_output=speed.usd_per_million_output,
        usd_per_million_input=speed.usd_per_million_input,
    )


def _target(on: str, known: dict[str, Device]) -> tuple[tuple[Device, int], tuple[str, ...]]:
    """Return the device that is asked for and how many, and notes; `this` reads the machine."""
    if on.partition(":")[0] != _THIS:
        return device_named(on, known), ()
    machine = read_machine()
    device = machine.accelerator or machine.cpu
    if device is None:
        raise UsageError("this machine does not say how much memory it has", hint="name a device: `--on h100`")
    _, count = device_named(on, {_THIS: device})
    others = tuple(f"{name} is in this machine too and is not used" for name in machine.others)
    cores = (f"{machine.cores} cores",) if machine.cores and device.is_cpu else ()
    return (device, count if ":" in on else max(machine.count, 1)), (*cores, *others)


def _engine(candidate: Candidate, device: Device | None) -> str:
    if candidate.tensors is not None:
        return "llama.cpp"
    return "vllm" if device is None else usual_engine(device)


def _candidate(artefact: Artefact, asked: Asked) -> tuple[Candidate, tuple[str, ...]] | Refusal:
    """Return the model in the quantization that is asked for, else in its own; or why that cannot be known."""
    if artefact.reference.kind == "endpoint":
        return Refusal("an endpoint does not say what its model is made of")
    sources = read_sources(Folder(artefact))
    structure = sources.outcome
    if isinstance(structure, Refusal):
        return structure
    if structure.vision is None:
        return Refusal("the part that sees or hears is not known, so the weights are not either")
    damage = () if sources.weights.format == "config" else sources.weights.notes[:_MOST_DAMAGE]
    notes = [*damage, *structure.notes]
    length = sources.declared.context_length
    if length is not None and asked.context > length:
        notes.append(f"the model declares {length:,} tokens; {asked.context:,} are asked for")
    if not structure.is_verified:
        notes.append("the structure was not compared with a reference")
    if sources.weights.format == "gguf":
        if asked.quantization is not None:
            raise UsageError(
                "a GGUF file is quantized already", hint="leave `--quantization` out, or give a config.json"
            )
        return Candidate(structure, None, tuple(sources.weights.tables)), tuple(notes)
    scheme = _own_scheme(sources, artefact.name) if asked.quantization is None else _scheme(asked.quantization)
    if isinstance(scheme, Refusal):
        return scheme
    weights = sources.weights
    stored = (weights.tally.n_bytes if weights.is_whole and weights.tally.tensors else None) or weights.stored_bytes
    own = stored if asked.quantization is None else None
    return Candidate(structure, scheme, stored=own), tuple(notes)


def _own_scheme(sources: Sources, name: str) -> Scheme | Refusal:
    """Return how the files say that the weights are stored, or why that is not known."""
    if sources.declared.quantization is None and promises_quantization(name):
        return Refusal("the name speaks of a quantization that no file declares; `--quantization` names one")
    if isinstance(sources.scheme, Scheme):
        return sources.scheme
    said = sources.scheme.reason if sources.scheme is not None else "nothing is declared"
    return Refusal(f"how the weights are stored is not known: {said}; `--quantization` names a way")


def _scheme(name: str) -> Scheme:
    found = SCHEMES.get(name.lower())
    if found is None:
        raise UsageError(
            f"there is no quantization `{name}`",
            hint=did_you_mean(name.lower(), SCHEMES) or f"use {', '.join(SCHEMES)}",
        )
    return found
