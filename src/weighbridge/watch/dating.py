"""Make events of changes: severity, dates, and what is odd about the dates a hub gives."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from weighbridge.core.event import ReleaseEvent
from weighbridge.watch.diff.arrivals import announced_at
from weighbridge.watch.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from weighbridge.hub.catalogue.protocol import Entry
    from weighbridge.knowledge.protocol import Known
    from weighbridge.watch.diff.change import Change

__all__ = ["dated"]

_SKEW = timedelta(hours=1)  # clocks of two machines may differ by so much


def dated(
    changes: Iterable[Change], before: Entry | None, after: Entry | None, now: datetime, known: Known
) -> list[ReleaseEvent]:
    """Return the events of one repository; at least one of `before` and `after` is given.

    Dates of the hub are handed on as they are: what cannot be true is noted, and orders nothing.
    """
    entry = before or after
    newest = after or before
    if entry is None or newest is None:
        return []
    odd = _odd_dates(newest, now)
    return [
        ReleaseEvent(
            kind=change.kind,
            subject=entry.subject,
            before=change.before,
            after=change.after,
            severity=severity_of(change.kind, change.traits),
            confidence=change.confidence,
            seen_at=now,
            commit_before=before.commit if before else "",
            commit=after.commit if after else "",
            created_at=newest.created_at,
            announced_at=announced_at(newest.repository, known),
            evidence=change.evidence,
            notes=(*change.notes, *odd),
        )
        for change in changes
    ]


def _odd_dates(entry: Entry, now: datetime) -> tuple[str, ...]:
    """Say which dates of the hub cannot be right."""
    notes = []
    dates = (("of creation", entry.created_at), ("of the last change", entry.modified_at))
    for word, date in dates:
        if date is not None and date > now + _SKEW:
            notes.append(f"the hub's date {word}, {date.isoformat()}, lies in the future of this machine's clock")
    if entry.created_at and entry.modified_at and entry.modified_at < entry.created_at - _SKEW:
        notes.append(f"its last change, {entry.modified_at.isoformat()}, is dated before its creation")
    return tuple(notes)
