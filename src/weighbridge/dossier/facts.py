"""The facts of a body, one row each: nested tables become dotted names, which the locale has words for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from weighbridge.core.kinds import AnatomyV2

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["facts_of"]

_PROSE = frozenset({"notes", "disagreements"})  # shown as lists below the table


def facts_of(body: BaseModel | Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of every field of a body but its prose; a section that is not known is one None.

    A page gives an anatomy as the mapping that its twin prints.
    """
    if not isinstance(body, BaseModel):
        body = AnatomyV2.model_validate(body)
    for name in type(body).model_fields:
        value = getattr(body, name)
        if isinstance(value, BaseModel):
            yield from facts_of(value, f"{prefix}{name}.")
        elif name == "vendor":
            yield from ((f"{prefix}{name}", f"{one.said}: {one.counts or '?'}") for one in value)
        elif name not in _PROSE:
            yield prefix + name, value
