"""The patterns of `grammar.toml`: the words by which the reader tells whose figure a figure is."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

__all__ = ["grammar"]


@cache
def _table() -> dict[str, str]:
    text = files("weighbridge.inspection.claims").joinpath("data", "grammar.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def grammar(name: str) -> re.Pattern[str]:
    """Return a pattern by its name; case does not matter to it."""
    return re.compile(_table()[name], re.IGNORECASE)
