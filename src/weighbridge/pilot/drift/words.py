"""What an alarm says: in numbers for programs, in a sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.pilot.drift.table import CLUSTER, kind_of
from weighbridge.statistics.interval import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.drift.state import Raised

__all__ = ["alarm_of", "sentence_of", "share_of"]


def alarm_of(raised: Raised) -> dict[str, Any]:
    """Return an alarm as JSON values: shares with 95% intervals before and since, by counts.

    `key` is the one without which there would be no alarm. `since` counts from the likely beginning of the
    change; that its place was chosen the interval does not know.
    """
    stream = raised.stream
    return {
        "direction": stream.kind.direction,
        "severity": raised.severity,
        "key": raised.key,
        "reference": share_of(stream.hits, stream.seen),
        "since": share_of(stream.run_hits, stream.run_seen),
        "watched": stream.watched,
        "p0": 0.0 if stream.detector is None else stream.detector.p0,
        "threshold": stream.threshold,
        "value": 0.0 if stream.detector is None else stream.detector.value,
    }


def sentence_of(route: str, name: str, alarm: Mapping[str, Any]) -> str:
    """Say an alarm in one sentence."""
    kind = kind_of(name)
    which = f" (kind {name.rpartition('-')[2]})" if kind.name == CLUSTER else ""
    since, reference = alarm["since"], alarm["reference"]
    if alarm["severity"] == kind.severity:
        doubt = ""
    elif alarm["key"]:
        doubt = f"; the key `{alarm['key']}` alone shows it, so the decision stands"
    else:
        doubt = "; too few callers show it by now, so the decision stands"
    return (
        f"`{route}` {kind.says}{which}: {_percent(since)} of the last {since['n']} looked at, where its reference has "
        f"{_percent(reference)} of {reference['n']}{doubt}"
    )


def share_of(hits: int, n: int) -> dict[str, Any]:
    """Return a share with its exact 95% interval."""
    low, high = clopper_pearson(hits, n)
    return {"share": hits / n if n else 0.0, "low": low, "high": high, "hits": hits, "n": n}


def _percent(share: Mapping[str, Any]) -> str:
    """Write a share with its interval: `4.1% [3.0, 5.4]`."""
    return f"{100 * share['share']:.1f}% [{100 * share['low']:.1f}, {100 * share['high']:.1f}]"
