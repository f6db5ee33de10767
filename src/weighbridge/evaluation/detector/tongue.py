"""Which language and script a text is written in: by script first, then by function words and letters.

Code, addresses and quotations say nothing about the writer's language and are left out while enough else remains.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Tongue", "language_of", "read_tongue", "script_of", "simplified"]

_SAMPLE = 4_000
_FEWEST_LETTERS = 40  # left beside code and quotations; else these are read too
_ASIDE = re.compile(
    r"```[^`]{0,4000}(?:```|$)|`[^`\n]{1,300}`|https?://\S{1,300}|<[a-zA-Z/!][^<>]{0,300}>"
    r"|„[^„“”\n]{1,300}[“”]|“[^„“”\n]{1,300}”|「[^」\n]{1,300}」|『[^』\n]{1,300}』|«[^»\n]{1,300}»|\"[^\"\n]{1,300}\"|(?:\b[A-Z]\.){2,8}"
)
_SCRIPTS = {
    "latin": re.compile(r"[A-Za-zªº\u00c0-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]+"),
    "zh": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"),
    "ja": re.compile(r"[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]+"),
    "ko": re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]+"),
    "cyrillic": re.compile(r"[\u0400-\u052f]+"),
    "arabic": re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f]+"),
    "devanagari": re.compile(r"[\u0900-\u0963\u0970-\u097f]+"),
    "th": re.compile(r"[\u0e01-\u0e3a\u0e40-\u0e4e]+"),
    "he": re.compile(r"[\u05d0-\u05ea]+"),
    "el": re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]+"),
    "bn": re.compile(r"[\u0980-\u09ff]+"),
    "pa": re.compile(r"[\u0a00-\u0a7f]+"),
    "gu": re.compile(r"[\u0a80-\u0aff]+"),
    "ta": re.compile(r"[\u0b80-\u0bff]+"),
    "te": re.compile(r"[\u0c00-\u0c7f]+"),
    "kn": re.compile(r"[\u0c80-\u0cff]+"),
    "ml": re.compile(r"[\u0d00-\u0d7f]+"),
    "km": re.compile(r"[\u1780-\u17ff]+"),
    "my": re.compile(r"[\u1000-\u109f]+"),
    "ka": re.compile(r"[\u10a0-\u10ff]+"),
    "hy": re.compile(r"[\u0531-\u058f]+"),
    "am": re.compile(r"[\u1200-\u137f]+"),
}
_BEYOND_ASCII, _BEYOND_LATIN = re.compile(r"[^\x00-\x7f]+"), re.compile(r"[^\x00-\u024f]+")
_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0962\u0963])+")  # with marks on letters
_DENSITY = {"zh": 3.0, "ja": 2.5, "ko": 2.0}  # one character says about as much as so many Latin letters
_KANA = 0.1  # of the Japanese letters: kana stand between the characters
_FEWEST_HITS = 1.0
_LEAD = 1.15  # the best language over the second
_FEW_WORDS = 8
_BORROWED = 1.3  # the same in a short text over the script's commonest language: names and terms of art are borrowed
_LEAST_SHARE = 0.1  # of the words that speak for a language, to be sure of it
_SURE_WORDS = 4
_SURE_LETTERS = 8
_SIGN = 3  # marks of one script of Chinese that outweigh one of the other: titles and names are quoted


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language (`en`, `zh`, ... or `latin`-like name of a script), the script of Chinese, and whether that is sure.

    `share` is the part of the text, in [0, 1], that is written in the language's script.
    """

    language: str
    script: str = ""
    sure: bool = False
    share: float = 1.0

    @property
    def tag(self) -> str:
        """Return the tag of BCP 47: `de`, `zh-Hant`."""
        return f"{self.language}-{self.script}" if self.script else self.language


def language_of(text: str) -> str:
    """Return `en`, `zh` or another tag, or "" for a text without letters of a known script.

    Short Latin text counts as English: a word or two does not tell.
    """
    return read_tongue(text).language


def read_tongue(text: str) -> Tongue:
    """Tell language and script by the first 4,000 characters, code and quotations apart where enough else is left."""
    whole = text[:_SAMPLE]
    own = _ASIDE.sub(" ", whole)
    tongue = _read(own)
    if tongue.sure or own == whole or _letters(own) >= _FEWEST_LETTERS:
        return tongue
    return replace(_read(whole), sure=False)  # code or somebody's words, for the most part


def script_of(text: str) -> str:
    """Return `Hans` or `Hant` by characters that one script only has; "" where there are none, or both mix."""
    simplified, traditional = _script_signs()
    sample = text[:_SAMPLE]
    here = len(simplified.findall(sample))
    there = len(traditional.findall(sample))
    if here > _SIGN * there:
        return "Hans"
    return "Hant" if there > _SIGN * here else ""


