"""Find characters that a reviewer does not see, or takes for others: zero-width, direction marks, tags, homoglyphs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["HiddenText", "hidden_in"]

_INVISIBLE = "[\u200b\u2060-\u2064\ufeff\u180e\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]"
# what each class does to the eye; ranges of Unicode 16
_CLASSES = (
    ("zero-width characters", re.compile(_INVISIBLE)),
    ("characters that turn the direction of writing", re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")),
    ("tag characters, in which a whole text can hide", re.compile("[\U000e0000-\U000e007f]")),
    ("variation selectors, in which bytes can hide", re.compile("[\U000e0100-\U000e01ef]|[\ufe00-\ufe0e]{2,}")),
    ("control characters", re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\x80-\x84\x86-\x9f]")),
)  # fmt: skip
# joiners have work to do between letters of Indic and Arabic scripts and inside emoji, none beside Latin ones
_JOINER = re.compile(
    "(?:^|(?<=[\x20-\x7e\u00a0-\u024f\n]))[\u200c\u200d]|[\u200c\u200d](?=[\x20-\x7e\u00a0-\u024f\n]|$)"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_TAGS = range(0xE0020, 0xE007F)  # each stands for an ASCII character
_CONFUSED = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})


@dataclass(frozen=True, slots=True)
class HiddenText:
    """Characters of one class: how many, the line of the first, and what they spell where they spell something."""

    what: str
    count: int
    line: int
    spelled: str


def hidden_in(text: str) -> list[HiddenText]:
    """Return what a text hides from the eye, by class."""
    if text.isascii() and not _CLASSES[-1][1].search(text):
        return []
    body = text.removeprefix("\ufeff")  # a mark of byte order at the very start is an editor's habit
    found = []
    for what, pattern in _CLASSES:
        if hits := list(pattern.finditer(body)):
            spelled = "".join(chr(ord(hit[0][0]) - 0xE0000) for hit in hits if ord(hit[0][0]) in _TAGS)
            found.append(HiddenText(what, len(hits), body.count("\n", 0, hits[0].start()) + 1, spelled))
    if hits := list(_JOINER.finditer(body)):
        found.append(
            HiddenText("joiners between Latin letters", len(hits), body.count("\n", 0, hits[0].start()) + 1, "")
        )
    if mixed := [word for word in _WORD.finditer(body) if _is_mixed(word[0])]:
        line = body.count("\n", 0, mixed[0].start()) + 1
        found.append(HiddenText("words that mix Latin letters with look-alikes", len(mixed), line, mixed[0][0]))
    return found


def _is_mixed(word: str) -> bool:
    """Whether a word holds Latin letters and letters of a script that look like them."""
    if word.isascii():
        return False
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
    return "LATIN" in scripts and bool(scripts & _CONFUSED)
