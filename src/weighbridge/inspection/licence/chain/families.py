"""Known families: which licence a base model carries by its name, and which licence a hub's tag stands for."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Family", "dataset_named", "family_named", "licences_of_tag"]

_TABLE = Path(__file__).with_name("families.toml")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Family:
    """A family of base models: the id of its licence, and where that was read."""

    pattern: re.Pattern[str]
    licence: str
    name: str
    source: str


def family_named(name: str) -> Family | None:
    """Return the family that a model's name shows, or None; `maker/model`, `model:size` and paths count."""
    return _first("family", name)


def dataset_named(name: str) -> Family | None:
    """Return what is known of a data set's licence by its name, or None."""
    return _first("dataset", name)


def licences_of_tag(tag: str | None, name: str | None) -> tuple[str, ...]:
    """Return the licences that a hub's tag, or the name beside the tag `other`, can stand for; () where not known."""
    table = _read()
    if tag and tag.lower() in table["tags"]:
        return tuple(table["tags"][tag.lower()])
    return tuple(table["names"].get((name or "").lower(), ()))


def _first(kind: str, name: str) -> Family | None:
    """Return the first entry whose pattern stands in the name."""
    plain = re.sub(r"[_\s]+", "-", name[:_LONGEST].lower())
    return next((one for one in _families(kind) if one.pattern.search(plain)), None)


@cache
def _families(kind: str) -> tuple[Family, ...]:
    return tuple(
        Family(re.compile(entry["pattern"]), entry["licence"], entry.get("name", entry["pattern"]), entry["source"])
        for entry in _read()[kind]
    )


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text("utf-8"))
