"""What the pages of the pilot read from and act on: the state that its gateways share, and the workspace."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound, WeighbridgeError
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.pepper import pepper_of
from weighbridge.pilot.audit.segments import AUDIT_FOLDER
from weighbridge.pilot.state.choose import open_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.pilot.state.protocol import PilotState
    from weighbridge.web.visitor import Visitor

__all__ = ["PilotRoom"]


class PilotRoom:
    """The pilot of a workspace. Its state is opened when it is first asked for: a gateway may begin after the pages.

    `operates` says whether these pages may change anything at all; `now` is in seconds since 1970.
    """

    def __init__(
        self, folder: Path, *, gateway_file: Path | None = None, operates: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.audit = folder / AUDIT_FOLDER
        self.gateway_file = gateway_file
        self.operates = operates
        self.now = now
        self._opening = threading.Lock()
        self._state: PilotState | None = None

    def state(self) -> PilotState:
        """Return the state; raises NotFound where there is none yet, WeighbridgeError where it cannot be opened."""
        with self._opening:
            if self._state is None:
                self._state = open_state(self.folder, must_exist=True)
            return self._state

    def known_state(self) -> PilotState | None:
        """Return the state, or None where there is none yet."""
        with suppress(NotFound):
            return self.state()
        return None

    def desk(self, visitor: Visitor) -> KeyDesk:
        """Return the desk at which a visitor changes keys as operator; their name goes into the record.

        Raises UsageError where the pepper is another than that of the keys.
        """
        state = self.state()
        return KeyDesk(state, pepper_of(state, self.folder), operator=visitor.name)

    def reading_desk(self) -> KeyDesk:
        """Return a desk at which keys are only looked at; it needs no pepper."""
        return KeyDesk(self.state(), b"")

    def close(self) -> None:
        """Let go of the state."""
        with self._opening, suppress(WeighbridgeError):
            if self._state is not None:
                self._state.close()
                self._state = None
