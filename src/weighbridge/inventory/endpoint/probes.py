"""Probe texts: their token ids tell tokenizers apart; which ids are whose is data, taken from tokenizers at hand."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["KnownTokenizer", "known_tokenizers", "probe_texts", "tokenizer_of"]


@dataclass(frozen=True, slots=True)
class KnownTokenizer:
    """One tokenizer: its ids of the probes, the makers that train with it, and where the ids were taken from."""

    name: str
    makers: tuple[str, ...]
    source: str
    ids: tuple[tuple[int, ...], ...]


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", "tokenizers.toml").read_text(encoding="utf-8"))


def probe_texts() -> tuple[str, ...]:
    """Return the texts that a server is asked to tokenize."""
    return tuple(_table()["probes"])


@cache
def known_tokenizers() -> tuple[KnownTokenizer, ...]:
    """Return the table of tokenizers."""
    return tuple(
        KnownTokenizer(row["name"], tuple(row["makers"]), row["source"], tuple(tuple(one) for one in row["ids"]))
        for row in _table()["tokenizer"]
    )


def tokenizer_of(ids: tuple[tuple[int, ...], ...]) -> KnownTokenizer | None:
    """Return the tokenizer that gives exactly these ids, or None: one that is not in the table stays unknown."""
    return next((one for one in known_tokenizers() if one.ids == ids), None)
