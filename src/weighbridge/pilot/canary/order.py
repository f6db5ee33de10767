"""What an operator's order to a canary says."""

from __future__ import annotations

from typing import Literal

__all__ = ["canary_order"]


def canary_order(document: str, do: Literal["stop", "start"], by: str, because: str = "") -> dict[str, str]:
    """Return the facts of an order about the candidate whose canary has that document: no other one obeys it."""
    return {"to": "canary", "about": document, "do": do, "by": by, "because": because}
