"""The style of an answer, counted: length and markdown, the covariates of LMArena's style control."""

from __future__ import annotations

import re

__all__ = ["FEATURES", "style_of"]

FEATURES = ("length", "headers", "list items", "bold spans")
_COUNTED = (
    re.compile(r"^#{1,6}[ \t]", re.MULTILINE),
    re.compile(r"^[ \t]{0,12}(?:[-*+]|\d{1,3}[.)])[ \t]", re.MULTILINE),
    re.compile(r"(?:\*\*|__)(?=\S)[^\n*_]{1,500}(?:\*\*|__)"),
)


def style_of(text: str) -> tuple[float, ...]:
    """Return the counts of FEATURES; the length is in characters, as models have no tokenizer in common."""
    return (float(len(text)), *(float(sum(1 for _ in pattern.finditer(text))) for pattern in _COUNTED))
