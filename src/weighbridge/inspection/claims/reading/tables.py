"""Read tables in Markdown, and lines of a label and a value: a model, a quantity and what is said of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.inspection.claims.claim import Claim, Quantity
from weighbridge.inspection.claims.reading.mentions import find_mentions
from weighbridge.inspection.claims.reading.phrases import label_of
from weighbridge.inspection.claims.reading.values import read_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.claims.facts import FactBase
    from weighbridge.inspection.claims.reading.blocks import Block

__all__ = ["is_label_line", "labelled_claims", "table_claims"]

_RULE = re.compile(r"[\s|:+-]+$")
_MARKS = re.compile(r"[*_`\[\]]+|<[^<>]{0,40}>|[\u2705\u2714\u274c]")
_LABEL = re.compile(
    r"[\s*_\-\u2022+>]{0,6}([A-Za-z#][^:=\x00\n]{1,40}?)[*_]{0,2}\s*[:=]\s*[*_]{0,2}\s*([^\x00]{1,120}?)\s*[.;]?\s*$"
)
_BOTH = re.compile(r"\s*(\d[\d.,]*\s?[TBM]?)\w*(?:\s(?:total|parameters?))?\s?[(/,-]\s?A?(\d[\d.]*\s?[BM])\w*\s?"
                   r"(?:active|activated|activates?)?(?:\sparameters?)?\s*\)?", re.IGNORECASE)  # fmt: skip
_MOST_ROWS, _MOST_CELLS = 2000, 60
_FEWEST = 1e6
_IN = {"b": 1e9, "bn": 1e9, "m": 1e6, "t": 1e12, "k": 1e3, "$m": 1e6}


def table_claims(block: Block, base: FactBase, seen: set[str]) -> Iterator[Claim]:
    """Yield the claims of a table: models down and quantities across, or the other way round."""
    rows = [_cells(line) for line in block.text.splitlines()[:_MOST_ROWS]]
    if len(rows) < 2:  # noqa: PLR2004 - a head and a row
        return
    heads = rows[0]
    labels = {column: label for column, text in enumerate(heads) if (label := label_of(text))}
    models = {column: model for column, text in enumerate(heads) if (model := _model(text, base, seen))}
    for offset, cells in enumerate(rows[1:], 1):
        if not cells or all(_RULE.match(cell + "|") for cell in cells):
            continue
        line = block.line + offset
        if len(models) > len(labels):
            label = label_of(cells[0])
            pairs = [(model, label, cells[column]) for column, model in models.items() if label and column < len(cells)]
        else:
            places = (cell for column, cell in enumerate(cells[:2]) if column not in labels)
            model = next((found for cell in places if (found := _model(cell, base, seen))), None)
            pairs = [(model, label, cells[column]) for column, label in labels.items() if model and column < len(cells)]
        for key, label, cell in pairs:
            if label:
                yield from _cell(key, label, cell, base, line, " | ".join(cells)[:300])


def labelled_claims(masked: str, base: FactBase, key: str | None, line: int) -> list[Claim]:
    """Return the claims of a line such as `Context length: 128K`, said of the one model that is spoken of."""
    found = _LABEL.match(masked)
    label = label_of(found[1]) if found else None
    if found is None or label is None or key is None:
        return []
    return list(_cell(key, label, found[2], base, line, " ".join(masked.replace("\x00", "").split())))


def is_label_line(line: str) -> bool:
    """Whether a line is a label that is known and a value."""
    found = _LABEL.match(line)
    return found is not None and label_of(found[1]) is not None


def _cells(line: str) -> list[str]:
    """Return the cells of a row, without its marks."""
    return [_MARKS.sub("", cell).strip() for cell in line.strip().strip("|").split("|")][:_MOST_CELLS]


def _model(text: str, base: FactBase, seen: set[str]) -> str | None:
    """Return the model that a cell names, and nothing else."""
    mentions = find_mentions(text, base.names, seen)
    if len(mentions) != 1 or mentions[0].model is None:
        return None
    rest = text[: mentions[0].start] + text[mentions[0].end :]
    return mentions[0].model if len(re.sub(r"\W", "", rest)) <= 3 else None  # noqa: PLR2004 - a footnote's mark


def _cell(key: str, label: tuple[Quantity, str], text: str, base: FactBase, line: int, words: str) -> Iterator[Claim]:
    """Yield what a cell says of a quantity; a total may bring the active count with it."""
    quantity, unit = label
    model = base.names.shown(key)
    parts = [(quantity, text)]
    if quantity is Quantity.TOTAL_PARAMETERS and (both := _BOTH.fullmatch(text)):
        parts = [(quantity, both[1]), (Quantity.ACTIVE_PARAMETERS, both[2])]
    for one, said in parts:
        read = read_value(one, said)
        if read is None:
            continue
        value, digit, bound, is_about = read
        scale = _IN.get(unit.lower().removesuffix("illions").removesuffix("illion"), 1.0)
        if not isinstance(value, str) and scale > 1 and value < scale:
            value, digit = value * scale, max(digit, 10.0 ** -len(said.partition(".")[2])) * scale
        elif not isinstance(value, str) and "parameters" in one and value < _FEWEST:  # no unit: not understood
            continue
        yield Claim(
            model=model, quantity=one, value=value, unit=digit, is_about=is_about, bound=bound, words=words, line=line
        )
