"""The pages of the pilot: routes and what is known of their models, keys, the audit log, and an operator's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.web.pages.pilot import audit, dashboard, keys, orders

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import Route

    from weighbridge.web.page import Reader
    from weighbridge.web.pages.pilot.room import PilotRoom

__all__ = ["routes"]


def routes(room: PilotRoom, reader: Callable[[], Reader]) -> list[Route]:
    """Return the routes of all pages of the pilot; those that change something only where the room operates."""
    shown = dashboard.Dashboard(room, reader)
    return [
        *dashboard.routes(room, shown),
        *keys.routes(room),
        *audit.routes(room),
        *orders.routes(room, shown, reader),
    ]
