"""History: the outcomes of earlier models on a suite's items, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from weighbridge.evaluation.compare.outcomes import KIND, items_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store

__all__ = ["History", "read_history", "to_array"]

_MOST_MODELS = 5_000


@dataclass(frozen=True, slots=True)
class History:
    """Earlier models' outcomes: `matrix` is (models, items), 1 right, 0 wrong, nan unknown; `ids` name the evidence."""

    matrix: NDArray[np.float64]
    ids: tuple[str, ...]
    subjects: tuple[str, ...]


def read_history(
    store: Store, suite: Suite, *, without: Collection[str] = (), only: Sequence[str] | None = None
) -> History:
    """Return the outcomes of earlier models on this suite's items; `without` leaves out subjects.

    `only` names the statements to use, in their order: those that an earlier plan rested on.

    Whatever the history says, the error rate of a comparison holds; a good one only makes it shorter. So outcomes
    in another prompt form count, too. A model measured several times stands once, by its most complete outcomes.
    """
    if only is not None:
        return _history([store.get(id_) for id_ in only], suite)
    wanted = items_digest(suite)
    best: dict[str, Evidence] = {}
    for evidence in store.select(kind=KIND):
        body = evidence.body
        if body["items"] != wanted or len(body["marks"]) != len(suite.items) or evidence.subject in without:
            continue
        kept = best.get(evidence.subject)
        if kept is None or body["marks"].count("-") <= kept.body["marks"].count("-"):
            best[evidence.subject] = evidence
    return _history(list(best.values())[-_MOST_MODELS:], suite)


def _history(used: Sequence[Evidence], suite: Suite) -> History:
    """Return statements as numbers."""
    return History(
        to_array([evidence.body["marks"] for evidence in used], len(suite.items)),
        tuple(evidence.id for evidence in used),
        tuple(evidence.subject for evidence in used),
    )


def to_array(marks: Sequence[str], n_items: int) -> NDArray[np.float64]:
    """Return marks as an array (len(marks), n_items) of 1, 0 and nan."""
    table = np.full(256, np.nan)
    table[ord("0")], table[ord("1")] = 0.0, 1.0
    codes = np.frombuffer("".join(marks).encode("ascii"), dtype=np.uint8)
    found: NDArray[np.float64] = table[codes].reshape(len(marks), n_items)
    return found
