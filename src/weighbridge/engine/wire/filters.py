"""Filters that answer with an error: what a service kept back is no failure, and no answer of the model."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["is_filter"]

_MOST = 2_000  # characters of a message


def is_filter(body: Any) -> bool:
    """Say whether the body of an error (JSON, as read) is a filter's, by the table `filters.toml`; never raises."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return _says(error)
    inner = error.get("innererror")
    named = (error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None)
    codes = {one.casefold() for one in named if isinstance(one, str)}
    return bool(codes & _table()[0]) or _says(error.get("message")) or _says(error.get("detail"))


def _says(message: Any) -> bool:
    return isinstance(message, str) and any(words in message[:_MOST].casefold() for words in _table()[1])


@cache
def _table() -> tuple[frozenset[str], frozenset[str]]:
    """Return all codes, and all words, in lower case."""
    rows = tomllib.loads(files(__package__).joinpath("filters.toml").read_text("utf-8"))["filter"]
    codes, words = (
        frozenset(one.casefold() for row in rows for one in row.get(what, ())) for what in ("codes", "words")
    )
    return codes, words
