"""Service against weights: the same items on two hosts of one model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.core.reference import Reference
from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.bank import spread
from weighbridge.evaluation.behaviour.service import service_body
from weighbridge.workflow.behaviour.measure import measure_behaviour
from weighbridge.workflow.behaviour.versus import state_comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.run import Session
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.behaviour.measure import Call, Measured
    from weighbridge.workflow.evaluation.measure import EngineChoice

__all__ = ["compare_service", "forecast_service"]

_NOISE_ITEMS = 20  # asked twice of the first host: how far it repeats itself


def forecast_service(call: Call) -> int:
    """Return how many requests a comparison takes that finds nothing stored: all items on both, 20 once more."""
    return 2 * call.first.calls + len(spread(call.first.items, _NOISE_ITEMS)) * len(call.languages)


def compare_service(
    model: str,
    service: str,
    call: Call,
    service_engine: EngineChoice,
    session: Session,
    cache: DigestCache | None = None,
    *,
    tell: Callable[[Measured], None] = lambda _measured: None,
) -> Evidence:
    """Ask a model and a service that is said to be it, greedily, and state whether they behave alike.

    `service` is an address with a name, `http://host/v1#name`; its evidence stands under that address, since it is the
    very question what answers there. Returns `behaviour-comparison/v1`. Raises UsageError where the service is no
    address, or the same engine as the model's.
    """
    there, here = Reference.parse(service), Reference.parse(model)
    if there.kind != "endpoint":
        raise UsageError(f"`{service}` is not the address of a service", hint="give one like `http://host/v1#name`")
    if (there.target, there.detail) == (here.target, here.detail):
        raise _same(model, service)
    greedy = replace(call, repeats=1, until_clear=False)
    ours = measure_behaviour(model, replace(greedy, noise=_NOISE_ITEMS), session, cache)
    tell(ours)
    theirs = measure_behaviour(service, replace(greedy, engine=service_engine), session, cache)
    engines = [side.evidence.body["engine"] for side in (ours, theirs)]
    if engines[0]["address"] is not None and _place(engines[0]) == _place(engines[1]):
        raise _same(model, service)
    tell(theirs)
    body = service_body(ours.answers, theirs.answers, ours.repeated, margin=call.margin)
    return state_comparison("service", ours, theirs, call, session, service=body)


def _same(model: str, service: str) -> UsageError:
    return UsageError(f"`{model}` and `{service}` are the same engine", hint="name another host, or a local file")


def _place(engine: dict[str, str | None]) -> tuple[str | None, str | None]:
    return engine["address"], engine["model"]
