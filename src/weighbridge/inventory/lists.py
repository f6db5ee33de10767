"""Lists that a person gives: one reference, path or address a line; a table's first column counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.formats.bounded_file import read_small
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.origin.names import is_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["is_list", "read_list"]

_MOST_BYTES, _MOST_LINES, _LONGEST = 8 << 20, 100_000, 1000
_SUFFIXES = (".txt", ".list", ".lst", ".csv", ".tsv")
_REFERENCE = re.compile(r"(hf|ms):([\w.-]+/[\w.-]+)(?:@([\w./-]+))?(?::([\w./-]+))?")
_HEADINGS = frozenset({"reference", "model", "model_id", "id", "name", "repository", "repo"})


def is_list(path: Path) -> bool:
    """Whether a file that is given itself is a list: a text or a table by its name."""
    name = path.name.lower()
    return name.endswith(_SUFFIXES) and name not in {"requirements.txt", "cmakelists.txt"}


def read_list(source: Path | bytes, place: str) -> Iterator[str | Found | Unsearched]:
    """Yield each entry: a Found for a reference or a name, the text itself for an address, a path or a folder.

    Raises DamagedFile for a file of more than 8 MiB.
    """
    data = source if isinstance(source, bytes) else read_small(source, _MOST_BYTES)
    lines = data[:_MOST_BYTES].decode("utf-8-sig", "replace").splitlines()
    if len(lines) > _MOST_LINES:
        yield Unsearched(f"{place}:{_MOST_LINES + 1}", f"a list is read up to {_MOST_LINES:,} lines")
    for number, line in enumerate(lines[:_MOST_LINES], 1):
        text = re.split(r"[,;\t]", line.strip(), maxsplit=1)[0].strip().strip("\"'")[:_LONGEST]
        if not text or text.startswith("#") or (number == 1 and text.lower() in _HEADINGS):
            continue
        where = f"{place}:{number}"
        if text.startswith(("http://", "https://", "/", "./", "../", "~")):
            yield text
        elif found := _REFERENCE.fullmatch(text):
            name = found[2]
            yield Found("list", where, name, Confidence.HIGH, reference=text)
        elif is_repository(text.partition("@")[0]):
            yield Found("list", where, text.partition("@")[0], Confidence.HIGH, reference=f"hf:{text}")
        elif re.fullmatch(r"[\w.:/@+-]{2,200}", text):
            yield Found("list", where, text, Confidence.HIGH)
        else:
            yield Unsearched(where, "this line names no model")
