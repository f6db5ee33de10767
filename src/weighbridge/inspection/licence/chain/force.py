"""What is in force: all sources together, the strictest answer per term, the clauses of all; a tag is no licence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.licence import GateBody, LicenceV1, TermBody, WhenBody
from weighbridge.inspection.licence.chain.conflicts import conflicts_among
from weighbridge.inspection.licence.chain.sources import sources_of
from weighbridge.inspection.licence.strictest import strictest

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.inspection.licence.chain.sources import Given, Source

__all__ = ["in_force"]

_ROLES_OF_TERMS = ("weights", "policy", "base")
_OF_POLICIES = ("field_of_use_limits", "territory_limits")
_ALWAYS = WhenBody()


def in_force(given: Given, *, multimodal: bool | None = None, base: Path | None = None) -> LicenceV1:
    """Return what is in force for an artefact; `base` is a user's own folder of terms.

    Raises UsageError for a file of that folder that cannot be read.
    """
    sources = sources_of(given, base)
    texts = [source for source in sources if source.force.role == "weights" and source.force.verdict != "pointer"]
    roles = _ROLES_OF_TERMS if texts else (*_ROLES_OF_TERMS, "tag")
    counted = [source for source in sources if source.force.role in roles]
    gates = [] if texts else [_no_text(sources)]
    gates += [gate for source in counted for gate in source.reading.gates]
    gates += [gate for source in sources if source.force.role == "dataset" for gate in source.reading.gates]
    conflicts = conflicts_among(sources)
    return LicenceV1(
        licences=sorted({source.licence for source in texts if source.licence and source.reading.is_whole}),
        in_force=[source.force for source in sources],
        text_found=bool(texts),
        terms=strictest([table for source in counted if (table := _table(source))]),
        gates=list({gate.model_dump_json(): gate for gate in gates}.values()),
        multimodal=multimodal,
        conflicts=conflicts,
        conflicts_found=len(conflicts),
        questions=list(dict.fromkeys(gate.says for gate in gates if gate.effect == "ask" and gate.when == _ALWAYS)),
    )


def _table(source: Source) -> dict[str, TermBody]:
    """Return the terms that a source adds: a use policy speaks of fields and territories alone."""
    if source.force.role != "policy":
        return source.reading.terms
    return {column: term for column, term in source.reading.terms.items() if column in _OF_POLICIES and term.value}


def _no_text(sources: list[Source]) -> GateBody:
    """Ask for the text: whatever a tag or a base says, nobody here has read what binds."""
    tag = next((source.force.source for source in sources if source.force.role == "tag"), None)
    said = f"the {tag} is no licence" if tag else "nothing says which licence it is"
    says = f"no licence text for the weights lies with the files, and {said}: get the text"
    return GateBody(term="points_for_a_human", effect="ask", says=says, source="files")
