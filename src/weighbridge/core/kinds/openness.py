"""How open a model is by each framework: items with what shows them, never one blended number."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads it at run time
from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["Basis", "FrameworkBody", "OpenItemBody", "OpenState", "OpennessV1"]

OpenState = Literal["open", "partial", "closed", "unknown"]
Basis = Literal["derived", "claimed", "answered", "unknown"]


class OpenItemBody(Body):
    """One item of a framework. Only `open` counts as open; what is merely claimed is unknown until somebody looks."""

    id: str
    group: str = Field(description="Element, class or area that the item belongs to")
    name: str
    required: bool = True
    state: OpenState
    basis: Basis = Field(
        description="`derived` from files, `claimed` by the publisher, `answered` by a reviewer, or `unknown`"
    )
    because: str = Field(description="What shows it, or what is missing")
    link: str | None = Field(default=None, description="Where the publisher or the reviewer points to")
    licence: str | None = Field(default=None, description="Licence of this item, as tag or SPDX id, where one is known")
    by: str | None = Field(default=None, description="Who answered")
    on: date | None = Field(default=None, description="When it was answered")


class FrameworkBody(Body):
    """One framework, graded by its own rule."""

    id: str
    name: str
    version: str
    source: str
    grade: str = Field(description="In the framework's own words; `not shown` where unknown items stand in the way")
    why: str = Field(description="What the grade rests on, or what stands in its way")
    counts: dict[str, int] = Field(description="Items by state")
    items: list[OpenItemBody]


class OpennessV1(Body):
    """How open a model is, by each framework; unknown never counts as open."""

    standing: Literal[
        "open source", "open weight", "open weight by its tag", "weights under restrictions", "no weights", "unknown"
    ] = Field(description="In plain words; `open source` only where OSAID 1.0 is met item by item")
    sentence: str = Field(description="What that means here, in one sentence")
    frameworks: list[FrameworkBody]
    answered: int = Field(default=0, ge=0, description="Items that a reviewer answered")
    notes: list[str] = Field(default_factory=list)
