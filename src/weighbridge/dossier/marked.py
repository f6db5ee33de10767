"""Markdown: text made safe for it, tables, and a section as lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from weighbridge.dossier.block import Exchanges, Section
    from weighbridge.dossier.figure import Figures

__all__ = ["escape", "pairs", "section_lines", "table"]

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$@&])")
_AUTOLINK = re.compile(r"(?<=[a-zA-Z])(:(?=//)|(?<=www)\.)")
_LEADING = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[-+=](?:\s|$|[-=])))")
_LIMIT = 500
_MOST_EXCHANGES = 20


def escape(text: object) -> str:
    """Return text that Markdown shows as it is: one line, revealed, no markup, no link, no table cell."""
    line = _SPECIAL.sub(r"\\\1", single_line(str(text), _LIMIT))
    return _LEADING.sub(r"\1\\", _AUTOLINK.sub(r"\\\1", line))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return a table; every cell is escaped here and nowhere else."""
    heads = [escape(cell) for cell in head]
    lines = [_row(heads), _row(["---"] * len(heads))]
    return [*lines, *(_row([escape(cell) for cell in row]) for row in rows)]


def _row(cells: list[str]) -> str:
    """Return one line of a table."""
    return "| " + " | ".join(cells) + " |"


def pairs(*found: tuple[str, object]) -> list[str]:
    """Return a list of names and values."""
    return [f"- {escape(name)}: {escape(value)}" for name, value in found]


def section_lines(section: Section, figures: Figures) -> list[str]:
    """Return a section: finding, sentences, warnings, tables, and the first answers that stand side by side."""
    lines = ["", f"### {escape(section.heading)}", ""]
    if section.headline:
        lines += [f"**{escape(section.headline)}**", ""]
    for sentence in section.lead:
        lines += [escape(sentence), ""]
    lines += [f"- {escape(caveat)}" for caveat in section.caveats]
    for one in section.tables:
        lines += ["", f"#### {escape(one.caption)}", "", *table(one.head, one.rows)]
    for found in section.exchanges:
        lines += _exchanges(found, figures)
    if section.empty:
        lines.append(escape(figures.locale("model.absent")))
    return lines


def _exchanges(found: Exchanges, figures: Figures) -> Iterator[str]:
    """Yield the first of open exchanges as a table; closed ones are for the page and the JSON twin."""
    if not found.opened:
        return
    head = (figures.locale("measured.item"), *found.names)
    rows = (
        (f"{one.question} ({one.id}, {one.language})", *(f"{side.does}: {side.said}" for side in one.sides))
        for one in found.rows[:_MOST_EXCHANGES]
    )
    yield from ("", f"#### {escape(found.caption)}", "", *table(head, rows))
