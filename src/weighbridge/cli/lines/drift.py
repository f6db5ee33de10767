"""How the monitors of a route read on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, padded, wrapped
from weighbridge.core.digest import short
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.dossier.locale import Locale
    from weighbridge.pilot.drift.standing import Standing, StreamStanding

__all__ = ["drift_lines"]

_FEW = 500
_CLUSTER = "cluster-"


def drift_lines(route: str, standing: Standing, t: Locale) -> Iterator[str]:
    """Yield a head, and a row for each stream; the kinds of prompts only where one is alarmed."""
    alarmed = [stream for stream in standing.streams if stream.alarm is not None]
    watches = any(stream.state == "watching" for stream in standing.streams)
    state = "alarmed" if alarmed else "watching" if watches else "learning"
    seen = t("told_drift.looked_at", count=f"{standing.seen:,}", decision=short(standing.decision))
    yield line(route, t("told_part.between").join((seen, t(f"told_drift.{state}"))))
    yield from wrapped(t("told_drift.false_alarms", count=f"{standing.false_alarm_every:,}"))
    if standing.left_out:
        yield from wrapped(t("told_drift.left_out", count=f"{standing.left_out:,}"))
    if standing.speaks_for_all:
        keys = t("told_part.between").join(t("told_part.key", id=key) for key in standing.speaks_for_all)
        yield from wrapped(t("told_part.steerable", keys=keys))
    if standing.learned < _FEW:
        yield from wrapped(t("told_drift.needed", count=_FEW - standing.learned))
    yield ""
    heads = [padded(t(f"told_drift.{name}"), 26) for name in ("reference", "of_late")]
    yield f"  {'':<17}{''.join(heads)}{t('told_drift.evidence')}"
    kinds = [stream for stream in standing.streams if stream.name.startswith(_CLUSTER)]
    for stream in standing.streams:
        if stream not in kinds or stream.alarm is not None:
            yield _row(stream, t)
    if kinds:
        yield f"  {padded(t('told_drift.kinds'), 17)}{t('told_drift.kinds_watched', count=len(kinds))}"
    for stream in alarmed:
        yield ""
        alarm = stream.alarm or {}
        head = t("told_drift.since", stream=stream.name, at=_time(alarm.get("at")))
        yield line(t.label("told_message", _severity(stream)), head)
        says = told("drift.stream", {"name": stream.name}, stream.says, t.language)
        change = {"since": _share(alarm["since"], t), "reference": _share(alarm["reference"], t)}
        yield from wrapped(t("told_drift.change", says=says, **change))


def _severity(stream: StreamStanding) -> str:
    """Return how severe its alarm is: a warning, too, where one caller alone brings it about."""
    return str((stream.alarm or {}).get("severity", stream.severity))


def _row(stream: StreamStanding, t: Locale) -> str:
    """Write one stream: its shares, and how near it is to its alarm."""
    is_bare = stream.evidence is None or stream.alarm
    evidence = t(f"told_drift.{stream.state}") if is_bare else f"{100 * (stream.evidence or 0):.2f}%"
    shares = "".join(padded(_share(one, t), 26) for one in (stream.reference, stream.now))
    return f"  {stream.name:<17}{shares}{evidence}"


def _share(share: Mapping[str, Any], t: Locale) -> str:
    """Write a share with its interval and count; `-` where nothing was counted."""
    if not share["n"]:
        return "-"
    low, high = (f"{100 * share[end]:.1f}" for end in ("low", "high"))
    return t("told_drift.share", share=f"{100 * share['share']:.1f}% [{low}, {high}]", count=f"{share['n']:,}")


def _time(at: object) -> str:
    """Write a time in UTC, to the minute."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC") if isinstance(at, int | float) else "-"
