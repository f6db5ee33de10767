"""Weights that come in numbered parts: `name-00001-of-00003.gguf`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Series", "group_series"]

_PART = re.compile(r"(?P<stem>.+)-(?P<part>\d{5,6})-of-(?P<total>\d{5,6})(?P<suffix>\.gguf|\.safetensors)")
_MOST_NAMED = 20  # missing parts of one series; the rest is counted
_MOST_NAMED_IN_ALL = 1000  # an empty file may claim 99,999 parts, and a folder may hold 100,000 of them


@dataclass(frozen=True, slots=True)
class Series:
    """Files that belong together, in order; `missing` names the first of `n_missing` parts that are not there."""

    stem: str
    files: tuple[str, ...]
    missing: tuple[str, ...] = ()
    n_missing: int = 0


def group_series(names: Iterable[str], accounted: Iterable[str] = ()) -> list[Series]:
    """Group weight files into series; a file without a number is a series of one.

    Parts named in `accounted` do not count as missing: an index has said so already.
    """
    parts: dict[tuple[str, str, str], dict[int, str]] = {}
    alone: list[Series] = []
    for name in sorted(names):
        if place := _place(name):
            parts.setdefault(place[0], {})[place[1]] = name
        else:
            alone.append(Series(name.rpartition(".")[0], (name,)))
    elsewhere: dict[tuple[str, str, str], set[int]] = {}
    for name in accounted:
        if (place := _place(name)) and place[0] in parts:
            elsewhere.setdefault(place[0], set()).add(place[1])
    room = _MOST_NAMED_IN_ALL
    for key, files in parts.items():
        found = _with_gaps(key, files, files.keys() | elsewhere.get(key, set()), min(room, _MOST_NAMED))
        room -= len(found.missing)
        alone.append(found)
    return sorted(alone, key=lambda series: series.files)


def _place(name: str) -> tuple[tuple[str, str, str], int] | None:
    """Return which series a name says that it belongs to, and its number there; None for a name without a number."""
    found = _PART.fullmatch(name)
    if found and 1 <= int(found["part"]) <= int(found["total"]):
        return (found["stem"], found["total"], found["suffix"]), int(found["part"])
    return None


def _with_gaps(key: tuple[str, str, str], files: dict[int, str], known: set[int], most: int) -> Series:
    """Return a series with the first of its gaps by name; the work does not grow with the total that is claimed."""
    stem, total, suffix = key
    gaps = (number for number in range(1, int(total) + 1) if number not in known)
    named = tuple(f"{stem}-{number:05d}-of-{total}{suffix}" for number in islice(gaps, most))
    return Series(stem, tuple(files.values()), named, int(total) - len(known))
