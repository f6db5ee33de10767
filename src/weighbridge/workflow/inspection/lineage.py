"""Lineage: where a model comes from, by its declarations, and by its weights beside a base that is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.errors import UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.lineage.inspect import inspect_lineage
from weighbridge.inspection.safety.readers import formats_of

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.hub.protocol import DigestCache

__all__ = ["Traced", "trace"]

_WEIGHTS = frozenset({"gguf", "safetensors"})


@dataclass(frozen=True, slots=True)
class Traced:
    """A model, the base that it was held beside, and what that showed."""

    artefact: Artefact
    base: Artefact | None
    evidence: Evidence


def trace(
    reference: str,
    base: str | None = None,
    *,
    on: date,
    cache: DigestCache | None = None,
    progress: Progress = silent,
) -> Traced:
    """Resolve a model, and a base if one is given, and state the lineage.

    Raises UsageError for an endpoint, and where weights should be compared that stayed on a hub.
    """
    artefact = _resolve(reference, cache, progress)
    other = None if base is None else _resolve(base, cache, progress)
    for one in () if other is None else (artefact, other):
        if one.shadow is not None:
            raise UsageError(
                f"the weights of {quote(one.reference.text)} stayed on the hub: rows are compared in local copies only",
                hint=f"`{one.shadow.download}`, then give `{one.shadow.downloaded}`",
            )
    return Traced(artefact, other, inspect_lineage(artefact, on, other))


def _resolve(reference: str, cache: DigestCache | None, progress: Progress) -> Artefact:
    """Return a model with files."""
    artefact = resolve(Reference.parse(reference), cache, progress)
    if artefact.is_endpoint:
        raise UsageError(
            f"{quote(reference)} is an endpoint: the weights behind it cannot be seen",
            hint="give a folder, a `.gguf` file, or a model on a hub",
        )
    if artefact.reference.kind == "file" and artefact.shadow is None and not _is_model(artefact):
        raise UsageError(
            f"{quote(reference)} is no model: its bytes are those of neither GGUF nor safetensors",
            hint="give a folder, a `.gguf` file, or a model on a hub",
        )
    return artefact


def _is_model(artefact: Artefact) -> bool:
    """Whether a single file holds weights that can be compared."""
    return not _WEIGHTS.isdisjoint(formats_of(artefact).values())
