"""Which files a watch must not read, as their hub counts each reading as a download."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["counts_as_download"]


def counts_as_download(name: str, library: str) -> bool:
    """Whether reading this file of a repository for this library ("" for none) counts as a download."""
    table = _table()
    rules = (table["any"], table["library"].get(library, {}))
    last = name.rpartition("/")[2].lower()
    extension = last.rpartition(".")[2]
    return any(last in rule.get("names", ()) or extension in rule.get("extensions", ()) for rule in rules)


@cache
def _table() -> dict[str, Any]:
    """Return the rules (see `counted.toml`)."""
    return tomllib.loads(files(__package__).joinpath("counted.toml").read_text("utf-8"))
