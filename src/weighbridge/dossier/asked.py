"""Asked: how much of a suite was asked, and which engines are only said to serve the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Part", "asserted_engines", "part_of"]


class Part(NamedTuple):
    """The part of a suite that was asked: questions asked, and questions that the suite holds."""

    asked: int
    size: int


def part_of(body: Mapping[str, Any]) -> Part | None:
    """Return what was asked where it is not the whole suite; `body` is a whole body of its kind.

    None also where there is no suite, or where the statement is from before suites told their size.
    """
    if "suite" not in body or "ballot" in body or "prompts" in body:  # votes are on what voters got to see
        return None
    difference = body.get("difference")
    # A comparison counts no calls: what could not be paired is unscored in its difference.
    asked = difference["n"] + difference["unscored"] if difference else body["calls"]["asked"]
    part = Part(asked, body["suite"]["size"])
    return part if part.asked < part.size else None


def asserted_engines(bodies: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the address, or else the name, of every engine that only the user says to serve the model, each once."""
    engines = [body["engine"] for body in bodies if "engine" in body]
    return tuple(dict.fromkeys(one["address"] or one["name"] for one in engines if one["asserted"]))
