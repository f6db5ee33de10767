"""Two licence texts side by side: what differs, and which of it touches a term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.licence.compare.comparison import compare
from weighbridge.inspection.licence.identity import Difference, DifferenceKind
from weighbridge.inspection.licence.reference import Reference
from weighbridge.inspection.licence.words.tokens import Words, read_words

if TYPE_CHECKING:
    from weighbridge.inspection.licence.base import Base

__all__ = ["differences_between", "text_of"]

_SHOWN = 600


def differences_between(first: str, second: str) -> tuple[Difference, ...]:
    """Return what parts the second text from the first, in order: `reference` quotes the first, `text` the second.

    Material or not is judged as where a text is identified. What one text has before or after all of the other is a
    difference too.
    """
    reference = Reference("the first text", "the first text", lambda: first)
    words = read_words(second)
    found = compare(words, reference)
    known = [*found.differences, *(edge for edge in found.edges if edge not in found.differences)]
    quoted = " ".join(f"{one.text} {one.reference}" for one in known)
    for side, (start, end) in (("", found.lead), ("", found.tail)):
        text = _quote(words, start, end)
        if text and text[:40] not in quoted:
            known.append(Difference(DifferenceKind.ADDED, text, side, is_material=True, place=1))
    lost = (
        (0, found.lost_at_start),
        (len(reference.words.tokens) - found.lost_at_end, len(reference.words.tokens)),
    )
    for start, end in lost:
        text = _quote(reference.words, start, end)
        if text and text[:40] not in quoted:
            known.append(Difference(DifferenceKind.MISSING, "", text, is_material=True, place=1))
    return tuple(known)


def text_of(licence_id: str, base: Base) -> str | None:
    """Return the base's own text of a licence, or None where it has none that it can show."""
    references = (known for known in base.references.values() if known.licence_id == licence_id)
    reference = next((known for known in references if not known.is_hashed), None)
    return reference.read() if reference else None


def _quote(words: Words, start: int, end: int) -> str:
    """Quote some words as written, cut to what a line can hold."""
    if start >= end:
        return ""
    text = " ".join(words.text[words.spans[start][0] : words.spans[end - 1][1]].split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]} [...] {text[-_SHOWN // 2 :]}"
