"""Wording: an item of a digest as lines in one language, which every form lays out and escapes in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.digest import short
from weighbridge.dossier.digest.changed import changed_line, diff_of
from weighbridge.watch.digest.cost import total_cost
from weighbridge.watch.digest.rules import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.dossier.locale import Locale
    from weighbridge.watch.digest.item import Concern, Digest, Item, SuiteCost
    from weighbridge.watch.digest.rules import Rules
    from weighbridge.watch.digest.windows import Rhythm

__all__ = ["ItemLines", "digest_lead", "lines_of", "rhythm_lines", "time_text"]

_MOST_EVIDENCE = 8
_FROM = SEVERITIES.index("medium")
_TERMS = frozenset({"licence-tag", "licence-text", "base-model"})
_CAME = frozenset({"release", "new-quantization"})
_HOUR, _MINUTE = 3600.0, 60.0


@dataclass(frozen=True, slots=True)
class ItemLines:
    """What is said of one item; `severity` is the id that a style goes by, everything else is text."""

    anchor: str
    title: str
    severity: str
    severity_word: str
    subject: str
    changed: tuple[str, ...]
    why: tuple[str, ...]
    next: str
    commands: tuple[str, ...]
    who: str
    concerns: tuple[str, ...]
    suites: tuple[str, ...]
    dates: str
    places: tuple[str, ...]
    known: str
    family: tuple[str, ...]
    notes: tuple[str, ...]
    evidence: tuple[str, ...]
    diff: tuple[str, ...]


def lines_of(item: Item, rules: Rules, rhythms: Mapping[str, Rhythm], t: Locale) -> ItemLines:
    """Return an item in words; `rhythms` are those of families, by name."""
    comma = "、" if t.language == "zh" else ", "
    others = tuple(dict.fromkeys(change.kind for change in item.changes if change.kind != item.kind))
    kinds = comma.join(t.label("event_kind", kind) for kind in (item.kind, *others))
    rhythm = rhythms.get(item.family)
    evidence = tuple(dict.fromkeys(place for change in item.changes for place in change.evidence))
    return ItemLines(
        anchor=f"item-{short(item.id)}",
        title=f"{item.subject.partition(':')[2]}{t('figure.colon')}{kinds}",
        severity=item.severity,
        severity_word=t.label("event_severity", item.severity),
        subject=item.subject,
        changed=tuple(dict.fromkeys(changed_line(change, t) for change in item.changes)),
        why=tuple(dict.fromkeys(text for why in item.why if (text := rules.because(why.rule, t.language)))),
        next=_next(item, t),
        commands=item.commands,
        who=comma.join(t.label("role", role) for role in item.roles),
        concerns=tuple(_concern_line(one, t) for one in item.concerns),
        suites=_cost_lines(item.suites, t),
        dates=_dates(item, t, comma),
        places=tuple(_place(one.subject, one.commit_before, one.commit, t) for one in item.places),
        known=_known(item, t),
        family=rhythm_lines(rhythm, t) if rhythm else (),
        notes=item.notes,
        evidence=(*evidence[:_MOST_EVIDENCE], *_rest(len(evidence) - _MOST_EVIDENCE, t)),
        diff=tuple(row for change in item.changes for row in diff_of(change, t)),
    )  # fmt: skip


def _next(item: Item, t: Locale) -> str:
    """Return all steps; where nothing of ours is to do and it matters all the same, where to look before adopting."""
    if item.next_step == "nothing" and SEVERITIES.index(item.severity) >= _FROM:
        about = "licence" if any(change.kind in _TERMS for change in item.changes) else "other"
        return t(f"digest.look_{'release' if item.kind in _CAME else about}")
    return "; ".join(t.label("next_step", step) for step in (item.next_step, *item.also))


def digest_lead(digest: Digest, t: Locale) -> str:
    """Return how many events there were, how many are to read, and of what time."""
    until = digest.until.strftime("%Y-%m-%d %H:%M UTC")
    span = t("digest.always", until=until)
    if digest.since is not None:
        span = t("digest.since", since=digest.since.strftime("%Y-%m-%d"), until=until)
    return t("digest.lead", events=digest.events, items=len(digest.items), silent=digest.silent, span=span)


def rhythm_lines(rhythm: Rhythm, t: Locale) -> tuple[str, ...]:
    """Return how a family releases, and when the next release is due where that can be said."""
    names = {"family": rhythm.family, "maker": rhythm.maker}
    cadence = rhythm.cadence
    if cadence is None or cadence.median_days is None:
        return (t("digest.no_rhythm", **names),)
    first = t("digest.rhythm", **names, days=f"{cadence.median_days:g}", n=cadence.n, last=cadence.last.isoformat())
    if cadence.next_window is None or cadence.coverage is None:
        second = t("digest.silent", days=cadence.days_since) if cadence.is_silent else t("digest.no_window")
    else:
        begin, end = (day.isoformat() for day in cadence.next_window)
        second = t("digest.window", first=begin, last=end, level=f"{100 * cadence.coverage:.0f}%")
    return first, second


def time_text(seconds: tuple[float, float] | None, t: Locale) -> str:
    """Return a span of seconds in hours or minutes, as wide as it is known."""
    if seconds is None:
        return t("digest.unknown_time")
    low, high = seconds
    if high < 2 * _MINUTE:
        return t("digest.few_minutes", high=max(1, round(high / _MINUTE)))
    unit, key = (_HOUR, "digest.hours") if high >= 2 * _HOUR else (_MINUTE, "digest.minutes")
    return t(key, low=_rounded(low / unit), high=_rounded(high / unit))


def _rounded(number: float) -> str:
    """Write a number of hours or minutes: nobody plans by their fractions."""
    return "<1" if number < 1 else f"{number:.1f}" if number < 10 else f"{number:,.0f}"  # noqa: PLR2004 - digits shown


def _cost_lines(suites: tuple[SuiteCost, ...], t: Locale) -> tuple[str, ...]:
    rows = [
        t("digest.cost", suite=one.suite, calls=_calls(one, t), time=time_text(one.seconds, t),
          basis=t("basis." + one.basis, runs=one.runs) if one.basis == "past runs" else t.label("basis", one.basis))
        for one in suites
    ]  # fmt: skip
    total = total_cost(suites)
    if total is not None and total.calls is not None and len(suites) > 1:
        rows.append(t("digest.total", calls=_calls(total, t), time=time_text(total.seconds, t)))
    return tuple(rows)


def _calls(cost: SuiteCost, t: Locale) -> str:
    if cost.calls is None:
        return t("digest.unknown")
    low, high = cost.calls
    return f"{low:,}" if low == high else t("digest.to", low=f"{low:,}", high=f"{high:,}")


def _concern_line(one: Concern, t: Locale) -> str:
    pin = t("digest.pinned", commit=one.commit[:12]) if one.commit else t("digest.unpinned")
    line = t(
        "digest.concern", name=one.name or one.reference or short(one.subject), copy=t.label("copy", one.copy),
        standing=t.label("standing", one.standing), relation=t.label("relation", one.relation),
    )  # fmt: skip
    line = f"{line}; {pin}"
    return f"{line}; {t('digest.rests', policy=one.policy, rules=', '.join(one.rests_on))}" if one.rests_on else line


def _dates(item: Item, t: Locale, comma: str) -> str:
    told = (("digest.seen", item.seen_at), ("digest.created", item.created_at), ("digest.announced", item.announced_at))
    return comma.join(t(key, day=day.date().isoformat()) for key, day in told if day is not None)


def _known(item: Item, t: Locale) -> str:
    confidence = t.label("event_confidence", item.confidence)
    return t("digest.known", confidence=confidence, claim=t.label("claim", item.claim))


def _place(subject: str, before: str, after: str, t: Locale) -> str:
    if before and after and before != after:
        return f"{subject}@{t('digest.moved', before=before[:12], after=after[:12])}"
    return f"{subject}@{after[:12]}" if after else subject


def _rest(count: int, t: Locale) -> tuple[str, ...]:
    return (t("digest.more", count=count),) if count > 0 else ()
