"""What a webhook is told: one message for a route and event, however many notices there were of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import short
from weighbridge.dossier.locale import load_locale
from weighbridge.dossier.visible import reveal
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["message_id", "message_of"]

_MOST_CHARS = 2000


def message_id(notice: str) -> str:
    """Return the id of the message that begins with a notice: the same at every attempt."""
    return f"alarm_{hashlib.sha256(notice.encode()).hexdigest()[:32]}"


def message_of(notices: Sequence[dict[str, Any]], language: str = "en") -> dict[str, Any]:
    """Return the message about notices of one route and event, in their order; the last is told, the others counted.

    `type`, `timestamp` and `data` are as Standard Webhooks has them, in codes and in English whatever the language;
    `text` is what Slack, Mattermost and others show.
    """
    last, more, t = notices[-1], len(notices) - 1, load_locale(language)
    text = t(
        "told_message.text",
        severity=t.label("told_message", last["severity"]),
        route=last["route"],
        event=last["event"],
        why=told(last["event"], last["facts"], last["why"], language),
        more=t("told_message.more", count=more, since=notices[0]["seen_at"]) if more else "",
        decision=t("told_message.decision", decision=short(last["decision"])) if last["decision"] else "",
    )
    data = {**last, "more": more}
    return {"type": last["event"], "timestamp": last["seen_at"], "text": _shown(text), "data": data}


def _shown(text: str) -> str:
    """Return a text that Slack shows as it stands: no link and no call to everyone (`<!channel>`) can be in it."""
    plain = reveal(text)[:_MOST_CHARS]
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
