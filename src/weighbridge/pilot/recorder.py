"""How the rooms of a pilot tell the audit log what happened, without knowing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Recorder", "record_nothing"]

Recorder = Callable[[str, Mapping[str, object]], None]
"""Told of one event: what happened (`key.created`, `route.reloaded`: a noun, a dot, a verb) and its facts.

Facts are JSON values (text, whole numbers, finite floats, booleans, None, lists and mappings with text keys); never a
prompt, an answer, a key or another secret: name a key by its id. It may be called from any thread, and raises
WeighbridgeError where the event cannot be written: what an administrator does is then not done.
"""


def record_nothing(event: str, facts: Mapping[str, object]) -> None:
    """Record nothing: where no audit log is kept."""
