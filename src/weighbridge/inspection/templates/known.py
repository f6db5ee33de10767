"""Compare a template with those of well-known families, kept as digests: of the whole, of its pieces, of its sentences.

A piece is one statement, one expression or one stretch of literal text, without white space, white-space control and
comments: the normal form in which two templates that render alike are mostly equal. The texts themselves are not kept.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment
from jinja2.exceptions import TemplateError

from weighbridge.inspection.templates.instructions import plain_text, sentences_of, split_sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "NEAR",
    "Known",
    "Piece",
    "is_known_sentence",
    "is_published",
    "known_templates",
    "nearest",
    "pieces_of",
    "sentences_in",
    "short_digest",
    "unknown_text",
]

NEAR = 0.7  # Dice coefficient of pieces; fine-tuned copies in the wild have 0.85 to 1, other families below 0.6
_DIGITS = 10  # of a piece's digest: by chance two of 10,000 pieces agree once in 20,000 tables
_SKIPPED = frozenset({"whitespace", "comment_begin", "comment", "comment_end", "linecomment"})
_BEGINS = {"block_begin": "block_end", "variable_begin": "variable_end"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement, expression or literal text: its line, its normal form."""

    line: int
    text: str

    @property
    def digest(self) -> str:
        """The first digits of the SHA-256 of the normal form."""
        return short_digest(self.text)


@dataclass(frozen=True, slots=True)
class Known:
    """A published template: its family, where it was read, the SHA-256 of its text, and the digests of its pieces."""

    name: str
    source: str
    sha256: str
    pieces: frozenset[str]
    sentences: frozenset[str]


def short_digest(text: str) -> str:
    """Return the first ten hex digits of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]


def pieces_of(text: str) -> list[Piece]:
    """Return the pieces of a template in order; [] for what Jinja's lexer does not take."""
    try:
        tokens = list(Environment(trim_blocks=True, lstrip_blocks=True).lex(text))  # noqa: S701 - it only splits
    except (TemplateError, RecursionError):
        return []
    pieces, words, begun = [], list[str](), 0
    for line, kind, value in tokens:
        if kind in _SKIPPED:
            continue
        if kind == "data":
            if plain := " ".join(value.split()):
                pieces.append(Piece(line, plain))
        elif kind in _BEGINS:
            words, begun = [kind], line
        elif kind in _BEGINS.values():
            pieces.append(Piece(begun, " ".join(words)))
        else:
            words.append(f"'{value[1:-1]}'" if kind == "string" else value)
    return pieces


@functools.cache
def known_templates() -> tuple[Known, ...]:
    """Return the table of well-known templates."""
    text = resources.files("weighbridge.inspection.templates").joinpath("known.toml").read_text(encoding="utf-8")
    return tuple(
        Known(
            row["name"], row["source"], row["sha256"], *(frozenset(row[key].split()) for key in ("pieces", "sentences"))
        )
        for row in tomllib.loads(text)["template"]
    )


def is_published(text: str) -> bool:
    """Whether a template is, letter for letter, a published one."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return any(known.sha256 == digest for known in known_templates())


@functools.cache
def _sentences() -> frozenset[str]:
    return frozenset().union(*(known.sentences for known in known_templates()))


def is_known_sentence(sentence: str) -> bool:
    """Whether a sentence stands in a published template."""
    return short_digest(sentence) in _sentences()


def nearest(text: str) -> tuple[Known, float, list[Piece]] | None:
    """Return the known template that is most like this one, how alike (0 to 1), and the pieces that it does not have.

    Likeness is the Dice coefficient of the two sets of pieces. None for a template without pieces.
    """
    pieces = pieces_of(text)
    own = {piece.digest for piece in pieces}
    if not own:
        return None
    best = max(known_templates(), key=lambda known: (_dice(own, known.pieces), known.name))
    return best, _dice(own, best.pieces), [piece for piece in pieces if piece.digest not in best.pieces]


def _dice(one: set[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def unknown_text(text: str) -> str:
    """Return a literal text without the sentences that stand in a published template, one line a sentence."""
    parts = [" ".join(part.split()) for part in split_sentences(text)]
    return "\n".join(part for part in parts if part and not is_known_sentence(plain_text(part)))


def sentences_in(texts: Iterable[str]) -> frozenset[str]:
    """Return the digests of all sentences of some texts."""
    return frozenset(short_digest(sentence) for text in texts for sentence in sentences_of(text))
