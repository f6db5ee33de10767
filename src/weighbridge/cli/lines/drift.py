"""How the monitors of a route read on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, wrapped
from weighbridge.core.digest import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.pilot.drift.standing import Standing, StreamStanding

__all__ = ["drift_lines"]

_FEW = 500
_CLUSTER = "cluster-"


def drift_lines(route: str, standing: Standing) -> Iterator[str]:
    """Yield a head, and a row for each stream; the kinds of prompts only where one is alarmed."""
    alarmed = [stream for stream in standing.streams if stream.alarm is not None]
    watches = any(stream.state == "watching" for stream in standing.streams)
    state = "alarmed" if alarmed else "watching" if watches else "learning"
    yield line(route, f"{standing.seen:,} looked at under decision {short(standing.decision)}", state)
    yield from wrapped(
        f"a false alarm of all monitors together about every {standing.false_alarm_every:,} looked at, or more seldom"
    )
    if standing.left_out:
        yield from wrapped(f"{standing.left_out:,} more do not count: their user or key has its part already")
    if standing.learned < _FEW:
        yield from wrapped(f"needed: {_FEW - standing.learned} more, to have a reference")
    yield ""
    yield f"  {'':<18}{'reference [95%]':<28}{'of late [95%]':<28}evidence"
    kinds = [stream for stream in standing.streams if stream.name.startswith(_CLUSTER)]
    for stream in standing.streams:
        if stream not in kinds or stream.alarm is not None:
            yield _row(stream)
    if kinds:
        yield f"  {'kinds of prompts':<18}{len(kinds)} are watched, each by its share"
    for stream in alarmed:
        yield ""
        yield line("alarm", f"{stream.name} since {_time((stream.alarm or {}).get('at'))}", _severity(stream))
        yield from wrapped(f"{stream.says}: {_change(stream.alarm or {})}")


def _severity(stream: StreamStanding) -> str:
    """Return how severe its alarm is: a warning, too, where one caller alone brings it about."""
    return str((stream.alarm or {}).get("severity", stream.severity))


def _row(stream: StreamStanding) -> str:
    """Write one stream: its shares, and how near it is to its alarm."""
    evidence = stream.state if stream.evidence is None or stream.alarm else f"{100 * stream.evidence:.2f}%"
    return f"  {stream.name:<18}{_share(stream.reference):<28}{_share(stream.now):<28}{evidence}"


def _change(alarm: Mapping[str, Any]) -> str:
    """Say from what to what."""
    return f"{_share(alarm['since'])}, where the reference has {_share(alarm['reference'])}"


def _share(share: Mapping[str, Any]) -> str:
    """Write a share with its interval and count; `-` where nothing was counted."""
    if not share["n"]:
        return "-"
    low, high = (f"{100 * share[end]:.1f}" for end in ("low", "high"))
    return f"{100 * share['share']:.1f}% [{low}, {high}] of {share['n']:,}"


def _time(at: object) -> str:
    """Write a time in UTC, to the minute."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC") if isinstance(at, int | float) else "-"
