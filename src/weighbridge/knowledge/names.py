"""Say which family a repository's name names."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING

from weighbridge.knowledge.words import expression_of, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.knowledge.tables import Family

__all__ = ["FamilyNames"]

# what follows the name of the base in the name of a derivative: a version, and its size (`Qwen3.5-9B`, `Llama-3-8B`)
_SIZED = re.compile(
    r"[-v.]{0,2}(?:\d{1,2}(?:\.\d{1,2}){0,2}-)?(?:[a-z]{1,5}-)?(?:\d{1,2}x|e)?\d{1,4}(?:\.\d{1,3})?[bm](?![a-z])"
)
_Place = tuple[int, int, int]


class FamilyNames:
    """The families, ready to be found in names."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = tuple(families)
        self._found = [re.compile(expression_of(family.pattern)) for family in self._families]
        self._not = [
            re.compile(expression_of(family.not_pattern)) if family.not_pattern else None for family in self._families
        ]
        # most names hold no word of most families, and a search for a fixed text is the fastest way to know
        self._cores = [
            (word.strip("^$#"), number)
            for number, family in enumerate(self._families)
            for word in family.pattern.split()
        ]

    def find(self, repository: str) -> Family | None:
        """Return the family that a name names, or None where none or several do.

        A word inside a longer one of another family does not count (`exaone` in `k-exaone`, `kimi` in `kimi-dev`). Of
        several families, the first is the base where it alone has a size behind it (Qwen3.5-9B-GLM5.1-Distill); else
        one that also stands on other makers' weights (`is_brand`) is not (DeepSeek-R1-Distill-Qwen-7B); and of several
        that are left, it is the only one with a size (GLM-5.1-Distill-Llama-8B).
        """
        name = plain_name(repository)
        places = self._places(name)
        if len(places) > 1:
            places = [one for one in places if not any(_is_inside(one, other) for other in places)]
        left = {number for number, _, _ in places}
        if len(left) > 1:
            sized = {number for number, _, end in places if _SIZED.match(name, end)}
            first, _, _ = min(places, key=itemgetter(1))
            left = {first} if sized == {first} else self._no_brands(left)
            left = left & sized if len(left) > 1 else left
        return self._families[left.pop()] if len(left) == 1 else None

    def _no_brands(self, numbers: set[int]) -> set[int]:
        """Return the families that stand on no others, or all where none does."""
        return {number for number in numbers if not self._families[number].is_brand} or numbers

    def _places(self, name: str) -> list[_Place]:
        """Return each family that stands in a name, and where: its number, start and end."""
        named = {number for core, number in self._cores if core in name}
        places = []
        for number in named:
            unwanted = self._not[number]
            if unwanted is None or not unwanted.search(name):
                places += [(number, *match.span()) for match in self._found[number].finditer(name)]
        return places


def _is_inside(one: _Place, other: _Place) -> bool:
    """Whether one place lies in a longer one."""
    return other[1] <= one[1] and one[2] <= other[2] and other[1:] != one[1:]
