"""The component: one room of a sandbox in WebAssembly."""

from __future__ import annotations

import wit_world

from . import library
from .rooms import Room

library.load()
_ROOM = Room(wit_world.reach)


class WitWorld(wit_world.WitWorld):  # type: ignore[misc] # generated when the component is built
    """The world of `world.wit`."""

    def serve(self, message: str) -> str:
        """Answer one message of the host."""
        return _ROOM.serve(message)
