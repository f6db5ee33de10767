"""Orders of operators: entries of the journal like others, so that all nodes obey them in one place of its order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.journal.protocol import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.pilot.journal.protocol import Journal

__all__ = ["give_order"]


def give_order(journal: Journal, route: str, facts: Mapping[str, Any], clock: Callable[[], float] = time.time) -> None:
    """Write an order down: it is in the journal on return, and running nodes obey it within a second or two.

    No gateway need run: whichever starts next obeys it. Raises WeighbridgeError where the database is gone.
    """
    journal.append([Entry(clock(), route, "order", facts)])