def simplified(text: str) -> str:
    """Write the commonest traditional characters as the simplified ones that stand for them."""
    return text if text.isascii() else text.translate(_fold())


@cache
def _fold() -> dict[int, int]:
    """Read the pairs of both scripts; as one table."""
    data = _data("scripts.toml")
    traditional = "".join(data["traditional"].split()) + data["variants"]
    return str.maketrans(traditional, "".join(data["simplified"].split()) + data["variants_simplified"])


def _letters(text: str) -> int:
    """Count letters."""
    return sum(map(len, _WORD.findall(text)))


def _read(text: str) -> Tongue:
    """Tell the language of a text by its main script."""
    sizes = _sizes(text)
    weights = {name: size * _DENSITY.get(name, 1.0) for name, size in sizes.items() if size}
    if not weights:
        return Tongue("")
    total = sum(weights.values())
    if sizes["ja"] > _KANA * (sizes["ja"] + sizes["zh"]):
        weights["ja"] += weights.pop("zh", 0.0)
    script = max(weights, key=lambda name: weights[name])
    share = weights[script] / total
    if script == "zh":
        return Tongue("zh", script_of(text), sure=sizes["zh"] >= _SURE_WORDS, share=share)
    if script in _tables():
        language, sure = _by_words(text, script)
        return Tongue(language, sure=sure, share=share)
    return Tongue(script, sure=sizes[script] >= _SURE_LETTERS, share=share)


def _sizes(text: str) -> dict[str, int]:
    """Count the letters of each script; those that Latin text cannot hold are looked for in what is left without it."""
    sizes = dict.fromkeys(_SCRIPTS, 0)
    sizes["latin"] = sum(map(len, _SCRIPTS["latin"].findall(text)))
    if left := "" if text.isascii() else "".join(_BEYOND_LATIN.findall(text)):
        sizes |= {name: sum(map(len, _SCRIPTS[name].findall(left))) for name in _SCRIPTS if name != "latin"}
    return sizes


def _by_words(text: str, script: str) -> tuple[str, bool]:
    """Tell languages of one script apart; the second value says whether the signs leave no doubt."""
    words, letters, default = _tables()[script]
    marked = "".join(_BEYOND_ASCII.findall(text.lower()))  # no letter that tells languages apart is in ASCII
    # initials say nothing: `W. Z. O.` is no Polish
    found = [word.lower() for word in _WORD.findall(text) if len(word) > 1 or not word.isupper()]
    scores = dict.fromkeys(letters, 0.0)
    for word in found:
        for language, weight in words.get(word, ()):
            scores[language] += weight
    for language, pattern in letters.items():
        if pattern is not None and marked:
            scores[language] += min(len(pattern.findall(marked)), len(found)) * 0.5
    best, second = sorted(scores, key=lambda language: scores[language], reverse=True)[:2]
    few = len(found) < _FEW_WORDS
    if best != default and scores[best] < max(_FEWEST_HITS, (_BORROWED if few else _LEAD) * scores[default]):
        return default, False
    enough = len(found) >= _SURE_WORDS and scores[best] >= max(_FEWEST_HITS, _LEAST_SHARE * len(found))
    return best, enough and scores[best] >= _LEAD * scores[second]


_Weights = dict[str, tuple[tuple[str, float], ...]]
_DEFAULT = {"latin": "en", "cyrillic": "ru", "arabic": "ar", "devanagari": "hi"}


@cache
def _tables() -> dict[str, tuple[_Weights, dict[str, re.Pattern[str] | None], str]]:
    """Read function words and letters per script; a word weighs one, shared among the languages that have it."""
    data = _data("tongues.toml")
    tables = {}
    for script, default in _DEFAULT.items():
        owners: dict[str, list[str]] = {}
        for language, listed in data[script]["words"].items():
            for word in set(listed.split()):
                owners.setdefault(word, []).append(language)
        words = {word: tuple((language, len(known) ** -0.5) for language in known) for word, known in owners.items()}
        marks = data[script].get("letters", {})
        letters = {
            language: re.compile(f"[{marks[language]}]") if marks.get(language) else None
            for language in data[script]["words"]
        }
        tables[script] = (words, letters, default)
    return tables


@cache
def _script_signs() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Read the characters of simplified and of traditional Chinese."""
    data = _data("scripts.toml")
    simplified = "".join(data["simplified"].split())
    traditional = "".join(data["traditional"].split()) + data["variants"]
    return re.compile(f"[{simplified}]"), re.compile(f"[{traditional}]")


def _data(name: str) -> dict[str, Any]:
    """Read one of this package's tables."""
    return tomllib.loads(files(__package__).joinpath(f"tables/{name}").read_text(encoding="utf-8"))
