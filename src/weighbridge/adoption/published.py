"""What others have published, for the reader who compares: another definition, not an error."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Published", "published"]


@dataclass(frozen=True, slots=True)
class Published:
    """One published figure by country (`unit`: share, or downloads), its definition, and why it differs from ours."""

    who: str
    figures: Mapping[str, float]
    unit: str
    metric: str
    population: str
    attribution: str
    geography: str
    window: str
    why_apart: str
    source: str
    as_of: str


@cache
def published() -> tuple[Published, ...]:
    """Return the figures of `published.toml`."""
    table = tomllib.loads(files(__package__).joinpath("published.toml").read_text("utf-8"))
    return tuple(Published(**row) for row in table["figure"])
