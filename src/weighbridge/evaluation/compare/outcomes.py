"""Outcomes by item: what each weighed model leaves behind, so that the next comparison needs fewer calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.evaluation.suite import Suite

__all__ = ["KIND", "items_digest", "marks_of", "outcomes_of"]

KIND = "outcomes/v1"
_SIGNS = {"right": "1", "wrong": "0"}


def items_digest(suite: Suite) -> str:
    """Return the digest of the suite's item ids in order: what marks by position refer to."""
    return digest_of([item.id for item in suite.items])


def marks_of(suite: Suite, marks: Mapping[str, str]) -> str:
    """Return one character an item of the suite, from marks by item id."""
    return "".join(_SIGNS.get(marks.get(item.id, ""), "-") for item in suite.items)


def outcomes_of(suite: Suite, measured: Evidence, *, baseline: bool = False) -> Evidence:
    """Return `outcomes/v1` of a score, or of one side of a comparison: marks without texts."""
    body = measured.body
    rows: Sequence[Mapping[str, Any]] = body["items"] if measured.kind == "score/v1" else body["drawn"]
    key = "mark" if measured.kind == "score/v1" else "baseline" if baseline else "candidate"
    found = {
        "suite": body["suite"],
        "form": body["form"],
        "scorer": suite.scorer,
        "items": items_digest(suite),
        "marks": marks_of(suite, {row["id"]: row[key] for row in rows}),
    }
    subject = str(body["baseline"]) if baseline else measured.subject
    return Evidence(subject, KIND, found, (measured.id,), OURS, measured.made_on)
