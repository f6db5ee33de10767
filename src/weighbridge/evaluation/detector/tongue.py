"""Which language a text is written in, as far as scorers must know: by script, then by function words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

__all__ = ["language_of"]

_SCRIPTS = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CJK": "zh", "LATIN": "latin", "CYRILLIC": "Cyrillic script",
    "ARABIC": "Arabic script", "DEVANAGARI": "Devanagari script", "THAI": "th", "HEBREW": "he", "GREEK": "el",
}  # fmt: skip
# The commonest function words that English does not have; English is what remains.
_WORDS = {
    "de": "der die das und ist nicht ein eine ich sie mit auf für von zu kann den dem",
    "es": "el la los las y es no que de en un una por con para puedo lo del",
    "fr": "le la les des et est ne pas que de en un une je vous pour dans du ce",
    "it": "il la gli e è non che di un una per con sono posso del della",
    "pt": "o os as e é não que de em um uma por com para posso do da",
    "en": "the of and to is in a you i it that for not are this with as be on or an can",
}
_WORD_SETS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_SAMPLE = 4_000
_FEWEST_WORDS = 6
_FEWEST_HITS = 2  # "How did Kennedy die?" is not German


def language_of(text: str) -> str:
    """Return `en`, `zh` or another tag, the name of a script, or "" for a text without letters.

    Short Latin text counts as English: a word or two does not tell.
    """
    scripts: Counter[str] = Counter()
    for character in text[:_SAMPLE]:
        if character.isalpha():
            name = unicodedata.name(character, "").split(" ")[0].removesuffix("-SCRIPT")
            scripts[_SCRIPTS.get(name, name.title() + " script")] += 1
    if not scripts:
        return ""
    if scripts["ja"] > 0.1 * scripts.total():  # kana stand between the characters
        return "ja"
    if scripts["zh"] > 0.2 * scripts.total():  # one character says about as much as one Latin word
        return "zh"
    script = scripts.most_common(1)[0][0]
    return _latin_language(text[:_SAMPLE]) if script == "latin" else script


def _latin_language(text: str) -> str:
    """Tell languages in Latin script apart by their function words."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(words) < _FEWEST_WORDS:
        return "en"
    hits = {language: sum(word in known for word in words) for language, known in _WORD_SETS.items()}
    best = max(hits, key=lambda language: hits[language])
    return best if hits[best] >= max(_FEWEST_HITS, 1.5 * hits["en"]) else "en"
