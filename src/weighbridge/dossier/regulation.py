"""Regulation: which items of a law or framework the evidence answers. Data, not advice."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.evidence import Evidence

__all__ = ["Framework", "Item", "Standing", "covered", "frameworks", "regulation_text"]

Standing = Literal["answered", "partly", "not looked at"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a framework: the fields of evidence that answer it, and what none of them ever can."""

    id: str
    name: str
    shown_by: tuple[tuple[str, str], ...]
    never: str


@dataclass(frozen=True, slots=True)
class Framework:
    """A law or framework as its source numbers it."""

    id: str
    name: str
    source: str
    items: tuple[Item, ...]


@cache
def frameworks() -> tuple[Framework, ...]:
    """Return the frameworks of the shipped table."""
    table = tomllib.loads(files("weighbridge.dossier").joinpath("regulation.toml").read_text("utf-8"))
    return tuple(
        Framework(one["id"], one["name"], one["source"], tuple(_item(row) for row in one["item"]))
        for one in table["framework"]
    )


def _item(row: dict[str, Any]) -> Item:
    pairs = tuple((kind, field) for kind, _, field in (name.partition(":") for name in row["shown_by"]))
    return Item(row["id"], row["name"], pairs, row.get("never", ""))


def covered(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Return each framework with the standing of its items, by what the evidence knows.

    An item with a part that no evidence can tell (`never`) is at best "partly" answered.
    """
    bodies: dict[str, list[dict[str, Any]]] = {}
    for one in evidence:
        bodies.setdefault(one.kind, []).append(one.body)
    return [
        {
            "id": framework.id,
            "name": framework.name,
            "source": framework.source,
            "items": [
                {"id": item.id, "name": item.name, "standing": _standing(item, bodies), "open": item.never or None}
                for item in framework.items
            ],
        }
        for framework in frameworks()
    ]


def _standing(item: Item, bodies: dict[str, list[dict[str, Any]]]) -> Standing:
    """Return how far an item is answered."""
    known = [any(_is_known(body, field) for body in bodies.get(kind, ())) for kind, field in item.shown_by]
    if not any(known):
        return "not looked at"
    return "answered" if all(known) and not item.never else "partly"


def _is_known(body: dict[str, Any], field: str) -> bool:
    """Whether a body says something there: false and zero are said, None and an empty list are not."""
    value: Any = body
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value is not None and value not in ([], {}, "")


def regulation_text() -> str:
    """Return the table in Markdown: what would answer each item."""
    lines = ["# coverage (regulation)", "", "Which evidence answers which item. Data, not advice.", ""]
    for framework in frameworks():
        lines += [f"## {framework.name}", "", f"Source: {framework.source}", ""]
        for item in framework.items:
            shown = ", ".join(f"`{kind}:{field}`" for kind, field in item.shown_by) or "nothing here"
            lines.append(f"- {item.id} {item.name}: {shown}" + (f" ({item.never})" if item.never else ""))
        lines.append("")
    return "\n".join(lines)
