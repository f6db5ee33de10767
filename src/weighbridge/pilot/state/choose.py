"""Where a pilot keeps its state: a file of the workspace, or the PostgreSQL that many nodes share."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, cast

from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["DATABASE", "open_state"]

DATABASE = "WEIGHBRIDGE_PILOT_DATABASE"


def open_state(folder: Path, environment: Mapping[str, str] = os.environ, *, must_exist: bool = False) -> PilotState:
    """Open the state: `folder`/pilot.sqlite, or the database whose address WEIGHBRIDGE_PILOT_DATABASE holds.

    With `must_exist` a file is not made. Raises ExtraMissing, and what SQLiteState and PostgresState raise.
    """
    if address := environment.get(DATABASE):
        adapter = import_module("weighbridge.pilot.state.postgres")  # an extra, and slow to load
        return cast("PilotState", adapter.PostgresState(address))
    return SQLiteState(folder / STATE_FILE, must_exist=must_exist)
