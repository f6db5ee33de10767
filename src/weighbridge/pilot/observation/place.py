"""Where a prompt lies among those of the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["NOWHERE", "Place", "Placer", "place_nowhere"]


@dataclass(frozen=True, slots=True)
class Place:
    """The nearest centre and the distance to it; or, while a reference is made, the prompt's sketch."""

    cluster: int | None = None
    distance: float | None = None
    sketch: str = ""


NOWHERE = Place()

Placer = Callable[[str, str, str], Place]
"""Says where a prompt lies: route, decision of the leg, prompt. Called in the observer's thread."""


def place_nowhere(route: str, decision: str, prompt: str) -> Place:  # noqa: ARG001 - as Placer is called
    """Place nothing."""
    return NOWHERE
