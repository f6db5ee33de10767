"""Re-evaluation windows: when each family is expected to release next, beside when our decisions expire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.knowledge.cadence import cadence_of
from weighbridge.watch.digest.facts import repository_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from weighbridge.knowledge.cadence import Cadence
    from weighbridge.knowledge.protocol import Known
    from weighbridge.knowledge.tables import Release
    from weighbridge.watch.digest.stake import Stake

__all__ = ["Due", "Plan", "Rhythm", "plan_of", "rhythm_of", "watched_families"]

_NEWEST = 12
_FAMILY = "family:"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a family releases; `releases` are its newest, the last one first. `cadence` is None where no day is known."""

    family: str
    maker: str
    cadence: Cadence | None
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """One decision of ours in a family: it ends before the next release is expected, within that window, or after.

    `place` is `before`, `within`, `after`, or "" where there is no window or no end.
    """

    stake: Stake
    place: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One family that is watched or used, and our decisions in it."""

    rhythm: Rhythm
    decisions: tuple[Due, ...]
    is_watched: bool


def rhythm_of(repository_or_family: str, known: Known, today: date) -> Rhythm | None:
    """Return the rhythm of a family by its name, or by the name of one of its models; None where neither is known."""
    family = next((one for one in known.families if one.name == repository_or_family), None)
    family = family or known.family_of(repository_or_family)
    if family is None:
        return None
    releases = [one for one in known.releases if one.family == family.name and one.day <= today]
    return Rhythm(
        family.name, family.maker, cadence_of(family.name, known.releases, today), tuple(releases[-_NEWEST:][::-1])
    )


def watched_families(references: Iterable[str], known: Known) -> tuple[str, ...]:
    """Return the families that subscriptions are about: named, of a model, or all that a publisher trains."""
    found: list[str] = []
    for reference in references:
        if reference.startswith(_FAMILY):
            found.append(reference.removeprefix(_FAMILY))
        elif "/" in reference:
            family = known.family_of(repository_of(reference))
            found += [family.name] if family else []
        else:
            publisher = reference.partition(":")[2]
            found += [one.name for one in known.families if one.maker == publisher]
    return tuple(dict.fromkeys(found))


def plan_of(stakes: Sequence[Stake], watched: Sequence[str], known: Known, today: date) -> tuple[Plan, ...]:
    """Return a plan for each family that is watched or that we decided on; the next release first, then by name."""
    by_family: dict[str, list[Stake]] = {name: [] for name in watched}
    for stake in stakes:
        family = known.family_of(repository_of(stake.repository) or stake.name)
        if family is not None and stake.decision and stake.standing != "rejected":
            by_family.setdefault(family.name, []).append(stake)
    plans = []
    for name, ours in by_family.items():
        rhythm = rhythm_of(name, known, today)
        if rhythm is not None:
            due = tuple(Due(stake, _place(stake, rhythm.cadence)) for stake in ours)
            plans.append(Plan(rhythm, due, name in watched))
    return tuple(sorted(plans, key=_order))


def _place(stake: Stake, cadence: Cadence | None) -> str:
    """Return where the last day of a decision lies beside the window."""
    if stake.expires_on is None or cadence is None or cadence.next_window is None:
        return ""
    first, last = cadence.next_window
    return "before" if stake.expires_on < first else "after" if stake.expires_on > last else "within"


def _order(plan: Plan) -> tuple[bool, str, str]:
    window = plan.rhythm.cadence.next_window if plan.rhythm.cadence else None
    return window is None, window[0].isoformat() if window else "", plan.rhythm.family
