"""What an operator's order to a canary says, and giving one from outside a gateway."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from weighbridge.pilot.journal.order import give_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["canary_order", "order_canary"]


def order_canary(state: PilotState, route: str, order: Mapping[str, str], now: Callable[[], float] = time.time) -> None:
    """Write an order into the journal, and a note of it that a gateway takes into its audit log."""
    give_order(state, route, order, now)
    with state.changing_keys() as book:
        book.note("canary.ordered", {"at": now(), "route": route, **order})


def canary_order(document: str, do: Literal["stop", "start"], by: str, because: str = "") -> dict[str, str]:
    """Return the facts of an order about the candidate whose canary has that document: no other one obeys it."""
    return {"to": "canary", "about": document, "do": do, "by": by, "because": because}
