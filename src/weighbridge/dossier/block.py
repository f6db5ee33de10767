"""Blocks: what a section is made of, as text that every renderer lays out in its own way and escapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.dossier.figure import Figures

__all__ = ["MOST_ROWS", "Exchange", "Exchanges", "Section", "Side", "Table", "Tone", "cut_rows", "facts_table"]

Tone = Literal["", "few", "up-1", "up-2", "up-3", "down-1", "down-2", "down-3"]
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, its columns, and rows of plain text; renderers escape every cell.

    `tones` shade the cells after the first of each row, where a renderer has colour: the text says it all without.
    `ours` says that all cells are in the language of the page, `folded` that it is for who looks closer.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: tuple[tuple[Tone, ...], ...] = ()
    ours: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One answer: what it does in words of the page, and what was said in the words of a stranger."""

    does: str
    said: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question with one answer, or with two side by side; `language` is the tag that it was asked in."""

    id: str
    language: str
    about: str
    question: str
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Questions with their answers; `names` heads the columns of answers. Closed ones are for who looks closer."""

    caption: str
    names: tuple[str, ...]
    rows: tuple[Exchange, ...]
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One area: its main finding, sentences, warnings, tables and exchanges. With none of them it was not looked at."""

    name: str
    heading: str
    anchor: str = ""
    lead: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    headline: str = ""
    caveats: tuple[str, ...] = ()
    exchanges: tuple[Exchanges, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was looked at."""
        return not (self.lead or self.tables or self.headline)


def cut_rows(
    caption: str, rows: Iterable[tuple[str, ...]], figures: Figures
) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Return at most 200 rows, and the caption, which says how many were left out."""
    kept = tuple(rows)
    if len(kept) <= MOST_ROWS:
        return caption, kept
    return f"{caption} {figures.locale('conduct.first', shown=MOST_ROWS, count=len(kept))}", kept[:MOST_ROWS]


def facts_table(caption: str, facts: Iterable[tuple[str, str]], figures: Figures) -> Table:
    """Return names and values as a table; a fact without a value is left out."""
    t = figures.locale
    rows = tuple((name, value) for name, value in facts if value)
    return Table(caption, (t("model.field"), t("model.value")), rows)
