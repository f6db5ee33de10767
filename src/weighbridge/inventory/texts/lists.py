"""Lists of models that lie in a folder: a column of a CSV file, a text of one name a line."""

from __future__ import annotations

import csv
import re
from itertools import islice
from typing import TYPE_CHECKING

from weighbridge.inventory.texts.candidates import Candidate
from weighbridge.inventory.texts.keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inventory.texts.keys import Weight

__all__ = ["read_rows"]

_MODELS = re.compile(r"(?i)(?:^|.*[/_.-])models?(?:[_-](?:list|ids?|names?))?\.(?:txt|list|lst)")
_NAME = re.compile(r"[\"']?([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@([\w.-]{1,100}))?[\"',;]{0,2}")
_COLUMNS: dict[str, Weight] = {
    **dict.fromkeys(("model", "model_id", "model_name", "hf_model", "hf_id", "repo_id", "base_model"), "strong"),
    **dict.fromkeys(("repo", "repository", "models"), "weak"),
}
_MOST_ROWS = 20_000


def read_rows(path: str, data: bytes) -> Iterator[tuple[int, Candidate, Key]]:
    """Yield the names `maker/model` of a list by their lines from 0, with the key that the list is for them."""
    if path.endswith((".csv", ".tsv")):
        yield from _column(data.decode("utf-8-sig", "replace"))
    elif _MODELS.fullmatch(path):
        lines = data.decode("utf-8-sig", "replace").split("\n")
        for number, line in enumerate(islice(lines, _MOST_ROWS)):
            if found := _NAME.fullmatch(line.partition("#")[0].strip(" \t\r-*")):
                yield number, _candidate(found), Key("models", "strong")


def _column(text: str) -> Iterator[tuple[int, Candidate, Key]]:
    """Yield the cells of the columns whose heads say that they hold models."""
    lines = text.splitlines()
    head = lines[0] if lines else ""
    delimiter = next((one for one in ("\t", ";", ",") if one in head), ",")
    columns = [one.strip().strip('"').lower() for one in head.split(delimiter)]
    at = [(place, name) for place, name in enumerate(columns) if name in _COLUMNS]
    if not at:
        return
    reader = csv.reader(lines[1:], delimiter=delimiter)
    try:
        for row in islice(reader, _MOST_ROWS):
            for place, name in at:
                if len(row) > place and (found := _NAME.fullmatch(row[place].strip())):
                    yield reader.line_num, _candidate(found), Key(name, _COLUMNS[name])
    except csv.Error:
        return  # a cell beyond what the module takes; the lines are read as a text all the same


def _candidate(found: re.Match[str]) -> Candidate:
    return Candidate(0, "id", found[1], "", found[2] or "")
