"""Look: pin a model and inspect its files, without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.errors import DamagedFile, UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.inspect import inspect_artefact, inspect_files_alone

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.store.protocol import Store

__all__ = ["Inspected", "look"]


@dataclass(frozen=True, slots=True)
class Inspected:
    """A pinned artefact and what its files say; `damage` where its only weights cannot be read as weights."""

    artefact: Artefact
    evidence: tuple[Evidence, ...]
    damage: DamagedFile | None = None


def look(
    reference: str,
    *,
    on: date,
    cache: DigestCache | None = None,
    store: Store | None = None,
    progress: Progress = silent,
    is_forgiving: bool = False,
) -> Inspected:
    """Resolve a reference and inspect it; the evidence goes into `store` where one is given.

    Where it `is_forgiving`, files and safety of a model whose only weights are damaged are stated, beside the damage.
    Raises UsageError for a store and a model that stayed on its hub: its evidence would stand under the digest of the
    whole, and only headers were read.
    """
    artefact = resolve(Reference.parse(reference), cache, progress)
    if store is not None and artefact.shadow is not None:
        raise UsageError(
            f"{quote(reference)} was not downloaded: its files can be inspected, and nothing more",
            hint=f"`{artefact.shadow.download}`, then give `{artefact.shadow.downloaded}`",
        )
    try:
        evidence = tuple(inspect_artefact(artefact, on))
    except DamagedFile as error:
        if not is_forgiving or store is not None:
            raise
        return Inspected(artefact, tuple(inspect_files_alone(artefact, on)), error)
    if store is not None:
        for statement in evidence:
            store.add(statement)
    return Inspected(artefact, evidence)
