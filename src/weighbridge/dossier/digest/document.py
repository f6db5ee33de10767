"""The digest as JSON values, for machines and for the message to a webhook."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from weighbridge.dossier.visible import single_line
from weighbridge.watch.digest.cost import total_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from weighbridge.dossier.digest.wording import ItemLines
    from weighbridge.watch.digest.item import Digest, Item, SuiteCost
    from weighbridge.watch.digest.rules import Rules
    from weighbridge.watch.digest.windows import Plan, Rhythm

__all__ = ["MOST_TOLD", "cost_json", "digest_json", "message_json", "plan_json", "rhythm_json"]

MOST_TOLD = 20  # items of one message: chats cut longer ones
_LONGEST = 300


def digest_json(digest: Digest, rules: Rules, rhythms: Mapping[str, Rhythm], language: str = "en") -> dict[str, Any]:
    """Return a digest as JSON values; `because` is in the language."""
    return {
        "since": _when(digest.since),
        "until": _when(digest.until),
        "events": digest.events,
        "silent": digest.silent,
        "items": [_item(item, rules, language) for item in digest.items],
        "families": {name: rhythm_json(one) for name, one in sorted(rhythms.items())},
    }


def _item(item: Item, rules: Rules, language: str) -> dict[str, Any]:
    return {
        "id": item.id,
        "severity": item.severity,
        "kind": item.kind,
        "subject": item.subject,
        "what_changed": [{**asdict(change), "confidence": change.confidence.value} for change in item.changes],
        "places": [asdict(place) for place in item.places],
        "why": [{**asdict(why), "because": rules.because(why.rule, language)} for why in item.why],
        "next_step": item.next_step,
        "also": list(item.also),
        "suites": [cost_json(one) for one in item.suites],
        "estimate": cost_json(total) if (total := total_cost(item.suites)) else None,
        "commands": list(item.commands),
        "roles": list(item.roles),
        "concerns": [
            {**asdict(one), "expires_on": one.expires_on.isoformat() if one.expires_on else None}
            for one in item.concerns
        ],
        "confidence": item.confidence.value,
        "claim": item.claim,
        "seen_at": _when(item.seen_at),
        "created_at": _when(item.created_at),
        "announced_at": _when(item.announced_at),
        "family": item.family or None,
        "maker": item.maker or None,
        "country": item.country or None,
        "notes": list(item.notes),
    }


def cost_json(cost: SuiteCost) -> dict[str, Any]:
    """Return what suites take: calls and hours as [least, most], null where nothing is known, and on what basis."""
    return {
        "suite": cost.suite,
        "calls": list(cost.calls) if cost.calls else None,
        "hours": [round(one / 3600, 4) for one in cost.seconds] if cost.seconds else None,
        "basis": cost.basis,
        "runs": cost.runs,
    }


def rhythm_json(rhythm: Rhythm) -> dict[str, Any]:
    """Return how a family releases, with its newest releases."""
    cadence = rhythm.cadence
    window = cadence.next_window if cadence else None
    return {
        "family": rhythm.family,
        "maker": rhythm.maker,
        "median_days": cadence.median_days if cadence else None,
        "release_days": cadence.n if cadence else 0,
        "last": cadence.last.isoformat() if cadence else None,
        "window": [day.isoformat() for day in window] if window else None,
        "coverage": cadence.coverage if cadence else None,
        "silent": cadence.is_silent if cadence else None,
        "releases": [
            {"model": one.model, "date": one.date_text, "licence": one.licence or None, "flagship": one.is_flagship}
            for one in rhythm.releases
        ],
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan of one family, with the decisions in it."""
    return {
        **rhythm_json(plan.rhythm),
        "watched": plan.is_watched,
        "decisions": [
            {
                "decision": one.stake.decision,
                "name": one.stake.name,
                "reference": one.stake.repository or one.stake.reference,
                "policy": one.stake.policy,
                "standing": one.stake.standing,
                "expires_on": one.stake.expires_on.isoformat() if one.stake.expires_on else None,
                "expires": one.place or None,
            }
            for one in plan.decisions
        ],
    }


def message_json(told: Iterable[tuple[Item, ItemLines]]) -> dict[str, Any]:
    """Return the message to a webhook about at most MOST_TOLD items.

    `text` is what Slack and its like show, our own fields stand beside it. Names are
    strangers': what would mention people or make a link in a chat is taken apart.
    """
    pairs = list(told)[:MOST_TOLD]
    rows = [f"[{lines.severity_word}] {lines.title} - {lines.next} ({lines.who})" for _, lines in pairs]
    return {
        "text": "\n".join(_harmless(single_line(row, _LONGEST)) for row in rows),
        "schema": "weighbridge/watch-message/v1",
        "items": [
            {
                "id": item.id,
                "severity": item.severity,
                "kind": item.kind,
                "subject": item.subject,
                "next_step": item.next_step,
                "roles": list(item.roles),
                "why": list(lines.why),
                "seen_at": _when(item.seen_at),
            }
            for item, lines in pairs
        ],
    }


def _harmless(text: str) -> str:
    """Escape as Slack asks (&, <, >: no mentions, no links)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
