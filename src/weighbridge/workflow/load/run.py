"""Load: put one served model under load, or two in turn, and state what their users would wait for."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import LoadV1
from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.errors import UsageError
from weighbridge.evaluation.latency import machine
from weighbridge.hub.protocol import resolve
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import EngineChoice, choose_engine
from weighbridge.workflow.load.costs import bound_of, list_prices, roofline_json
from weighbridge.workflow.load.stretches import (
    LoadRun,
    Order,
    is_met,
    measure_closed,
    measure_open,
    measure_pair,
    user_of,
)

if TYPE_CHECKING:
    from weighbridge.core.artefact import Artefact
    from weighbridge.engine.protocol import Engine
    from weighbridge.hub.protocol import DigestCache

__all__ = ["Loaded", "Order", "measure_load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found; `notes` are for the reader, `interrupted` where somebody stopped it."""

    artefact: Artefact
    evidence: Evidence
    notes: tuple[str, ...]
    interrupted: bool


def measure_load(order: Order, *, cache: DigestCache | None = None, progress: Progress = silent) -> Loaded:
    """Measure, and return load/v1; raises UsageError, NotFound or EngineUnreachable before the first stretch."""
    if order.against is not None and (order.sweep or len(order.rates) > 1):
        raise UsageError("two models are compared at one rate", hint="give one `--rate`, and no `--sweep`")
    if order.sweep and not order.levels:
        raise UsageError("a sweep needs service levels to meet", hint="for example `--slo ttft=0.5s:5%`")
    if order.users == 0 and not order.rates:
        raise UsageError("without users no rate is known to ask at", hint="give `--rate`")
    artefact, engine = _found(order.reference, order.engine, order, cache, progress)
    other = None
    if order.against is not None:
        other = _found(order.against, order.against_engine, order, cache, progress)
    under_way = LoadRun(order, progress)
    bound = bound_of(order.costs, order.reference, order.shapes, max(1, order.users), cache=cache, progress=progress)
    body = run(_measured(under_way, engine, None if other is None else (other[0], other[1])))
    if isinstance(bound, str):
        under_way.notes.append(bound)
    elif bound is not None and order.users:
        body["roofline"] = roofline_json(bound, body["points"][0])
    body["list_prices"] = list_prices(order.costs.weights or artefact.name, order.costs.knowledge)
    checked = LoadV1.model_validate(body).model_dump(mode="json")
    inputs = (digest_of({"run": under_way.run_id, "traffic": checked["traffic"], "engine": checked["engine"]}),)
    evidence = Evidence(artefact.digest, "load/v1", checked, inputs, OURS, order.on)
    return Loaded(artefact, evidence, tuple(dict.fromkeys(under_way.notes)), under_way.stop.asked)


def _found(
    reference: str, choice: EngineChoice, order: Order, cache: DigestCache | None, progress: Progress
) -> tuple[Artefact, Engine]:
    """Pin a model and find what serves it."""
    artefact = resolve(Reference.parse(reference), cache, progress)
    engine = choose_engine(artefact, choice)
    if isinstance(engine, str):
        raise UsageError(f"`{artefact.name}` cannot be put under load: {engine}")
    if (reserve := getattr(engine, "reserve", None)) is not None:
        longest = max(shape.tokens_in + shape.tokens_out for shape in order.shapes)
        reserve(2 * longest)  # our estimate of tokens may be off until the server has counted some
    return artefact, engine


async def _measured(under_way: LoadRun, engine: Engine, other: tuple[Artefact, Engine] | None) -> dict[str, Any]:
    """Run all stretches and return the body, but for what stands beside it."""
    order = under_way.order
    if order.budget.until is not None:
        order = replace(order, budget=replace(order.budget, until=time.perf_counter() + order.budget.until))
        under_way.order = order
    async with AsyncExitStack() as stack:
        user = await user_of(under_way, await stack.enter_async_context(engine), "a")
        points = [await measure_closed(under_way, user)] if order.users else []
        capacity = points[0]["answers_s"] if points else 0.0
        if other is None:
            points += await measure_open(under_way, user, capacity)
            against = None
        else:
            artefact, second = other
            rival = await user_of(under_way, await stack.enter_async_context(second), "b")
            if order.users:
                capacity = min(capacity, (await measure_closed(under_way, rival))["answers_s"])
            point, against = await measure_pair(under_way, user, rival, capacity)
            points.append(point)
            against |= {
                "baseline": artefact.digest,
                "baseline_name": artefact.name,
                "baseline_engine": second.identity.to_json(),
            }
        best, headline = _headline(points)
        return {
            "engine": engine.identity.to_json(),
            "machine": machine(),
            "traffic": _traffic(order, ignore_eos=bool(user.extra)),
            "headline": headline,
            "points": points,
            "valid": headline["valid"],
            "slo": headline["slo"],
            "best_rate": best,
            "against": against,
        }


def _headline(points: list[dict[str, Any]]) -> tuple[float | None, dict[str, Any]]:
    """Return the highest rate that met all levels, and the stretch that speaks for the run."""
    opened = [point for point in points if point["loop"] == "open"]
    met = [point for point in opened if is_met(point)]
    if met:
        best = max(met, key=lambda point: point["rate"])
        return best["rate"], best
    return None, min(opened, key=lambda point: point["rate"]) if opened else points[0]


def _traffic(order: Order, *, ignore_eos: bool) -> dict[str, Any]:
    """Say what was asked."""
    return {
        "shapes": [str(shape) for shape in order.shapes],
        "form": order.form,
        "ignore_eos": ignore_eos,
        "shared_tokens": order.shared_tokens,
        "seed": order.seed,
        "timeout_s": order.timeout_s,
    }
