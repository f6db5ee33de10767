"""Texts that are no licence but point to one: an address, a sentence of a card, a notice, a title without terms."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.identity import Identity, Part, Verdict
from weighbridge.inspection.licence.words.lexicon import load_lexicon
from weighbridge.inspection.licence.words.tokens import Words, read_words

if TYPE_CHECKING:
    from weighbridge.inspection.licence.base import Base

__all__ = ["find_pointer"]

_SHORT = 120  # words of a notice or stub: longer texts must link to what they name
_TITLE_ONLY = 30
_LONGEST = 2_000
_WITHIN = 12
_CLAUSES = 3
_CLAUSE = re.compile(r"^\s{0,6}(?:\d{1,2}[.)]|\([a-z]\)|Section \d)\s", re.MULTILINE | re.IGNORECASE)
_SPLITS = re.compile(
    r"\b(?:except|unless|otherwise|whereas)\b|\b(?:code|software)\b[^\n]{0,120}\b(?:weights?|models?|checkpoints?)\b|代\s*码.{0,60}(?:模\s*型|权\s*重)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Alias:
    licence_id: str
    is_text_known: bool
    words: tuple[str, ...]
    is_url: bool


def find_pointer(words: Words, base: Base) -> Identity | None:
    """Return where a text without terms of its own points to, or None where it names no licence in that way.

    A licence is named only where the text points to one, and gives it to all that it speaks of.
    """
    if len(words.tokens) > _LONGEST:
        return None
    if not _is_card(words) and len(_CLAUSE.findall(words.text)) >= _CLAUSES:
        return None  # numbered clauses are terms of its own
    hits = _hits(words, _aliases(base))
    if not hits:
        return None
    linked = any(alias.is_url or _has_link(words, at + len(alias.words)) for at, alias in hits)
    is_short = len(words.tokens) <= _SHORT
    if not (is_short and any(_refers(words, at) for at, _ in hits)) and not (linked and (is_short or _is_card(words))):
        return None
    named = {alias.licence_id: (at, alias) for at, alias in reversed(hits)}
    if len(named) > 1:
        parts = tuple(
            Part(Verdict.POINTER, key if alias.is_text_known else None, key, words.line(at), words.line(at))
            for key, (at, alias) in sorted(named.items(), key=lambda item: item[1][0])
        )
        return Identity(Verdict.POINTER, parts=parts)
    ((key, (_, alias)),) = named.items()
    whole = alias.is_text_known and not _SPLITS.search(words.text)
    return Identity(Verdict.POINTER, key if whole else None, nearest=key)


def _is_card(words: Words) -> bool:
    """Whether a text is a page about a model, not terms of its own: front matter, or links in Markdown."""
    return words.text.lstrip().startswith("---") or "](" in words.text


def _hits(words: Words, aliases: dict[str, list[_Alias]]) -> list[tuple[int, _Alias]]:
    """Return where licences are named: the longest name at each place."""
    hits: list[tuple[int, _Alias]] = []
    at = 0
    while at < len(words.tokens):
        found = [alias for alias in aliases.get(words.tokens[at], ()) if _stands(words.tokens, at, alias)]
        if found:
            longest = max(found, key=lambda alias: len(alias.words))
            hits.append((at, longest))
            at += len(longest.words)
        else:
            at += 1
    return hits


def _stands(tokens: list[str], at: int, alias: _Alias) -> bool:
    return tuple(tokens[at : at + len(alias.words)]) == alias.words


def _has_link(words: Words, at: int) -> bool:
    """Whether a name is followed by an address, as in a link of a card."""
    return any("/" in word and "." in word for word in words.tokens[at : at + 3])


def _refers(words: Words, at: int) -> bool:
    """Whether words just before a name say that it is the licence, or the whole text is hardly more than a name.

    "Not licensed under X" gives nobody X, and "trained on data under X" says it of something else.
    """
    near = words.tokens[max(0, at - _WITHIN) : at]
    if load_lexicon().has("negations", near) or load_lexicon().has("elsewhere", near):
        return False
    return len(words.tokens) <= _TITLE_ONLY or load_lexicon().has("refers", near)


@cache
def _shipped() -> tuple[tuple[str, bool, tuple[str, ...], tuple[str, ...]], ...]:
    rows = tomllib.loads(files(__package__).joinpath("pointers.toml").read_text("utf-8"))["alias"]
    return tuple(
        (row["id"], row.get("text_known", True), tuple(row.get("names", ())), tuple(row.get("urls", ())))
        for row in rows
    )


def _aliases(base: Base) -> dict[str, list[_Alias]]:
    """Return all aliases by their first word: those of pointers.toml and those that the base's licences bring."""
    rows = [*_shipped()]
    rows += [(one.licence_id, True, one.names, one.urls) for one in base.licences.values() if one.family]
    table: dict[str, list[_Alias]] = {}
    for licence_id, is_known, names, urls in rows:
        for name in (*names, *(f"https://{url}" for url in urls)):
            tokens = tuple(read_words(name).tokens)
            if tokens:
                alias = _Alias(licence_id, is_known, tokens, name.startswith("https://"))
                table.setdefault(tokens[0], []).append(alias)
    return table
