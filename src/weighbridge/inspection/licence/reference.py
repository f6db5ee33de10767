"""A reference text of the base: its words, and which of them are headings, a placeholder, or may be left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.words.tokens import Words, read_words

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reference"]

_HEADING_WORDS = 10
_HEADING_CHARACTERS = 24  # of a Chinese heading
_TITLE_WITHIN = 60
_TITLE_LINES = 12
_TITLE = re.compile(r"licen[cs]e|agreement|terms|policy|许可|协议|声明", re.IGNORECASE)
_CAPITALISED = r"[A-Z][\w'/&-]*(?:[ \t]+(?:[A-Z][\w'/&-]*|of|and|the|to|for|or|on|in|by|with)){0,6}"
_NUMBERED_HEADING = re.compile(
    rf"[\W_]*(?:(?i:section)[ \t]+|(?i:article)[ \t]+)?(?:\d{{1,2}}(?:\.\d+)*|[IVX]+|[a-z])[.):]?[ \t]+{_CAPITALISED}"
    r"[ \t]*(?:[.:*-]+(?=\s|$)|$)",
)
_HEADING_ON = re.compile(r"[\W_]*[A-Z][a-z]+(?:[ \t]+[A-Z][a-z]+){0,3}[ \t]*[.:](?=\s)")
_SENTENCE_ENDS = ".;,:\u3002"
_PLACEHOLDER = re.compile(r"<[^<>\n]{2,80}>|\[[^\[\]\n]{2,80}\]|\{[^{}\n]{2,80}\}|\b(?:YEAR|AUTHOR|EMAIL|HOLDER)\b")


def _is_short(line: str) -> bool:
    """Whether a line is short enough for a heading, and ends as no sentence does."""
    said = line.strip().strip("#*= \t")
    most = _HEADING_WORDS if said.isascii() else _HEADING_CHARACTERS
    return bool(said) and len(said.split()) <= most and said[-1] not in _SENTENCE_ENDS


@dataclass(frozen=True)
class Reference:
    """One text that the base knows. `read` gives its characters; several texts may share one `licence_id`.

    `revision` names a revision that the vendor dates or numbers; `optional_after` begins a passage that copies may
    leave out (how to apply the licence); a `hashed` text ships as word hashes, since its own terms grant no copies.
    """

    key: str
    licence_id: str
    read: Callable[[], str]
    revision: str | None = None
    optional_after: str | None = None
    optional_before: str | None = None
    is_hashed: bool = False

    @property
    def is_template(self) -> bool:
        """Whether the text is on the SPDX list: taken up by many, with their own names in it."""
        return self.key.startswith("spdx/")

    @cached_property
    def words(self) -> Words:
        """The words of the text; of a hashed one its hashes, which quote nothing."""
        if self.is_hashed:
            return Words("", self.read().split(), [])
        return read_words(self.read())

    @cached_property
    def headings(self) -> list[tuple[int, int]]:
        """First and last character of every heading: a short line alone, or words in capitals that open a paragraph."""
        found = []
        at = 0
        lines = self.words.text.split("\n")
        for number, line in enumerate(lines):
            starts = number == 0 or not lines[number - 1].strip()
            ends = number + 1 == len(lines) or not lines[number + 1].strip()
            if starts and ends and _is_short(line):
                found.append((at, at + len(line)))
            elif opening := _NUMBERED_HEADING.match(line) or (_HEADING_ON.match(line) if starts else None):
                found.append((at, at + opening.end()))
            at += len(line) + 1
        return found

    def is_whole_heading(self, first: int, last: int) -> bool:
        """Whether words are one or more headings from beginning to end."""
        spans = self.words.spans
        if not self.is_heading(first, last):
            return False
        return not any(
            a <= spans[beside][0] < b and a <= spans[edge][0] < b
            for a, b in self.headings
            for beside, edge in ((first - 1, first), (last, last - 1))
            if 0 <= beside < len(spans)
        )

    def is_heading(self, first: int, last: int) -> bool:
        """Whether words all stand in headings."""
        spans = self.words.spans[first:last]
        if self.title[0] <= first < last <= self.title[1]:
            return True
        return bool(spans) and all(any(a <= start < b for a, b in self.headings) for start, _ in spans)

    @cached_property
    def title(self) -> tuple[int, int]:
        """First and last word (not included) of the licence's own name, where the text begins with one."""
        for start, end in self._first_lines():
            inside = [at for at, (a, _) in enumerate(self.words.spans[:_TITLE_WITHIN]) if start <= a < end]
            if inside and _TITLE.search(self.words.text[start:end].replace(" ", "")):
                return inside[0], inside[-1] + 1
        return 0, 0

    def _first_lines(self) -> list[tuple[int, int]]:
        """First and last character of the short lines that a text begins with, and of its first headings."""
        found = []
        at = 0
        for line in self.words.text.split("\n")[:_TITLE_LINES]:
            if line.strip() and not _is_short(line):
                break
            found.append((at, at + len(line)))
            at += len(line) + 1
        return found + self.headings

    @cached_property
    def title_words(self) -> frozenset[str]:
        """The words of the title."""
        return frozenset(self.words.tokens[slice(*self.title)])

    @cached_property
    def optional(self) -> tuple[int, int]:
        """Before and from which word copies may leave the text out."""
        text = self.words.text
        before = text.find(self.optional_before) if self.optional_before else -1
        after = text.find(self.optional_after) if self.optional_after else -1
        first = sum(1 for start, _ in self.words.spans if start < before) if before > 0 else 0
        last = sum(1 for start, _ in self.words.spans if start < after) if after > 0 else len(self.words.tokens)
        return first, last

    def is_optional(self, first: int, last: int) -> bool:
        """Whether words all stand in a passage that copies may leave out."""
        before, after = self.optional
        return first < last and (last <= before or first >= after)

    @cached_property
    def placeholders(self) -> list[tuple[int, int]]:
        """First and last character of every blank that a copy fills in."""
        return [found.span() for found in _PLACEHOLDER.finditer(self.words.text)]

    def is_placeholder(self, first: int, last: int) -> bool:
        """Whether words all stand in blanks."""
        spans = self.words.spans[first:last]
        return bool(spans) and all(any(a <= start < b for a, b in self.placeholders) for start, _ in spans)
