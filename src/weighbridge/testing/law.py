"""How a conformance kit says that a law is broken: in words, with no test framework at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.errors import WeighbridgeError

__all__ = ["hold", "refuses"]


def hold(condition: bool, law: str) -> None:
    """Raise AssertionError with the law where the condition is not met."""
    if not condition:
        raise AssertionError(law)


def refuses(kind: type[WeighbridgeError], call: Callable[[], Any], law: str) -> None:
    """Raise AssertionError with the law unless the call raises an error of this kind."""
    try:
        call()
    except kind:
        return
    raise AssertionError(law)
