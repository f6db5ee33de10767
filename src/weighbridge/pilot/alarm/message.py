"""What a webhook is told: one message for a route and event, however many notices there were of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import short
from weighbridge.dossier.visible import reveal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["message_id", "message_of"]

_MOST_CHARS = 2000


def message_id(notice: str) -> str:
    """Return the id of the message that begins with a notice: the same at every attempt."""
    return f"alarm_{hashlib.sha256(notice.encode()).hexdigest()[:32]}"


def message_of(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the message about notices of one route and event, in their order; the last is told, the others counted.

    `type`, `timestamp` and `data` are as Standard Webhooks has them, `text` is what Slack, Mattermost and others show.
    """
    last = told[-1]
    more = f" ({len(told) - 1} more since {told[0]['seen_at']})" if told[1:] else ""
    decision = f" Decision {short(last['decision'])}." if last["decision"] else ""
    text = f"Weighbridge {last['severity']}, route {last['route']}: {last['why']}{more} [{last['event']}].{decision}"
    return {
        "type": last["event"],
        "timestamp": last["seen_at"],
        "text": _shown(f"{text} See: weighbridge pilot alarms"),
        "data": {**last, "more": len(told) - 1},
    }


def _shown(text: str) -> str:
    """Return a text that Slack shows as it stands: no link and no call to everyone (`<!channel>`) can be in it."""
    plain = reveal(text)[:_MOST_CHARS]
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
