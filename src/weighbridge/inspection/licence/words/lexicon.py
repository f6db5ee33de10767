"""What the words of a difference are about: numbers, territories, negations, duties; tables in lexicon.toml."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Lexicon", "load_lexicon", "load_vocabulary"]

_ROMAN = re.compile(r"[ivxlc]{1,6}")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_MOST_ENUMERATED = 60


@dataclass(frozen=True)
class Lexicon:
    """Word sets by what they are about; the `_zh` ones are strings to look for in joined ideographs."""

    sets: dict[str, frozenset[str]]

    def has(self, name: str, words: list[str]) -> bool:
        """Whether any of some words is in a set, or its Chinese twin stands in their joined ideographs."""
        if not self.sets[name].isdisjoint(words):
            return True
        twin = self.sets.get(f"{name}_zh")
        if not twin or all(word.isascii() for word in words):
            return False
        joined = "".join(words)
        return any(phrase in joined for phrase in twin)

    def those(self, name: str, words: list[str]) -> list[str]:
        """Return the members of a set among some words, sorted; for Chinese the phrases that stand in them."""
        found = [word for word in words if word in self.sets[name]]
        twin = self.sets.get(f"{name}_zh", frozenset())
        if twin and not all(word.isascii() for word in words):
            joined = "".join(words)
            found += [phrase for phrase in twin for _ in range(joined.count(phrase))]
        return sorted(found)

    def knows(self, word: str) -> bool:
        """Whether a word stands in any table: then it is no slip of another."""
        return any(word in words for words in self.sets.values())

    def numbers(self, words: list[str]) -> list[str]:
        """Return the numbers among some words, in digits or spelt, in order."""
        spelt = self.sets["number_words"]
        return [word for word in words if word in spelt or word in "%$€£¥" or _NUMBER.fullmatch(word)]

    def is_enumerator(self, word: str) -> bool:
        """Whether a word can be the mark of a list item: a letter, a roman or a small whole number."""
        if word.isdigit():
            return int(word) <= _MOST_ENUMERATED if len(word) <= 2 else False  # noqa: PLR2004 - two digits
        if re.fullmatch(r"\d{1,2}\.\d{1,2}", word):
            return True
        return (len(word) == 1 and word.isascii() and word.isalpha()) or bool(_ROMAN.fullmatch(word))


@cache
def load_lexicon() -> Lexicon:
    """Return the tables that ship."""
    table = tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text("utf-8"))
    return Lexicon({name: frozenset(block.split()) for name, block in table.items()})


@cache
def load_vocabulary() -> frozenset[str]:
    """Return the common words of licences: what stands in lower case in several texts of the base."""
    return frozenset(files(__package__).joinpath("vocabulary.txt").read_text("utf-8").split())
