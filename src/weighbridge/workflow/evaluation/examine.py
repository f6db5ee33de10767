"""Examine an engine: what it can do, and whether it serves what it served before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.discovery.capabilities import Capabilities, discover
from weighbridge.engine.discovery.fingerprint import Fingerprint, Likeness, compare_fingerprints, take_fingerprint
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

    async def ask() -> tuple[Capabilities, Fingerprint | None]:
        async with engine:
            found = await discover(engine)
            return found, await take_fingerprint(engine) if fingerprint else None

    found, taken = run(ask())
    body = {
        "engine": engine.identity.to_json(),
        "capabilities": found.to_json(),
        "fingerprint": taken.to_json() if taken else None,
    }
    KINDS[KIND].model_validate(body)
    known = [one for one in store.select(subject=artefact.digest, kind=KIND) if one.body["fingerprint"]]
    last = max(known, key=lambda one: one.made_on, default=None)
    likeness = compare_fingerprints(Fingerprint.from_json(last.body["fingerprint"]), taken) if last and taken else None
    evidence = Evidence(artefact.digest, KIND, body, (engine.identity.digest,), OURS, on)
    store.add(evidence)
    return Examined(evidence, found, taken, likeness, last.made_on if last and likeness else None)
