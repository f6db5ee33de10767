"""Ask an endpoint what it runs, and yield a trace for each name that it answers to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.errors import WeighbridgeError
from weighbridge.inventory.endpoint.judge import tell
from weighbridge.inventory.endpoint.pages import read_served
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.merge import Seen
from weighbridge.inventory.origin.names import is_repository
from weighbridge.inventory.origin.tables import repository_at

if TYPE_CHECKING:
    from weighbridge.inventory.endpoint.pages import Served
    from weighbridge.knowledge.protocol import Known

__all__ = ["ask_endpoint"]


def ask_endpoint(engine: Any, address: str, known: Known, *, only: str = "") -> list[Seen | Unsearched]:
    """Return the traces of an engine that was not entered yet; a server that does not answer was not searched.

    `engine` is an adapter that speaks the OpenAI API (`engine_at`); of another kind nothing can be asked. With `only`,
    the one model of that name is meant, whatever else is served.
    """
    if not hasattr(engine, "models") or not hasattr(engine, "post"):
        return [Unsearched(address, "this service lists no models that can be looked at")]
    try:
        served, given = asyncio.run(_read(engine))
    except WeighbridgeError as error:
        return [Unsearched(address, error.message)]
    rows: list[Seen | Unsearched] = [_seen(one, address, known) for one in served if only in {"", one.name}]
    if only:
        return rows or [Unsearched(f"{address}#{only}", "it lists no model of this name")]
    if given > len(served):
        rows.append(Unsearched(address, f"{given - len(served):,} more entries of its list were not read"))
    return rows or [Unsearched(address, "it answers, and names no model")]


async def _read(engine: Any) -> tuple[list[Served], int]:
    async with engine:
        return await read_served(engine)


def _seen(served: Served, address: str, known: Known) -> Seen:
    """Return one served model as a trace with its signs."""
    told = tell(served, known)
    stated = tuple(name for name in (served.parent,) if name and name != served.name)
    found = Found(
        "endpoint", f"{address}#{served.name}", served.name, Confidence.HIGH, bases=stated,
        architecture=served.architecture, licence=served.licence, digest=served.digest,
        detail="; ".join([*([f"owned by {served.owner}"] if served.owner else []), *told.notes])[:500],
    )  # fmt: skip
    if is_repository(served.name) and repository_at(served.name) and not told.contradictions:
        found = replace(found, reference=f"hf:{served.name}")
    return Seen(found, tuple(told.signs), tuple(told.contradictions), told.agrees)
