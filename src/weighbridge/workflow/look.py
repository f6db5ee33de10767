"""Look: pin a model and inspect its files, without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.inspect import inspect_artefact

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.store.protocol import Store

__all__ = ["Inspected", "look"]


@dataclass(frozen=True, slots=True)
class Inspected:
    """A pinned artefact and what its files say."""

    artefact: Artefact
    evidence: tuple[Evidence, ...]


def look(
    reference: str,
    *,
    on: date,
    cache: DigestCache | None = None,
    store: Store | None = None,
    progress: Progress = silent,
) -> Inspected:
    """Resolve a reference and inspect it; the evidence goes into `store` where one is given."""
    artefact = resolve(Reference.parse(reference), cache, progress)
    evidence = tuple(inspect_artefact(artefact, on))
    if store is not None:
        for statement in evidence:
            store.add(statement)
    return Inspected(artefact, evidence)
