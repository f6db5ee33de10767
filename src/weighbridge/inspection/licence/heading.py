"""A heading that names another licence than the text under it: which of the two binds is a human's question."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.compare.side import Side
from weighbridge.inspection.licence.identity import Difference, DifferenceKind
from weighbridge.inspection.licence.pointers import find_pointer
from weighbridge.inspection.licence.words.tokens import read_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.licence.base import Base
    from weighbridge.inspection.licence.compare.comparison import Comparison
    from weighbridge.inspection.licence.reference import Reference

__all__ = ["contradictions"]

_LONGEST = 14  # words of a heading
_MOST_LINES = 4
_OWN_TITLE = 60  # words of a reference in which its own title stands


def contradictions(best: Comparison, base: Base) -> list[Difference]:
    """Return the headings of a text that name another licence than the one that its words are."""
    own = best.reference
    found = []
    for first, last in _headings(best):
        line = Side(best.words, first, last)
        named = _named(best.words.line_text(first), base)
        if named and not any(_is_same(one, own) for one in named) and not _is_own_title(line, own):
            title = "" if own.is_hashed else own.words.quote(*own.title)
            text = best.words.quote(first, last)
            found.append(Difference(DifferenceKind.TITLE, text, title, is_material=True, place=best.words.line(first)))
    return found


def _headings(best: Comparison) -> Iterator[tuple[int, int]]:
    """Yield the short lines at the beginning of a text, as places of their words."""
    words, at = best.words, 0
    for _ in range(_MOST_LINES):
        end = at
        while end < len(words.tokens) and words.line(end) == words.line(at):
            end += 1
        if end == at or end - at > _LONGEST:
            return
        yield at, end
        at = end


def _named(line: str, base: Base) -> set[str]:
    """Return the ids of licences, or of families of them, that a line names."""
    words = read_words(line)
    pointer = find_pointer(words, base)
    if pointer is not None:
        return {one for one in (pointer.licence_id, pointer.nearest, *(part.nearest for part in pointer.parts)) if one}
    tokens = tuple(words.tokens)
    return {
        family
        for family, names in _families()
        for name in names
        if any(tokens[at : at + len(name)] == name for at in range(len(tokens)))
    }


@cache
def _families() -> tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]:
    rows = tomllib.loads(files(__package__).joinpath("pointers.toml").read_text("utf-8"))["heading"]
    return tuple((row["id"], tuple(tuple(read_words(name).tokens) for name in row["names"])) for row in rows)


def _is_same(named: str, own: Reference) -> bool:
    return named in own.licence_id or own.licence_id in named


def _is_own_title(line: Side, own: Reference) -> bool:
    """Whether the licence bears that heading itself, as MiniMax M2's bears "MIT License"."""
    if own.is_hashed:
        return False
    tokens, title = line.tokens, own.words.tokens[:_OWN_TITLE]
    return any(title[at : at + len(tokens)] == tokens for at in range(len(title)))
