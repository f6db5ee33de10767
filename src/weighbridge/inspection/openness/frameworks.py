"""The frameworks as data: their items, and the lists of licences that count as open."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Framework", "Item", "frameworks", "is_open_licence"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item: `shown_by` names what in the files can show it, `licence` the list that its licence must stand on."""

    id: str
    group: str
    name: str
    shown_by: str
    licence: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework with its items in order."""

    id: str
    name: str
    version: str
    source: str
    items: tuple[Item, ...]


@cache
def frameworks() -> tuple[Framework, ...]:
    """Return OSAID, the Model Openness Framework and the European Open Source AI Index, in this order."""
    table = tomllib.loads(files(__package__).joinpath("data", "frameworks.toml").read_text(encoding="utf-8"))
    return tuple(
        Framework(one["id"], one["name"], one["version"], one["source"], tuple(Item(**item) for item in one["items"]))
        for one in table["framework"]
    )


@cache
def _licences(which: str) -> frozenset[str]:
    table = tomllib.loads(files(__package__).joinpath("data", "licences.toml").read_text(encoding="utf-8"))
    return frozenset(name.lower() for name in table[which])


def is_open_licence(licence: str, which: str) -> bool | None:
    """Whether a licence stands on the list `which` (osi, mof); None for a tag that names no licence."""
    name = licence.strip().lower()
    return None if name in _licences("nameless") else name in _licences(which)
