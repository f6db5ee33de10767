"""The event loop that asks engines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import uvloop

from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["run"]

T = TypeVar("T")
_SWITCH_S = 0.0005  # the HTTP client's threads wait for the interpreter lock; 5 ms of it is too long


def run(work: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end: half the CPU a request of asyncio's own loop (bench/runner.py).

    Of several exceptions at once the first that a user can act on is raised.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        return uvloop.run(work)
    except BaseExceptionGroup as group:
        ours, others = group.split(WeighbridgeError)
        raise _first(ours or others or group) from group
    finally:
        sys.setswitchinterval(before)


def _first(error: BaseException) -> BaseException:
    """Return the first exception in a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
