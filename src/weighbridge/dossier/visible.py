"""Hostile text made plain: nothing hides, nothing runs on for ever.

Model answers, card texts and file names are written by strangers. A reader who signs must see the characters
that turn text around (U+202E), take no room (U+200B) or command a terminal (U+001B), so they are spelled out.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["cut", "reveal", "single_line"]

_LIMIT = 2_000
_SUSPECT = re.compile(r"[^\n\t\x20-\x7e]")
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_SMUGGLERS = range(0xE0100, 0xE01F0)  # variation selectors that hide bytes behind one letter


def _spell(found: re.Match[str]) -> str:
    """Return one character, spelled out where a page would not show it."""
    character = found[0]
    if unicodedata.category(character) in _HIDDEN or ord(character) in _SMUGGLERS:
        return f"⟨U+{ord(character):04X}⟩"
    return character


def reveal(text: str) -> str:
    """Return `text` with every hidden character spelled out as `⟨U+202E⟩`; new lines and tabs stay."""
    return _SUSPECT.sub(_spell, text)


def cut(text: str, limit: int = _LIMIT) -> str:
    """Return at most `limit` characters of `text`, and how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]}… (+{len(text) - limit})"


def single_line(text: str, limit: int = _LIMIT) -> str:
    """Return `text` revealed, cut and on one line, for places where a new line would end a row."""
    return " ".join(reveal(cut(text, limit)).split())
