"""A list of references that somebody made: one a line, or a column of a CSV file."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.formats.bounded_file import read_small
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.origin.services import is_service_id
from weighbridge.inventory.trees.tree import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["models_in", "read_list"]

_MAX_BYTES = 16 << 20
_LONGEST = 300
_HUB = re.compile(r"(hf|ms):([\w.-]+/[\w.-]+)(?:@([\w./-]+))?(?::([\w./-]+))?")
_PAGE = re.compile(
    r"https?://(?:www\.)?(huggingface\.co|hf\.co|modelscope\.cn|modelscope\.ai)/(?:models/)?([\w.-]+/[\w.-]+)[^\s]*"
)
_ID = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w.-]+))?")
_COLUMNS = ("reference", "model", "model_id", "id", "name", "repo_id", "repository")


def read_list(path: Path) -> Iterator[Found | Unsearched]:
    """Yield the models of a list; lines that begin with `#` are notes. Raises DamagedFile where it cannot be read.

    A CSV file is told by a comma, semicolon or tab in its first line, and by a column called `reference`, `model`,
    `model_id`, `id`, `name` or `repo_id` there; a column `revision` is the pin.
    """
    yield from models_in(read_small(path, _MAX_BYTES).decode("utf-8-sig", "replace"), printable(str(path)))


def models_in(text: str, shown: str) -> Iterator[Found | Unsearched]:
    """Yield the models of a list's text; `shown` is what the list is called. A word that no hub knows stays a name."""
    for number, word, revision in _rows(text):
        place = f"{shown}:{number}"
        if not word or word.startswith("#"):
            continue
        if len(word) > _LONGEST or not word.isprintable() or " " in word:
            yield Unsearched(place, "is no reference to a model")
            continue
        name, reference = _reference(word, revision)
        yield Found("list", place, name, Confidence.HIGH, reference)


def _rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, reference and revision."""
    lines = text.splitlines()
    head = lines[0] if lines else ""
    delimiter = next((one for one in ("\t", ";", ",") if one in head), "")
    columns = [one.strip().strip('"').lower() for one in head.split(delimiter)] if delimiter else [head.strip().lower()]
    at = next((columns.index(name) for name in _COLUMNS if name in columns), -1)
    if at < 0:
        for number, line in enumerate(lines, start=1):
            plain = line.split(" #", 1)[0].strip()
            yield number, plain.split(delimiter)[0].strip().strip('"') if delimiter else plain, ""
        return
    pin = columns.index("revision") if "revision" in columns else -1
    reader = csv.reader(lines[1:], delimiter=delimiter or ",")
    try:
        for row in reader:
            word = row[at].strip() if len(row) > at else ""
            yield reader.line_num + 1, word, row[pin].strip() if 0 <= pin < len(row) else ""
    except csv.Error:
        yield reader.line_num + 1, "\0", ""


def _reference(word: str, revision: str) -> tuple[str, str]:
    """Return the name of a model and its reference; "" where the word is no id of a hub."""
    if found := _HUB.fullmatch(word):
        pinned = word if found[3] or not revision else f"{found[1]}:{found[2]}@{revision}"
        return found[2], pinned
    if found := _PAGE.fullmatch(word):
        hub = "ms" if "modelscope" in found[1] else "hf"
        return found[2], f"{hub}:{found[2]}" + (f"@{revision}" if revision else "")
    if (found := _ID.fullmatch(word)) and not word.startswith("."):
        pin = found[2] or revision
        if not pin and is_service_id(found[1]):  # as a router spells it
            return found[1], ""
        return found[1], f"hf:{found[1]}" + (f"@{pin}" if pin else "")
    return word, ""
