"""Find models' names in a text: known ones, short forms of known ones, and strangers whose figures are not theirs.

One pass over the words; a name is looked up by growing it word by word, so that reading is linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.inspection.claims.reading.grammar import grammar

if TYPE_CHECKING:
    from weighbridge.inspection.claims.names import Names

__all__ = ["Mention", "find_mentions"]

_WORD = re.compile(r"[A-Za-z0-9]+(?:[.][A-Za-z0-9]+)*")
_LINK = re.compile(r"[-_\u2010\u2011\u2013 \u00a0\n/]")
_MOST_WORDS = 9
_HYPHENS = ("-", "_", "\u2010", "\u2011")
_SIZE = re.compile(r"\d+(?:\.\d+)?[bm]$|\d+x\d+(?:\.\d+)?b$|a\d+(?:\.\d+)?b$|\d+e$")
_VERSION = re.compile(r"[vk]?\d+(?:\.\d+)*[a-z]?$|\d{4}$|" + _SIZE.pattern)
_LOOSE = re.compile(r"based|style|class|powered|like|trained|derived|compatible|era|level|only|family|series|models?$")
_TUNED = {
    "instruct",
    "base",
    "chat",
    "it",
    "pt",
    "hf",
    "bf16",
    "fp8",
    "awq",
    "gguf",
    "series",
    "family",
    "model",
    "models",
}
_COUNTED = re.compile(r"\s?(?:B|T|billion)?[\s-](?:total\s|active\s|activated\s)?(?:parameter|param|token|language)")
_OBJECT = grammar("object")
_KIN = grammar("kin")
_CLAUSE = grammar("clause")
_PART = grammar("part")


@dataclass(frozen=True, slots=True)
class Mention:
    """A model's name in a sentence; `model` is None for a stranger, `is_object` where the sentence compares with it."""

    model: str | None
    start: int
    end: int
    is_object: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


def find_mentions(sentence: str, names: Names, seen: set[str]) -> list[Mention]:
    """Return the names in a sentence in order; `seen` collects the brands that the text has named so far."""
    words = [_Word(found[0], found.start(), found.end()) for found in _WORD.finditer(sentence)]
    mentions: list[Mention] = []
    index = 0
    while index < len(words):
        found = _known(sentence, words, index, names, seen) or _stranger(sentence, words, index, names)
        lower = words[index].text.lower()
        seen.update(brand for brand in (names.brand_of(lower),) if brand)
        if found is None:
            index += 1
            continue
        mention, index = found
        if (
            mentions
            and not mention.is_object
            and not _CLAUSE.search(sentence[max(0, mention.start - 60) : mention.start])
        ):
            mention = replace(mention, is_object=True)
        mentions.append(mention)
    return mentions


def _known(sentence: str, words: list[_Word], index: int, names: Names, seen: set[str]) -> tuple[Mention, int] | None:
    """Return the longest known name that starts at a word, and the word after it."""
    key, best = "", None
    for last in range(index, min(len(words), index + _MOST_WORDS)):
        if last > index and not _LINK.fullmatch(sentence[words[last - 1].end : words[last].start]):
            break
        key += words[last].text.lower()
        if key not in names.prefixes:
            break
        if (model := names.find_plain(key, seen, words[index].text)) is not None:
            best = model, last
    if best is None:
        return None
    model, last = best
    after = _goes_on(sentence, words, last, names)
    if after > last:
        return Mention(None, words[index].start, words[after].end), after + 1
    return _mention(sentence, model, words[index].start, words[last].end), last + 1


def _goes_on(sentence: str, words: list[_Word], last: int, names: Names) -> int:
    """Return the last word of a longer name that is not known (`DeepSeek-V3-Turbo`, `Qwen3 Max`), else `last`."""
    end = last
    is_tuned_only = True
    if last + 1 < len(words) and sentence[words[last].end : words[last + 1].start] == ":":
        return last + 1  # a tag: `deepseek-r1:7b` is a distilled model
    while end + 1 < len(words) and sentence[words[end].end : words[end + 1].start] in _HYPHENS:
        lower = words[end + 1].text.lower()
        if lower.startswith("param"):
            break
        if _LOOSE.match(lower):
            return end + 1
        is_tuned_only = is_tuned_only and lower in _TUNED
        end += 1
    if not is_tuned_only:
        return end
    is_longer = False
    while end + 1 < len(words) and sentence[words[end].end : words[end + 1].start] == " ":
        following = words[end + 1]
        lower = following.text.lower()
        is_variant = lower in names.variants and following.text[0].isupper()
        if not is_variant and not (_SIZE.fullmatch(lower) and not _COUNTED.match(sentence, following.end)):
            break
        end, is_longer = end + 1, True
    return end if is_longer else last


def _stranger(sentence: str, words: list[_Word], index: int, names: Names) -> tuple[Mention, int] | None:
    """Return a name that begins like a model's and is not known, with the version behind it."""
    word = words[index]
    stem = re.match(r"[A-Za-z]+", word.text)
    brand = word.text.lower()
    if brand not in names.brands and not (stem and stem[0].lower() in names.brands and stem[0] != word.text):
        return None
    last = index
    while last + 1 < len(words) and last - index < _MOST_WORDS:
        gap = sentence[words[last].end : words[last + 1].start]
        lower = words[last + 1].text.lower()
        if gap == "-" or (gap == " " and (_VERSION.fullmatch(lower) or lower in names.variants | names.brands)):
            if gap == " " and _COUNTED.match(sentence, words[last + 1].end):
                break
            last += 1
            continue
        break
    is_bare = last == index and brand in names.brands
    if not word.text[0].isupper() and is_bare:
        return None
    if is_bare and brand in names.quiet:
        return None
    is_object = _OBJECT.search(sentence[max(0, word.start - 60) : word.start]) is not None
    return Mention(None, word.start, words[last].end, is_object), last + 1


def _mention(sentence: str, model: str, start: int, end: int) -> Mention:
    """Return a known name with its part in the sentence."""
    ahead = sentence[max(0, start - 60) : start]
    if _PART.match(sentence, end) or _KIN.search(ahead):
        return Mention(None, start, end)
    return Mention(model, start, end, is_object=_OBJECT.search(ahead) is not None)
