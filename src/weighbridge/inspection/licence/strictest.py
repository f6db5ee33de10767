"""The strictest of several answers to one term: what a chain of licences leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.licence.terms import COLUMNS

if TYPE_CHECKING:
    from weighbridge.core.kinds.licence import TermBody

__all__ = ["strictest", "strictness"]

_NOT_KNOWN = 1
_MIDDLE = 3
_FREE = 5
_RANKS: dict[str, dict[str, int]] = {  # by the first words of an answer; 0 is the strictest
    "commercial_use": {"no": 0, "conditional": 2, "silent": 3, "policy": 4, "yes": 5},
    "outputs_train_other_models": {
        "forbidden": 0, "restricted": 2, "allowed with": 3, "allowed,": 3, "silent": 4, "allowed": 5,
    },
    "hosting_as_service": {"forbidden": 0, "conditional": 2, "counts": 3, "silent": 4, "allowed": 5},
    "aup_incorporated": {"yes": 2, "is one": 2, "no": 5},
    "osi_approved": {"no": 0, "unknown": 2, "yes": 5},
}  # fmt: skip
_NOTHING = ("none", "silent", "no trade")


def strictest(tables: list[dict[str, TermBody]]) -> dict[str, TermBody]:
    """Return the strictest answer of every term; answers that are equally strict and differ stand side by side."""
    merged = {}
    for column in COLUMNS:
        terms = [table[column] for table in tables if column in table]
        if not terms:
            continue
        best = min(strictness(column, term.value) for term in terms)
        equal = [term for term in terms if strictness(column, term.value) == best]
        values = {term.value: term for term in reversed(equal)}
        first = equal[0]
        if len(values) > 1 and first.value is not None:
            distinct = [term for term in equal if values[term.value] is term]
            value = "; ".join(f"{term.value} [{term.licence or term.source}]" for term in distinct)
            quotes = [quote for term in distinct for quote in term.quotes]
            first = first.model_copy(update={"value": value, "quotes": quotes})
        merged[column] = first
    return merged


def strictness(column: str, value: str | None) -> int:
    """Return how strict an answer is, 0 the strictest; what is not known is stricter than anything but a plain no."""
    if value is None:
        return _NOT_KNOWN
    ranks = _RANKS.get(column, {})
    for words, rank in ranks.items():
        if value.startswith(words):
            return rank
    return _FREE if not value or value.startswith(_NOTHING) else _MIDDLE
