"""A calendar (RFC 5545) of when families are expected to release and when our decisions end."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of, short
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from weighbridge.watch.digest.windows import Plan

__all__ = ["calendar"]

_OCTETS = 73  # a line is folded so that it holds at most 75 octets, the leading space counted
_LONGEST = 200


def calendar(plans: Sequence[Plan], now: datetime) -> bytes:
    """Return all-day events; a day that is not known makes none."""
    rows = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Weighbridge//watch plan//EN"]
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for plan in plans:
        family, cadence = plan.rhythm.family, plan.rhythm.cadence
        if cadence is not None and cadence.next_window is not None and cadence.coverage is not None:
            says = f"{family}: next release expected ({100 * cadence.coverage:.0f}%)"
            rows += _event(f"window {family}", says, cadence.next_window, stamp)
        for due in plan.decisions:
            if due.stake.expires_on is not None:
                says = f"{due.stake.name or due.stake.repository}: decision by {due.stake.policy} ends"
                rows += _event(due.stake.decision, says, (due.stake.expires_on, due.stake.expires_on), stamp)
    return ("\r\n".join(_folded([*rows, "END:VCALENDAR"])) + "\r\n").encode()


def _event(name: str, summary: str, days: tuple[date, date], stamp: str) -> list[str]:
    """Return one event; its end is the day after the last."""
    first, last = days
    return [
        "BEGIN:VEVENT",
        f"UID:{short(digest_of(name))}@weighbridge",
        f"DTSTAMP:{stamp}",
        f"DTSTART;VALUE=DATE:{first:%Y%m%d}",
        f"DTEND;VALUE=DATE:{last + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(summary)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    line = single_line(text, _LONGEST)
    return line.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(rows: Iterable[str]) -> Iterable[str]:
    """Fold long lines between characters."""
    for row in rows:
        part, size = "", 0
        for letter in row:
            width = len(letter.encode())
            if size + width > _OCTETS:
                yield part
                part, size = " ", 1
            part, size = part + letter, size + width
        yield part
