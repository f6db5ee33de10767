"""The texts whose next tokens are compared, and the positions in them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Passage", "Position", "own_passages", "positions_of", "shipped_passages", "texts_digest"]

_POSITIONS = 13  # of one passage; 16 passages ship, which makes 208
_FIRST = 0.15  # of the passage is context before the first position
_PIECE, _LEAST, _FEWEST, _MOST = 600, 200, 5, 40  # characters of a piece of an own text; pieces
_MAX_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Passage:
    """One text; its positions err together, so it is the cluster of every interval."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a passage: what stands before it is the prompt, `follows` is what the text goes on with."""

    id: str
    passage: str
    prompt: str
    follows: str


def shipped_passages() -> tuple[Passage, ...]:
    """Return the texts that ship: prose in eight languages, code, numbers; written for Weighbridge, CC0."""
    rows = tomllib.loads(files(__package__).joinpath("passages.toml").read_text("utf-8"))["passage"]
    return tuple(Passage(row["id"], row["text"].strip()) for row in rows)


def own_passages(place: Path) -> tuple[Passage, ...]:
    """Cut a text file into passages of 600 characters, at most 40, spread evenly.

    Raises UsageError where it is no UTF-8 text, too large, or too short for an interval.
    """
    try:
        with place.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"`{place}` cannot be read as UTF-8 text", hint="give a plain text file") from error
    if len(data) > _MAX_BYTES:
        raise UsageError(
            f"`{place}` has more than {_MAX_BYTES >> 20} MiB", hint="give a part of it: 24,000 characters are used"
        )
    pieces = [text[start : start + _PIECE].strip() for start in range(0, len(text), _PIECE)]
    pieces = [piece for piece in pieces if len(piece) >= _LEAST]
    if len(pieces) < _FEWEST:
        raise UsageError(
            f"`{place}` is too short: {len(pieces)} passages of {_PIECE} characters",
            hint=f"give at least {_FEWEST * _PIECE:,} characters, or use the texts that ship",
        )
    taken = pieces if len(pieces) <= _MOST else [pieces[index * len(pieces) // _MOST] for index in range(_MOST)]
    return tuple(Passage(f"{number:02}", piece) for number, piece in enumerate(taken, 1))


def positions_of(passages: Sequence[Passage]) -> tuple[Position, ...]:
    """Return 13 positions of each passage (fewer where it is short), spread evenly, each longer than the one before.

    A text with blanks is cut before a blank, so that no word is cut in two; one without at any character.
    """
    found = []
    for passage in passages:
        text = passage.text
        inside = range(max(1, int(_FIRST * len(text))), len(text))
        places = [index for index in inside if text[index].isspace() and not text[index - 1].isspace()]
        if len(places) < _POSITIONS:
            places = [index for index in inside if not text[index - 1].isspace()]
        n = min(_POSITIONS, len(places))
        for number in range(n):
            at = places[number * len(places) // n]
            found.append(Position(f"{passage.id}:{number + 1:02}", passage.id, text[:at], text[at:]))
    return tuple(found)


def texts_digest(positions: Sequence[Position]) -> str:
    """Return the digest of the positions and of what follows them."""
    return digest_of([[one.id, one.prompt, one.follows] for one in positions])
