"""How much an event matters by itself, from `severity.toml`; what it means for a team is the digest's to say."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from weighbridge.core.event import EventKind, EventSeverity

__all__ = ["SEVERITIES", "because", "severity_of"]

SEVERITIES: tuple[EventSeverity, ...] = ("silent", "low", "medium", "high", "critical")


def severity_of(kind: EventKind, traits: AbstractSet[str]) -> EventSeverity:
    """Return the highest severity among the traits' rows, or the kind's own where no trait has one."""
    return _row(kind, traits)[0]


def because(kind: EventKind, traits: AbstractSet[str]) -> str:
    """Return the reason of the row that decides."""
    return _row(kind, traits)[1]


def _row(kind: EventKind, traits: AbstractSet[str]) -> tuple[EventSeverity, str]:
    rows = _rows()
    met = [rows[kind, trait] for trait in sorted(traits) if (kind, trait) in rows]
    return max(met, key=lambda row: SEVERITIES.index(row[0]), default=rows[kind, ""])


@cache
def _rows() -> dict[tuple[str, str], tuple[EventSeverity, str]]:
    text = (files(__package__) / "severity.toml").read_text(encoding="utf-8")
    return {
        (row["kind"], row.get("trait", "")): (cast("EventSeverity", row["severity"]), row["because"])
        for row in tomllib.loads(text)["row"]
    }
