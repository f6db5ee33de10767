"""The two sides of a comparison, and what the store holds of one already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store

__all__ = ["Side", "read_as", "stored_run"]


@dataclass(frozen=True, slots=True)
class Side:
    """One model of a comparison: what is weighed, what it is called, and what answers for it, if anything does."""

    subject: str
    name: str
    engine: Engine | None


def stored_run(store: Store, suite: Suite, subject: str) -> Evidence | None:
    """Return the newest whole `score/v1` of a model on this very suite, or None."""
    return max(
        (
            evidence
            for evidence in store.select(subject=subject, kind="score/v1")
            if evidence.body["suite"]["digest"] == suite.digest and _whole(evidence.body, suite)
        ),
        key=lambda evidence: evidence.made_on,
        default=None,
    )


def read_as(body: dict[str, Any]) -> tuple[str, str]:
    """Return prompt form and reading of a score; marks that differ in one are never compared."""
    return body["form"], body.get("reading", "distribution")


def _whole(body: dict[str, Any], suite: Suite) -> bool:
    """Say whether every item was asked once and answered."""
    return len(body["items"]) == len(suite.items) and body["calls"]["failed"] == 0
