"""A stranger's text before a judge: between two lines with a code that stands nowhere in it, and of bounded length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["MOST_CHARACTERS", "QUOTED", "cut", "free_code", "quotation"]

QUOTED = "[begin {name} {code}]\n{text}\n[end {name} {code}]"
MOST_CHARACTERS = 12_000  # of each quoted text
_CODE = 20


def quotation(name: str, code: str, text: str) -> str:
    """Return a text between its two lines."""
    return QUOTED.format(name=name, code=code, text=text)


def free_code(draw: Callable[[int], bytes], texts: Sequence[str]) -> str:
    """Return a code of 80 bits that stands in none of the texts; `draw` gives bytes that their writer cannot know."""
    for attempt in range(1 << 16):
        code = draw(attempt).hex()[:_CODE]
        if not any(code in text for text in texts):
            return code
    raise RuntimeError("no code is free")  # a text of 12,000 characters cannot hold 65,536 codes of 20


def cut(text: str) -> str:
    """Return at most as much of a text as a judge reads, and how much is left out."""
    left_out = len(text) - MOST_CHARACTERS
    return text if left_out <= 0 else f"{text[:MOST_CHARACTERS]}\n(cut: {left_out} characters more)"
