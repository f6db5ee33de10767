"""Tell which literal text of a template is an instruction to the model, and which of its words no vendor would write.

A template may well instruct: "You may call one or more functions" stands in half of them. What no published template
of 150 does: hide from the user, steer to an address or a product, overrule what came before, or fetch and run.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from importlib import resources

__all__ = ["covert_words", "is_language", "is_spoken", "plain_text", "sentences_of", "split_sentences"]

_MARKUP = re.compile("<[|\uff5c]?[^<>\n]{0,60}[|\uff5c]?>|" + r"\[/?[A-Z_]{2,30}\]|[{}\[\]\"`*_#|\\]+")
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+|" + "(?<=[\u3002\uff01\uff1f\uff1b])")  # full stops of Chinese too
_WORD = re.compile("[^\\W\\d_]+(?:['\u2019][^\\W\\d_]+)?")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FEWEST_WORDS, _FEWEST_CJK = 4, 6

_LONGEST = 20_000
_CODED = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")


def _is_mixed(word: str) -> bool:
    """Whether a long word is of capitals, small letters and digits or signs, as base64 is."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return sum(any(kind(letter) for letter in word) for kind in kinds) == len(kinds) or word.endswith("=")


def is_language(text: str) -> bool:
    """Whether a text says something: at least four words, or six Chinese, Japanese or Korean characters."""
    plain = _MARKUP.sub(" ", text)
    return len(_CJK.findall(plain)) >= _FEWEST_CJK or len(_WORD.findall(plain)) >= _FEWEST_WORDS


def is_spoken(text: str) -> bool:
    """Whether a text holds at least two words outside mark-up, or two characters of Chinese, Japanese or Korean."""
    plain = _MARKUP.sub(" ", text)
    return len(_CJK.findall(plain)) > 1 or sum(len(word) > 1 for word in _WORD.findall(plain)) > 1


def split_sentences(text: str) -> list[str]:
    """Return the sentences and lines of a text as they stand."""
    return [part for part in _SENTENCE.split(text) if part]


def plain_text(text: str) -> str:
    """Return a text without mark-up, with single blanks."""
    return " ".join(_MARKUP.sub(" ", text).split())


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text that say something, without mark-up and with single blanks."""
    return [plain for part in split_sentences(text) if (plain := plain_text(part)) and is_language(plain)]


@functools.cache
def _covert_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the table of `covert.toml`: what the words are, and the pattern that finds them."""
    text = resources.files("weighbridge.inspection.templates").joinpath("covert.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["covert"]
    return tuple((row["what"], re.compile(_unwrapped(row["pattern"]), re.IGNORECASE)) for row in rows)


def _unwrapped(pattern: str) -> str:
    return "".join(line.lstrip() for line in pattern.split("\n"))


def covert_words(text: str) -> list[tuple[str, str]]:
    """Return what in a text no vendor would write into a template: what it is, and the words themselves."""
    # look-alike widths are made plain first: a model reads them all the same
    plain = " ".join(unicodedata.normalize("NFKC", text[:_LONGEST]).split())
    coded = [("a coded text", hit[0]) for hit in _CODED.finditer(plain) if _is_mixed(hit[0])]
    return coded[:1] + [(what, hit[0]) for what, pattern in _covert_patterns() if (hit := pattern.search(plain))]
