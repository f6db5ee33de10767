"""The event log: what happened, append-only, in the order in which this watch saw it.

Numbers are the log's own and only grow; dates of hubs order nothing. The same change has the same id in every log, but
an id may come twice in one: a gate that is opened, closed and opened again at one commit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, get_args

from weighbridge.core.event import EventKind, ReleaseEvent
from weighbridge.core.finding import Confidence
from weighbridge.errors import NotFound, StoreDamaged, UsageError
from weighbridge.watch.database import WATCH_FILE, Database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["EventLog", "Logged", "append_events", "canonical_order", "event_from_json", "event_to_json"]

_PLACES = {kind: place for place, kind in enumerate(get_args(EventKind))}
_PAGE = 200
_LEAST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Logged:
    """One event and its number in the log."""

    number: int
    event: ReleaseEvent


class EventLog:
    """The events in `watch.sqlite` of a workspace's folder; reading only, what appends is a look's transaction.

    Raises NotFound where nothing was ever watched there.
    """

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder / WATCH_FILE, read_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def events(self, since: datetime | None = None, subject: str | None = None) -> Iterator[ReleaseEvent]:
        """Yield events seen at or after `since`, round by round, in the canonical order of a round.

        A round that was cut short goes on in the next run, so faults change neither which events come nor their order.
        """
        for row in self._database.rows(
            "SELECT body FROM events WHERE seen_at >= ? AND (? IS NULL OR subject = ?)"
            " ORDER BY round, subject, place, number",
            ("" if since is None else _stamp(since), subject, subject),
        ):
            yield self._event(row[0])

    def after(self, number: int) -> Iterator[Logged]:
        """Yield what was appended after an event's number, as it was appended: for whoever reads the log in steps."""
        while rows := self._database.rows(
            "SELECT number, body FROM events WHERE number > ? ORDER BY number LIMIT ?", (number, _PAGE)
        ):
            for found, body in rows:
                yield Logged(found, self._event(body))
            number = rows[-1][0]

    def get(self, id_prefix: str) -> ReleaseEvent:
        """Return the event whose id starts so (`sha256:` may be left out); the newest of those with one id.

        Raises NotFound, or UsageError where several ids do.
        """
        digits = id_prefix.strip().lower().removeprefix("sha256:")
        if len(digits) < _LEAST_DIGITS or digits.strip("0123456789abcdef"):
            raise UsageError(
                f"`{ascii(id_prefix)[1:-1]:.80}` is not an id of an event", hint="give 4 hex digits or more"
            )
        rows = self._database.rows(
            "SELECT id, body FROM events WHERE id >= ? AND id < ? ORDER BY number DESC",
            (f"sha256:{digits}", f"sha256:{digits}g"),  # `g` follows the last hex digit
        )
        if not rows:
            raise NotFound(f"there is no event `{digits}`", hint="`weighbridge watch events` shows what there is")
        if len({row[0] for row in rows}) > 1:
            raise UsageError(f"several events start with `{digits}`", hint="give more digits")
        return self._event(rows[0][1])

    def _event(self, body: str) -> ReleaseEvent:
        try:
            return event_from_json(json.loads(body))
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamaged(f"the log `{self._database.path}` holds an event that cannot be read") from error


def append_events(connection: sqlite3.Connection, round_number: int, events: Iterable[ReleaseEvent]) -> None:
    """Append events inside of the caller's transaction, which also keeps the snapshot that they lead to."""
    connection.executemany(
        "INSERT INTO events (round, place, id, subject, kind, seen_at, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                round_number, _PLACES[event.kind], event.id, event.subject, event.kind, _stamp(event.seen_at),
                json.dumps(event_to_json(event), ensure_ascii=True, sort_keys=True),
            )
            for event in canonical_order(events)
        ],
    )  # fmt: skip


def canonical_order(events: Iterable[ReleaseEvent]) -> list[ReleaseEvent]:
    """Return events by subject, then kind, then id: an order that no clock and no network has a part in."""
    return sorted(events, key=lambda event: (event.subject, _PLACES[event.kind], event.id))


def event_to_json(event: ReleaseEvent) -> dict[str, Any]:
    """Return an event as plain JSON, with its id; times are RFC 3339 in UTC."""
    return {
        "id": event.id,
        "kind": event.kind,
        "severity": event.severity,
        "subject": event.subject,
        "before": event.before,
        "after": event.after,
        "seen_at": _stamp(event.seen_at),
        "created_at": event.created_at and _stamp(event.created_at),
        "announced_at": event.announced_at and _stamp(event.announced_at),
        "commit_before": event.commit_before,
        "commit": event.commit,
        "confidence": event.confidence.value,
        "evidence": list(event.evidence),
        "notes": list(event.notes),
    }


def event_from_json(body: dict[str, Any]) -> ReleaseEvent:
    """Return the event that `event_to_json` wrote; raises ValueError, KeyError or TypeError for anything else."""
    if body["kind"] not in _PLACES:
        raise ValueError("an event of an unknown kind")
    return ReleaseEvent(
        kind=body["kind"],
        subject=body["subject"],
        before=body["before"],
        after=body["after"],
        severity=body["severity"],
        confidence=Confidence(body["confidence"]),
        seen_at=datetime.fromisoformat(body["seen_at"]),
        commit_before=body["commit_before"],
        commit=body["commit"],
        created_at=_moment(body["created_at"]),
        announced_at=_moment(body["announced_at"]),
        evidence=tuple(body["evidence"]),
        notes=tuple(body["notes"]),
    )


def _stamp(moment: datetime) -> str:
    """Write a moment so that texts sort as moments do: UTC, always with six digits after the second."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.isoformat(timespec="microseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
