"""Examine an engine: what it can do, and whether it serves what it served before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.discovery.capabilities import Capabilities, discover
from weighbridge.engine.discovery.fingerprint import (
    Fingerprint,
    Likeness,
    as_chats,
    compare_fingerprints,
    take_fingerprint,
    worst_of,
)
from weighbridge.workflow.evaluation.loop import run

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.engine.protocol import Engine
    from weighbridge.store.protocol import Store

__all__ = ["Examined", "examine_engine"]

KIND = "endpoint/v1"


@dataclass(frozen=True, slots=True)
class Examined:
    """What an engine can do, its fingerprint if it was taken, and how that compares with the one before."""

    evidence: Evidence
    capabilities: Capabilities
    fingerprint: Fingerprint | None = None
    before: Likeness | None = None
    before_on: date | None = None


def examine_engine(artefact: Artefact, engine: Engine, store: Store, *, on: date, fingerprint: bool = True) -> Examined:
    """Ask an engine what it can do, take its fingerprint, keep both, and compare with the last one in the store."""

    async def ask() -> tuple[Capabilities, dict[str, Fingerprint]]:
        async with engine:
            found = await discover(engine)
            return found, await _fingerprints(engine, found) if fingerprint else {}

    found, prints = run(ask())
    taken = prints.get("fingerprint")
    body = {
        "engine": engine.identity.to_json(),
        "capabilities": found.to_json(),
        "fingerprint": taken.to_json() if taken else None,
        **{name: one.to_json() for name, one in prints.items()},
    }
    KINDS[KIND].model_validate(body)
    known = [one for one in store.select(subject=artefact.digest, kind=KIND) if one.body["fingerprint"]]
    last = max(known, key=lambda one: one.made_on, default=None)
    likeness = _likeness(last.body, prints) if last and taken else None
    evidence = Evidence(artefact.digest, KIND, body, (engine.identity.digest,), OURS, on)
    store.add(evidence)
    return Examined(evidence, found, taken, likeness, last.made_on if last and likeness else None)


async def _fingerprints(engine: Engine, can: Capabilities) -> dict[str, Fingerprint]:
    """Take the fingerprint, and one of chats where the first does not go through the chat template."""
    found = {"fingerprint": await take_fingerprint(engine, can)}
    if found["fingerprint"].form == "completion" and can.chat_logprobs:
        of_chats = await take_fingerprint(engine, as_chats(can))
        if of_chats.tells:
            found["chat_fingerprint"] = of_chats
    return found


def _likeness(before: dict[str, Any], prints: dict[str, Fingerprint]) -> Likeness:
    """Compare with what an earlier statement holds; the worse counts."""
    both = [(Fingerprint.from_json(before[name]), one) for name, one in prints.items() if before.get(name)]
    return worst_of(compare_fingerprints(one, other) for one, other in both)
