"""Cut a text into headings, tables, list entries and paragraphs, and paragraphs into sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Block", "cut_blocks", "sentences"]

_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_BOLD_LINE = re.compile(r"\s*(?:\*\*|__)([^*_]{1,120})(?:\*\*|__)\s*:?\s*$")
_ENTRY = re.compile(r"\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+")
_LABELLED = re.compile(r"\s*[*_]{0,2}[A-Za-z#][\w /#()-]{1,40}[*_]{0,2}\s?:[*_]{0,2}\s\S.{0,100}$")
_FENCE = re.compile(r"\s*(?:```|~~~)")
# a full stop inside a number or a name ends no sentence
_END = re.compile(r"[.!?](?:[\"'\u201d)\]*_]{0,3})(?=\s+[A-Z\"'\u201c(\[*_#]|\s*$)|;\s|[\u3002\uff01\uff1b]")
_LONGEST = 2000
_URL = re.compile(r"\]\([^()\s]{0,300}\)|https?://[^\s<>\"')\]]{1,300}")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together; `line` counts from 1, `level` is a heading's depth (7 for a bold line)."""

    kind: Literal["heading", "table", "entry", "text"]
    text: str
    line: int
    level: int = 0


def cut_blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a text in order; fenced code is left out, addresses are blanked."""
    held: list[str] = []
    kind: Literal["table", "entry", "text"] = "text"
    first = 1
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        blank = _URL.sub(lambda found: "]" + " " * (len(found[0]) - 1), line) if "://" in line or "](" in line else line
        if _FENCE.match(line):
            fenced = not fenced
            blank = ""
        elif fenced:
            blank = ""
        heading = _HEADING.match(blank) or _BOLD_LINE.match(blank)
        now: Literal["table", "entry", "text"] = (
            "table"
            if blank.count("|") > 1 or blank.lstrip().startswith("|")
            else "entry"
            if (_ENTRY.match(blank) or _LABELLED.match(blank))
            else "text"
        )
        joins = now == kind if now == "table" else now == "text" and kind != "table"
        goes_on = bool(held) and not heading and bool(blank.strip()) and joins
        if held and not goes_on:
            yield Block(kind, "\n".join(held), first)
            held = []
        if heading:
            is_hash = heading.re is _HEADING
            yield Block("heading", heading[2] if is_hash else heading[1], number, len(heading[1]) if is_hash else 7)
        elif blank.strip():
            if not held:
                kind, first = now, number
            held.append(blank)
    if held:
        yield Block(kind, "\n".join(held), first)


def sentences(block: Block) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a block, each with its line and at most 2000 characters."""
    begin = 0
    for found in (*_END.finditer(block.text), None):
        end = found.end() if found else len(block.text)
        sentence = block.text[begin:end]
        if sentence.strip():
            lead = len(sentence) - len(sentence.lstrip())
            yield block.line + block.text.count("\n", 0, begin + lead), sentence[:_LONGEST]
        begin = end
