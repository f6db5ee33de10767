"""Compile: from events, stakes and rules to a digest. Pure: the same input gives the same digest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.watch.digest.commands import commands_for
from weighbridge.watch.digest.cost import cost_of
from weighbridge.watch.digest.facts import facts_of, relation_of, repository_of
from weighbridge.watch.digest.group import grouped, sightings_of
from weighbridge.watch.digest.item import Change, Concern, Digest, Item, Place, Why
from weighbridge.watch.digest.remembered import Remembered
from weighbridge.watch.digest.rules import CLAIMS, ROLES, SEVERITIES
from weighbridge.watch.digest.stake import settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from weighbridge.core.event import EventSeverity, ReleaseEvent
    from weighbridge.knowledge.protocol import Known
    from weighbridge.watch.digest.cost import History
    from weighbridge.watch.digest.item import SuiteCost
    from weighbridge.watch.digest.rules import NextStep, Role, Rule, Rules
    from weighbridge.watch.digest.stake import Demand, Stake

__all__ = ["Spoken", "View", "compile_digest", "spoken_of"]

_CONFIDENCES = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)

_ASKING: set[NextStep] = {"re-evaluate", "freeze", "roll back"}  # steps that end with questions asked again

# One rule that speaks: of which event, of which stake of ours (None: whoever we are), and how severe it is then.
Spoken = tuple["ReleaseEvent", "Stake | None", "Rule", "EventSeverity"]


@dataclass(frozen=True, slots=True)
class View:
    """From where events are looked at: what is ours, by which rules, with which tables and past runs."""

    stakes: Sequence[Stake]
    rules: Rules
    known: Known
    history: History


def compile_digest(
    events: Iterable[ReleaseEvent],
    view: View,
    span: tuple[datetime | None, datetime],
    *,
    least: EventSeverity = "low",
) -> Digest:
    """Return what events mean for us, the most severe first, then the newest; what is milder than `least` is counted.

    `span` is (since, until) as asked for. What no rule speaks of is shown as mild as its event is, and never hidden.
    """
    seen = list(events)
    view = replace(view, known=Remembered(view.known), stakes=settled(view.stakes, seen))
    items = [_item(group, view) for group in grouped(seen, view.known)]
    shown = sorted(
        (one for one in items if SEVERITIES.index(one.severity) >= SEVERITIES.index(least)),
        key=lambda one: (-SEVERITIES.index(one.severity), -one.seen_at.timestamp(), one.id),
    )
    return Digest(tuple(shown), len(items) - len(shown), len(seen), *span)


def spoken_of(event: ReleaseEvent, stakes: Sequence[Stake], rules: Rules, known: Known) -> list[Spoken]:
    """Return every rule that speaks of an event, the most severe first; an event of low confidence counts milder."""
    found: list[Spoken] = []
    for stake in (None, *(one for one in stakes if relation_of(event, one, known) != "none")):
        found += [
            (event, stake, rule, _lowered(rule.severity, event.confidence))
            for rule in rules.matching(facts_of(event, stake, known))
            if stake is None or "relation" in rule.when or "standing" in rule.when  # the rest is said once
        ]
    return sorted(found, key=_weight)


def _item(group: tuple[ReleaseEvent, ...], view: View) -> Item:
    stakes, rules, known = view.stakes, view.rules, view.known
    spoken = sorted((one for event in group for one in spoken_of(event, stakes, rules, known)), key=_weight)
    lead = spoken[0][0] if spoken else group[0]
    severity = _severity(group, spoken, stakes)
    step = spoken[0][2].next if spoken and severity != "silent" else "nothing"
    also = _further(spoken, step) if step != "nothing" else ()
    touched = [(event, stake) for event, stake, _, _ in spoken if stake is not None]
    repository, sightings = repository_of(lead.subject), sightings_of(group)
    family, organisation = known.family_of(repository), known.organisation(repository)
    return Item(
        id=sightings[0],
        sightings=sightings,
        severity=severity,
        kind=lead.kind,
        subject=lead.subject,
        changes=tuple(_change(event, rules) for event in group),
        places=_places(group),
        why=_whys(spoken),
        next_step=step,
        also=also,
        roles=_roles(spoken),
        concerns=_concerns(touched, rules, known),
        suites=_suites(touched, view) if {step, *also} & _ASKING else (),
        commands=commands_for(
            step, lead.subject, lead.commit, {event.kind for event in group}, [stake for _, stake in touched]
        ),
        confidence=min((event.confidence for event in group), key=_CONFIDENCES.index),
        claim=max((rules.claims.get(event.kind, "maker") for event in group), key=CLAIMS.index),
        seen_at=min(event.seen_at for event in group),
        created_at=min((one.created_at for one in group if one.created_at), default=None),
        announced_at=min((one.announced_at for one in group if one.announced_at), default=None),
        family=family.name if family else "",
        maker=family.maker if family else organisation.name if organisation else "",
        country=_country(family.maker if family else repository, known),
        notes=tuple(dict.fromkeys(note for event in group for note in event.notes)),
    )  # fmt: skip


def _severity(group: tuple[ReleaseEvent, ...], spoken: Sequence[Spoken], stakes: Sequence[Stake]) -> EventSeverity:
    """Return what it is for us: by the rules; where nothing of ours is known, what it is in itself, at most `medium`.

    So a reader without any decision in the store is not told that weights which were exchanged matter little.
    """
    if spoken and stakes:
        return spoken[0][3]
    own = min(max((one.severity for one in group), key=SEVERITIES.index), "medium", key=SEVERITIES.index)
    return max(own, spoken[0][3], key=SEVERITIES.index) if spoken else own


def _places(group: tuple[ReleaseEvent, ...]) -> tuple[Place, ...]:
    """Return where it happened, each repository once, as it was last seen."""
    return tuple({one.subject: Place(one.subject, one.commit_before, one.commit) for one in group}.values())


def _country(maker: str, known: Known) -> str:
    organisation = known.organisation(maker)
    return organisation.country if organisation else ""


def _lowered(severity: EventSeverity, confidence: Confidence) -> EventSeverity:
    """Return a severity one step milder where the event itself is in doubt; what is to know stays to know."""
    place = SEVERITIES.index(severity)
    return SEVERITIES[place - 1] if confidence is Confidence.LOW and place > 1 else severity


def _weight(spoken: Spoken) -> tuple[int, bool]:
    """Order by severity; what speaks of a model of ours comes before what speaks to everybody."""
    return -SEVERITIES.index(spoken[3]), spoken[1] is None


def _change(event: ReleaseEvent, rules: Rules) -> Change:
    return Change(
        event.id, event.kind, event.subject, event.before, event.after, event.severity, event.confidence,
        rules.claims.get(event.kind, "maker"), event.evidence, event.notes,
    )  # fmt: skip


def _whys(spoken: Sequence[Spoken]) -> tuple[Why, ...]:
    """Return each rule once a decision; what it says to everybody is left out where it says nothing more."""
    own = [one for one in spoken if one[1] is not None]
    kept = [one for one in spoken if one[1] is not None or not own or SEVERITIES.index(one[3]) > 1]
    whys = (Why(rule.id, severity, stake.decision if stake else "") for _, stake, rule, severity in kept)
    return tuple(dict.fromkeys(whys))


def _further(spoken: Sequence[Spoken], step: NextStep) -> tuple[NextStep, ...]:
    """Return the steps that other rules about models of ours ask for, where they are to be planned at least."""
    found = (rule.next for _, stake, rule, how in spoken if stake is not None and SEVERITIES.index(how) > 1)
    return tuple(dict.fromkeys(one for one in found if one not in {step, "nothing"}))


def _roles(spoken: Sequence[Spoken]) -> tuple[Role, ...]:
    """Return who should care: by the most severe rules, and by the milder ones that speak of a model of ours."""
    top = spoken[0][3] if spoken else "silent"
    named = [role for _, stake, rule, how in spoken if how == top or stake is not None for role in rule.roles]
    return tuple(dict.fromkeys(named)) or (ROLES[0],)


def _concerns(touched: Sequence[tuple[ReleaseEvent, Stake]], rules: Rules, known: Known) -> tuple[Concern, ...]:
    """Return the models of ours that are touched, each once, with all rules that rested on any of the changes."""
    rests: dict[tuple[str, str, str], tuple[Concern, list[str]]] = {}
    for event, stake in touched:
        relation = relation_of(event, stake, known)
        concern = Concern(
            relation, stake.name, stake.repository, stake.subject, stake.commit, stake.standing, stake.copy,
            stake.decision, stake.policy, stake.expires_on, (),
        )  # fmt: skip
        kept = rests.setdefault((stake.repository, stake.subject, stake.decision), (concern, []))
        kept[1].extend(one.rule for one in _resting(event, stake, rules, known))
    return tuple(replace(one, rests_on=tuple(dict.fromkeys(found))) for one, found in rests.values())


def _suites(touched: Sequence[tuple[ReleaseEvent, Stake]], view: View) -> tuple[SuiteCost, ...]:
    """Return what to ask again: the suites of the rules that rested on what changed."""
    wanted: dict[str, str] = {}
    for event, stake in touched:
        for demand in _resting(event, stake, view.rules, view.known):
            if demand.suite:
                wanted.setdefault(demand.suite, stake.subject)
    return tuple(cost_of(suite, view.history, subject) for suite, subject in wanted.items())


def _resting(event: ReleaseEvent, stake: Stake, rules: Rules, known: Known) -> tuple[Demand, ...]:
    """Return the demands that an event makes old; of a base only its licence passes on."""
    relation = relation_of(event, stake, known)
    if relation == "base" and event.kind not in {"licence-tag", "licence-text"}:
        return ()
    return rules.resting(event.kind, stake.demands)
