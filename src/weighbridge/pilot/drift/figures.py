"""What an alarm says, in numbers: `pilot.words` makes the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.pilot.drift.others import NEWCOMERS
from weighbridge.statistics.interval import clopper_pearson

if TYPE_CHECKING:
    from weighbridge.pilot.drift.state import Raised

__all__ = ["alarm_of", "share_of"]


_DOUBTS = {"": "few_callers", NEWCOMERS: "new_keys"}


def alarm_of(raised: Raised) -> dict[str, Any]:
    """Return an alarm as JSON values: shares with 95% intervals before and since, by counts.

    `key` is the one without which there would be no alarm, `*` for all that its reference does not know. `since` counts
    from the likely beginning of the change; that its place was chosen the interval does not know. `doubt`: why it only
    warns where it would alarm.
    """
    stream = raised.stream
    is_sure = raised.severity == stream.kind.severity
    return {
        "direction": stream.kind.direction,
        "severity": raised.severity,
        "key": raised.key,
        "doubt": "" if is_sure else _DOUBTS.get(raised.key, "one_key"),
        "reference": share_of(stream.hits, stream.seen),
        "since": share_of(stream.run_hits, stream.run_seen),
        "watched": stream.watched,
        "p0": 0.0 if stream.detector is None else stream.detector.p0,
        "threshold": stream.threshold,
        "value": 0.0 if stream.detector is None else stream.detector.value,
    }


def share_of(hits: int, n: int) -> dict[str, Any]:
    """Return a share with its exact 95% interval."""
    low, high = clopper_pearson(hits, n)
    return {"share": hits / n if n else 0.0, "low": low, "high": high, "hits": hits, "n": n}
