"""One side of a difference: its words, where they stand, and what they look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.words.lexicon import load_lexicon, load_vocabulary

if TYPE_CHECKING:
    from weighbridge.inspection.licence.words.tokens import Words

__all__ = ["Side"]

_COPYRIGHT = re.compile(
    r"(?:portions\s+)?copyright\s*(?:\(c\)|©|&copy;|:|by\b|\d{4}|[<\[{])|\(c\)\s*(?:copyright|\d{4}|[<\[{])|©|版\s*权\s*所\s*有"
    r"|copyrights?\s+(?!holder|owner|notice|law|licen|statement|act\b|in\b)(?-i:[A-Z])|all\s+rights\s+reserved",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[a-z)]\.\s(?!all rights|copyright|\(c\))|\n\s*\n", re.IGNORECASE)
_CONTEXT = 40  # words: a notice may list every year
_HOLDER = 12  # words of a name
_LOOK_ON = 40  # characters: the sign or year after the word
_LAW = frozenset(
    {"laws", "law", "courts", "court", "territory", "jurisdiction", "located", "state", "province", "venue"}
)
_RESERVED = frozenset({"all", "rights", "right", "reserved"})
_IN_NAMES = frozenset({"services", "service", "research", "no", "academic"})
_LINKS = frozenset({"and", "of", "the", "or", "by", "from", "at", "for", "/", "s", "et", "al"})


def _near(side: Side, notice: int) -> bool:
    """Whether few words but years stand between a notice of copyright and these words."""
    between = [at for at in range(max(0, side.first - _CONTEXT), side.first) if side.words.spans[at][0] >= notice]
    return sum(1 for at in between if not side.words.tokens[at].isdigit()) <= _HOLDER


@dataclass(frozen=True)
class Side:
    """Words `first` to `last` (not included) of a text."""

    words: Words
    first: int
    last: int

    @cached_property
    def tokens(self) -> list[str]:
        """The words of this side."""
        return self.words.tokens[self.first : self.last]

    def around(self, size: int) -> list[str]:
        """Return the words just before and after."""
        tokens = self.words.tokens
        return tokens[max(0, self.first - size) : self.first] + tokens[self.last : self.last + size]

    def before(self, size: int) -> list[str]:
        """Return the words just before."""
        return self.words.tokens[max(0, self.first - size) : self.first]

    @property
    def binds(self) -> bool:
        """Whether any word may bind a reader."""
        return load_lexicon().has("binding", [word for word in self.tokens if word not in _RESERVED])

    @property
    def in_copyright(self) -> bool:
        """Whether all words belong to a copyright notice, and no sentence ended since it began."""
        if not self.tokens or not self.words.spans:
            return False
        start = self.words.spans[max(0, self.first - _CONTEXT)][0]
        here = self.words.spans[self.first][0]
        end = self.words.spans[self.last - 1][1]
        notices = list(_COPYRIGHT.finditer(self.words.text[start : end + _LOOK_ON]))
        before = [found for found in notices if start + found.start() <= here + 1]
        if not before or _SENTENCE_END.search(self.words.text[start + before[-1].end() : here]):
            return False
        return _near(self, start + before[-1].start())

    @property
    def obliges(self) -> bool:
        """Whether any word may bind a reader that is not usual in a holder's name or notice."""
        words = [word for word in self.tokens if word not in _RESERVED and word not in _IN_NAMES]
        return load_lexicon().has("duties", words) or load_lexicon().has("binding", words)

    @property
    def is_named(self) -> bool:
        """Whether every word is a name, or links names, and no place where a law or market is meant."""
        if not self.tokens:
            return True
        lexicon = load_lexicon()
        if not any(self._is_name(at) for at in range(self.first, self.last)):
            return False
        if lexicon.has("territories", self.tokens) and not lexicon.has("organisations", self.tokens):
            return False
        if lexicon.has("territories", self.tokens) and not _LAW.isdisjoint(self.around(5)):
            return False
        return all(self._is_name(at) or self.words.tokens[at] in _LINKS for at in range(self.first, self.last))

    def _is_name(self, at: int) -> bool:
        word, raw = self.words.tokens[at], self.words.raw(at)
        lexicon = load_lexicon()
        if "@" in word or (("/" in word or "." in word) and not word[0].isdigit()):
            return True
        if word in lexicon.sets["roles"] or word in lexicon.sets["binding"]:
            return False
        if any(letter.isdigit() for letter in word):
            return not word[0].isdigit() or any(letter.isalpha() for letter in word) or self._is_version(at)
        if word in lexicon.sets["organisations"] or word in lexicon.sets["territories"]:
            return True
        return raw[0].isupper() and word not in load_vocabulary()

    def _is_version(self, at: int) -> bool:
        """Whether a number is the version in a product's name: after a name, before no unit."""
        lexicon = load_lexicon()
        tokens = self.words.tokens
        if at + 1 < len(tokens) and tokens[at + 1] in lexicon.sets["units"]:
            return False
        return at > 0 and not tokens[at - 1].isdigit() and self._stands_as_name(at - 1)

    def _stands_as_name(self, at: int) -> bool:
        raw, word = self.words.raw(at), self.words.tokens[at]
        return raw[0].isupper() and word not in load_vocabulary() and word not in load_lexicon().sets["roles"]
