"""Weights that come in numbered parts: `name-00001-of-00003.gguf`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Series", "group_series"]

_PART = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<total>\d{5})(?P<suffix>\.gguf|\.safetensors)")


@dataclass(frozen=True, slots=True)
class Series:
    """Files that belong together, in order, and the parts that their own numbering says are missing."""

    stem: str
    files: tuple[str, ...]
    missing: tuple[str, ...] = ()


def group_series(names: Iterable[str]) -> list[Series]:
    """Group weight files into series; a file without a number is a series of one."""
    parts: dict[tuple[str, str, str], dict[int, str]] = {}
    alone: list[Series] = []
    for name in sorted(names):
        found = _PART.fullmatch(name)
        if found and 1 <= int(found["part"]) <= int(found["total"]):
            key = (found["stem"], found["total"], found["suffix"])
            parts.setdefault(key, {})[int(found["part"])] = name
        else:
            alone.append(Series(name.rpartition(".")[0], (name,)))
    for (stem, total, suffix), files in parts.items():
        missing = (number for number in range(1, int(total) + 1) if number not in files)
        named = tuple(f"{stem}-{number:05d}-of-{total}{suffix}" for number in missing)
        alone.append(Series(stem, tuple(files.values()), named))
    return sorted(alone, key=lambda series: series.files)
