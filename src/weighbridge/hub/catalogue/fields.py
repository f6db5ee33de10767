"""One value at a time of what a hub answers: of the right type and within bounds, or nothing; never guessed."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "commit_in",
    "flag_in",
    "gating_in",
    "moment_in",
    "names_of_models_in",
    "repository_in",
    "text_in",
    "texts_in",
]

LONGEST_WORD = 100
_COMMIT = re.compile("[0-9a-f]{40}")
_PART = r"[A-Za-z0-9_][\w.-]{0,95}"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}", re.ASCII)
_MODEL = re.compile(rf"{_PART}(?:/{_PART})?", re.ASCII)  # the oldest models have no maker in their names: `gpt2`
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)")
_FIRST_YEAR, _LAST_YEAR = 1991, 2199  # Git keeps dates that a committer made up; those outside say nothing
_MILLISECONDS_FROM = 1e12
_MOST_MODELS = 64


def text_in(value: Any, longest: int = LONGEST_WORD) -> str:
    """Return a printable text of at most so many characters, else nothing."""
    return value if isinstance(value, str) and len(value) <= longest and value.isprintable() else ""


def texts_in(value: Any, most: int, longest: int = LONGEST_WORD) -> tuple[str, ...]:
    """Return the printable texts of a list, each once, at most so many; one text counts as a list of one."""
    values: Iterable[Any] = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
    found = dict.fromkeys(text for item in values if (text := text_in(item, longest)))
    return tuple(found)[:most]


def flag_in(value: Any) -> bool | None:
    """Return true or false, None for anything else."""
    return value if isinstance(value, bool) else None


def gating_in(value: Any) -> str:
    """Return how a repository is closed: "auto", "manual", "yes", or "" for open and for what cannot be read."""
    return value if isinstance(value, str) and value in {"auto", "manual"} else "yes" if value is True else ""


def commit_in(value: Any) -> str:
    """Return a full commit id, else nothing."""
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else ""


def repository_in(value: Any) -> str:
    """Return `maker/model`, else nothing."""
    return value if isinstance(value, str) and _REPOSITORY.fullmatch(value) and ".." not in value else ""


def names_of_models_in(value: Any) -> tuple[str, ...]:
    """Return the names of models in a list of names, or of objects that have an `id`."""
    values: Iterable[Any] = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
    ids = (item.get("id") if isinstance(item, dict) else item for item in values)
    named = (name for name in ids if isinstance(name, str) and _MODEL.fullmatch(name) and ".." not in name)
    return tuple(dict.fromkeys(named))[:_MOST_MODELS]


def moment_in(value: Any) -> datetime | None:
    """Return a moment in UTC: of ISO 8601 text with its offset, or of seconds or milliseconds since 1970.

    A text without an offset says no moment; nor does a year that no repository can have.
    """
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            moment = datetime.fromisoformat(value).astimezone(UTC)
        elif type(value) in {int, float} and math.isfinite(value):
            moment = datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
