"""Plug-ins: find entry points, load them late, and explain a failure.

Our own hubs, engines, checks, suites, scorers and renderers come through this same door.
"""

from __future__ import annotations

import traceback
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from weighbridge.errors import NotFound, UsageError, WeighbridgeError, did_you_mean

__all__ = ["GROUPS", "find", "load", "names"]

GROUPS = ("hubs", "engines", "checks", "suites", "scorers", "renderers", "sandboxes")

_LONGEST = 300
_installed = cache(entry_points)  # one look at the installed packages, however many groups are asked for


@cache
def find(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of one of GROUPS by name, sorted; nothing is imported."""
    if group not in GROUPS:
        raise ValueError(group)
    points = _installed().select(group=f"weighbridge.{group}")
    return {point.name: point for point in sorted(points, key=lambda point: point.name)}


def names(group: str) -> tuple[str, ...]:
    """Return the names registered in a group."""
    return tuple(find(group))


def load(group: str, name: str) -> Any:
    """Import and return one plug-in; raises NotFound for an unknown name, UsageError however importing fails."""
    points = find(group)
    if name not in points:
        known = ", ".join(f"`{known}`" for known in points)
        raise NotFound(
            f"there is no {_one(group)} named `{name}`", hint=did_you_mean(name, points) or f"known: {known}"
        )
    point = points[name]
    try:
        return point.load()
    except (WeighbridgeError, KeyboardInterrupt):
        raise  # says what to do already, or is the user's own
    except BaseException as error:  # the module may be anyone's: it may raise anything, `SystemExit` too
        source = point.dist.name if point.dist else "an unknown package"
        raise UsageError(
            f"the {_one(group)} `{name}` of `{source}` could not be loaded: {_say(error)}",
            hint="`weighbridge doctor` shows what is missing and how to get it",
        ) from error


def _one(group: str) -> str:
    """Return what one member of a group is called."""
    return "sandbox" if group == "sandboxes" else group[:-1]


def _say(error: BaseException) -> str:
    """Return a foreign error as one short line; its own `__str__` may fail."""
    line = " ".join(traceback.format_exception_only(error)[-1].split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
