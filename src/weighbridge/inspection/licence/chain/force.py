"""What is in force: all sources together, the strictest answer per term, the clauses of all; a tag is no licence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.licence import GateBody, LicenceV1, TermBody, WhenBody
from weighbridge.inspection.licence.chain.conflicts import conflicts_among
from weighbridge.inspection.licence.chain.sources import sources_of
from weighbridge.inspection.licence.terms import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.inspection.licence.chain.sources import Given, Source

__all__ = ["in_force"]

_NOT_KNOWN = 1
_MIDDLE = 3
_FREE = 5
_RANKS: dict[str, dict[str, int]] = {  # by the first words of an answer; 0 is the strictest
    "commercial_use": {"no": 0, "conditional": 2, "silent": 3, "policy": 4, "yes": 5},
    "outputs_train_other_models": {
        "forbidden": 0, "restricted": 2, "allowed with": 3, "allowed,": 3, "silent": 4, "allowed": 5,
    },
    "hosting_as_service": {"forbidden": 0, "conditional": 2, "counts": 3, "silent": 4, "allowed": 5},
    "osi_approved": {"no": 0, "unknown": 2, "yes": 5},
}  # fmt: skip
_NOTHING = ("none", "silent", "no trade")
_ROLES_OF_TERMS = ("weights", "policy", "base")
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
        terms=_strictest([source.reading.terms for source in counted if source.reading.terms]),
        gates=list({gate.model_dump_json(): gate for gate in gates}.values()),
        multimodal=multimodal,
        conflicts=conflicts,
        conflicts_found=len(conflicts),
        questions=list(dict.fromkeys(gate.says for gate in gates if gate.effect == "ask" and gate.when == _ALWAYS)),
    )


def _no_text(sources: list[Source]) -> GateBody:
    """Ask for the text: whatever a tag or a base says, nobody here has read what binds."""
    tag = next((source.force.source for source in sources if source.force.role == "tag"), None)
    said = f"the {tag} is no licence" if tag else "nothing says which licence it is"
    says = f"no licence text for the weights lies with the files, and {said}: get the text"
    return GateBody(term="points_for_a_human", effect="ask", says=says, source="files")


def _strictest(tables: list[dict[str, TermBody]]) -> dict[str, TermBody]:
    """Return the strictest answer of every term; answers that are equally strict and differ stand side by side."""
    merged = {}
    for column in COLUMNS:
        terms = [table[column] for table in tables if column in table]
        if not terms:
            continue
        best = min(_rank(column, term.value) for term in terms)
        equal = [term for term in terms if _rank(column, term.value) == best]
        values = {term.value: term for term in reversed(equal)}
        first = equal[0]
        if len(values) > 1 and first.value is not None:
            distinct = [term for term in equal if values[term.value] is term]
            value = "; ".join(f"{term.value} [{term.licence or term.source}]" for term in distinct)
            quotes = [quote for term in distinct for quote in term.quotes]
            first = first.model_copy(update={"value": value, "quotes": quotes})
        merged[column] = first
    return merged


def _rank(column: str, value: str | None) -> int:
    """Return how strict an answer is, 0 the strictest; what is not known is stricter than anything but a plain no."""
    if value is None:
        return _NOT_KNOWN
    ranks = _RANKS.get(column, {})
    for words, rank in ranks.items():
        if value.startswith(words):
            return rank
    return _FREE if not value or value.startswith(_NOTHING) else _MIDDLE
