"""The fold behind the dashboard: what was looked at of each leg, by five minutes for a day, by the hour for 14 days."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.board.bucket import Bucket
from weighbridge.pilot.journal.protocol import Notice
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.pilot.journal.protocol import Entry

__all__ = ["SPANS", "BoardFold", "read_board"]

SPANS = {"minutes": (300, 288), "hours": (3600, 336)}
"""Seconds of a bucket, and how many are kept, by the name of the series."""
_MOST_LEGS = 16
_DAMAGED = "journal.damaged"
_DAY_S = 86_400


class BoardFold:
    """Folds the `seen` entries of one route; its body is at most some hundred kilobytes, of texts (`Bucket.write`).

    Body: `{"legs": {LEG: {"minutes": {START: TEXT}, "hours": {START: TEXT}}}}`, START in seconds since 1970.
    """

    def __init__(self, route: str) -> None:
        self.name = f"board/{route}"
        self.route = route

    def begin(self) -> Mapping[str, Any]:
        """Return a board with nothing on it."""
        return {"legs": {}}

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Count the observations; what is no observation is passed over, and what is damaged is told of."""
        groups: dict[str, list[Observation]] = defaultdict(list)
        for entry in entries:
            if entry.kind == "seen":
                seen = _observed(entry)
                if seen is not None and (seen.leg in body["legs"] or len(body["legs"] | groups) < _MOST_LEGS):
                    groups[seen.leg].append(seen)
        legs = {leg: _counted(body["legs"].get(leg, {}), group) for leg, group in groups.items()}
        return {"legs": {**body["legs"], **legs}}, self._damaged([one for one in entries if one.kind == "unreadable"])

    def _damaged(self, entries: Sequence[Entry]) -> list[Notice]:
        """Tell of entries that nobody could read: here, for every route has one board."""
        if not entries:
            return []
        first, last = entries[0], entries[-1]
        facts = {"route": self.route, "entries": len(entries), "first": first.number, "last": last.number}
        notice_id, why = f"{self.name}:{first.number}:{_DAMAGED}", told(_DAMAGED, facts)
        return [Notice(notice_id, first.at, self.route, _DAMAGED, "warning", why, "", facts)]


def read_board(body: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return a board for people, at a time in seconds since 1970.

    `{"legs": {LEG: {"minutes": [ROW...], "hours": [ROW...], "day": ROW}}}`: rows in the order of time, spans in which
    nothing was looked at left out; `day` is the last 24 hours as one. ROW: `{"at": START, "looked_at": n, "failed": n,
    "refused": {"count": n, "of": n}, "out_of_form": ..., "other_language": ..., "cut_off": ..., "tokens_mean": x,
    "total_s": {"p50": x, "p95": x, "p99": x}, "first_s": {...}}`. `of` are those where it is known; seconds are those
    of answers that did not fail, within 9%, None where there are none. LEG: `primary`, `canary`, `fallback-N`.
    """
    return {"legs": {leg: _shown(series, now) for leg, series in body["legs"].items()}}


def _observed(entry: Entry) -> Observation | None:
    """Return an entry's observation, None where it is none that can be counted."""
    try:
        seen = Observation.from_facts(entry.facts)
        return seen if math.isfinite(seen.at) and math.isfinite(seen.total_s) else None
    except TypeError:
        return None


def _counted(series: Mapping[str, Mapping[str, str]], group: Sequence[Observation]) -> dict[str, dict[str, str]]:
    """Return both series of a leg with more observations in them."""
    counted = {}
    for name, (span, most) in SPANS.items():
        texts = dict(series.get(name, {}))
        changed: dict[str, Bucket] = {}
        for seen in group:
            start = str(int(seen.at) // span * span)
            if start not in changed:
                changed[start] = Bucket.read(texts[start]) if start in texts else Bucket()
            changed[start].add(seen)
        texts.update((start, bucket.write()) for start, bucket in changed.items())
        counted[name] = {start: texts[start] for start in sorted(texts, key=int)[-most:]}
    return counted


def _shown(series: Mapping[str, Mapping[str, str]], now: float) -> dict[str, Any]:
    """Return the rows of one leg, and its last day."""
    shown: dict[str, Any] = {}
    day = Bucket()
    for name, (span, most) in SPANS.items():
        rows = []
        for start, text in series.get(name, {}).items():
            if int(start) >= now - span * most:
                bucket = Bucket.read(text)
                rows.append({"at": int(start), **bucket.to_json()})
                if name == "minutes" and int(start) >= now - _DAY_S:
                    day.merge(bucket)
        shown[name] = rows
    return {**shown, "day": {"at": int(now) - _DAY_S, **day.to_json()}}
