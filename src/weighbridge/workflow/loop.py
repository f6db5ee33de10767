"""The event loop that asks engines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import uvloop

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["run"]

T = TypeVar("T")
_SWITCH_S = 0.0005  # the HTTP client's threads wait for the interpreter lock; 5 ms of it is too long


def run(work: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end: half the CPU a request of asyncio's own loop (bench/runner.py).

    An exception group with one exception in it is that exception.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        return uvloop.run(work)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from group
    finally:
        sys.setswitchinterval(before)
