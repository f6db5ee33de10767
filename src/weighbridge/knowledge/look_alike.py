"""Names that could be taken for a listed publisher's: `Deepseek_ai`, `0penai`, `mistraI`, `Qwen-official`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LookAlikes"]

_LONGEST = 96
_SHORTEST_SPELT = 4  # `sail` is like `sai1`; of names of three letters too many are near
_SHORTEST_BARE = 4  # what is left of a name without added words
_SHORTEST_BEFORE = 6  # and without a short word that is written together with it: `moonshotai`
_SHORTEST_TYPED = 6  # a slip of one letter in a shorter name is another name: `Intel`, `Inter`
_SHORTEST_BARE_TYPED = 8  # and of one without its added words: `Xenova`, `genovalabs`
_PARTS = re.compile(r"[-_.\s]+|(?<=[a-z0-9])(?=[A-Z])")


class LookAlikes:
    """The listed names, by how they look; a listed name is never like another."""

    def __init__(self, names: Iterable[str]) -> None:
        self._listed = frozenset(names)
        self._spelt: dict[str, str] = {}
        self._bare: dict[str, str] = {}
        self._typed: dict[str, list[tuple[str, str]]] = {}
        for name in sorted(self._listed, key=lambda name: (len(name), name)):  # the shorter name is the better known
            look = _look(name)
            self._spelt.setdefault(look, name)
            self._bare.setdefault(_bare(name), name)
            for typed, shortest in ((look, _SHORTEST_TYPED), (_bare(name), _SHORTEST_BARE_TYPED)):
                for cut in {typed, *_cuts(typed)} if len(typed) >= shortest else ():
                    self._typed.setdefault(cut, []).append((typed, name))

    def find(self, name: str) -> str | None:
        """Return the listed name that this unlisted one could be taken for, or None.

        In this order: equal but for capitals, `-`, `_`, `.`, and letters that look alike; equal but for words that
        are added to names; one letter more, less, other or two exchanged, in a name of six letters or more.
        """
        name = name.strip()[:_LONGEST]
        if not name or name in self._listed:
            return None
        look = _look(name)
        if (same := self._spelt.get(look)) and (len(look) >= _SHORTEST_SPELT or same.casefold() == name.casefold()):
            return same
        bare = _bare(name)
        if len(bare) >= _SHORTEST_BARE and (same := self._bare.get(bare)):
            return same
        return self._slip(look) or (self._slip(bare) if len(bare) >= _SHORTEST_BARE_TYPED else None)

    def _slip(self, look: str) -> str | None:
        """Return the listed name one slip away: both, less a letter each, must meet (deletion neighbourhood)."""
        near = {pair for cut in (look, *_cuts(look)) for pair in self._typed.get(cut, ())}
        return min((name for typed, name in near if _is_one_slip(look, typed)), default=None)


@cache
def _table() -> tuple[dict[int, str], frozenset[str], tuple[str, ...]]:
    table = tomllib.loads(files(__package__).joinpath("data", "look_alike.toml").read_text(encoding="utf-8"))
    return str.maketrans(table["letters"]), frozenset(table["words"]), tuple(table["joined"])


def _look(name: str) -> str:
    """Return how a name looks: lower case, no marks, letters that look alike as one."""
    text = unicodedata.normalize("NFKD", name).replace("I", "l").lower()  # a capital I is drawn as a small l
    text = "".join(sign for sign in text if not unicodedata.combining(sign) and sign not in "-_. ")
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")  # marks of no width
    return text.translate(_table()[0])


def _bare(name: str) -> str:
    """Return how a name looks without the words that are added to names."""
    letters, words, joined = _table()
    parts = [part for part in _PARTS.split(name) if part]
    kept = [part for part in parts if part.lower() not in words] or parts
    look = _look("".join(kept))
    for word in joined:
        end = word.translate(letters)
        least = _SHORTEST_BEFORE if len(word) < _SHORTEST_BARE else _SHORTEST_BARE
        if look.endswith(end) and len(look) - len(word) >= least:
            return look.removesuffix(end)
    return look


def _cuts(text: str) -> Iterator[str]:
    """Yield the text without each of its letters."""
    return (text[:place] + text[place + 1 :] for place in range(len(text)))


def _is_one_slip(one: str, other: str) -> bool:
    """Whether one letter was added, left out or changed, or two neighbours exchanged (Damerau, 1964)."""
    if one == other:
        return True
    start = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
