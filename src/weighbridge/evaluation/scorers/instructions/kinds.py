"""The 25 kinds of instructions of IFEval: whether an answer follows one. Our own code, after the paper's Table 4."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.scorers.instructions import counts
from weighbridge.evaluation.scorers.instructions.detect import language_of
from weighbridge.evaluation.scorers.structured.json_values import NotJson, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["KINDS", "Lacking"]

_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_POSTSCRIPTS = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}
_MOST_FORBIDDEN = 100_000  # characters of all forbidden words
_MOST_LOOKS = 1_000_000  # characters of the text, for each phrase anew
_MARKS = frozenset(".,?!'\"")


class Lacking(ValueError):
    """An instruction lacks an argument that it needs, or has one of another type."""


def _text(given: Mapping[str, Any], name: str) -> str:
    """Return an argument that is text."""
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Lacking(name)
    return value.strip()


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    """Return an argument that is a list of texts."""
    value = given.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise Lacking(name)
    return value


def _whole(given: Mapping[str, Any], name: str) -> int:
    """Return an argument that is a whole number; JSON may have made 3.0 of it."""
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or value < 0:
        raise Lacking(name)
    return int(value)


def _compare(found: int, given: Mapping[str, Any], limit: str, relation: str = "relation") -> bool:
    """Hold a count against its limit: "less than" or "at least"."""
    how = _text(given, relation)
    if how not in {"less than", "at least"}:
        raise Lacking(relation)
    return found < _whole(given, limit) if how == "less than" else found >= _whole(given, limit)


def _keywords(text: str, given: Mapping[str, Any]) -> bool:
    folded = text.casefold()
    return all(keyword.casefold() in folded for keyword in _texts(given, "keywords"))


def _keyword_frequency(text: str, given: Mapping[str, Any]) -> bool:
    return _compare(text.casefold().count(_text(given, "keyword").casefold()), given, "frequency")


def _forbidden(text: str, given: Mapping[str, Any]) -> bool:
    words = _texts(given, "forbidden_words")
    if sum(map(len, words)) > _MOST_FORBIDDEN:
        raise Lacking("forbidden_words")
    said = set(re.findall(r"\w+", text.lower()))
    phrases = [word for word in words if not re.fullmatch(r"\w+", word)]
    if len(phrases) * len(text) > _MOST_LOOKS:
        raise Lacking("forbidden_words")
    pattern = "|".join(re.escape(phrase) for phrase in phrases)
    return not (
        any(word.lower() in said for word in words)
        or (phrases and re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE))
    )


def _letter_frequency(text: str, given: Mapping[str, Any]) -> bool:
    return _compare(text.lower().count(_text(given, "letter").lower()), given, "let_frequency", "let_relation")


def _is_in(text: str, language: str) -> bool | None:
    """Say whether a text is in a language; None where nobody can tell."""
    found = language_of(text)
    return None if found is None else found == language.partition("-")[0].lower()


def _first_word(text: str, given: Mapping[str, Any]) -> bool:
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n")]
    nth, first = _whole(given, "nth_paragraph"), _text(given, "first_word").lower()
    present = sum(map(bool, paragraphs))
    if not 0 < nth <= present or not paragraphs[nth - 1]:
        return False
    word = paragraphs[nth - 1].split(maxsplit=1)[0].lstrip("'").lstrip('"').lower()
    end = next((at for at, mark in enumerate(word) if mark in _MARKS), len(word))
    return present == _whole(given, "num_paragraphs") and word[:end] == first


def _postscript(text: str, given: Mapping[str, Any]) -> bool:
    marker = _text(given, "postscript_marker")
    return bool(re.search(_POSTSCRIPTS.get(marker, re.escape(marker.lower())), text.lower()))


def _json(text: str, _given: Mapping[str, Any]) -> bool:
    plain = text.strip().removesuffix("```").strip()
    if plain.startswith("```"):
        plain = plain[3:].removeprefix("json").removeprefix("Json").removeprefix("JSON")
    try:
        read_json(plain.strip())
    except NotJson:
        return False
    return True


def _two_responses(text: str, _given: Mapping[str, Any]) -> bool:
    pieces = [piece.strip() for piece in text.split("******")]
    if any(not piece for piece in pieces[1:-1]):
        return False
    answers = [piece for piece in pieces if piece]
    return len(answers) == 2 and answers[0] != answers[1]  # noqa: PLR2004 - two are asked for


def _repeated(text: str, given: Mapping[str, Any]) -> bool:
    return text.strip().lower().startswith(_text(given, "prompt_to_repeat").lower())


def _end(text: str, given: Mapping[str, Any]) -> bool:
    return text.strip().strip('"').lower().endswith(_text(given, "end_phrase").lower())


def _capital(text: str, _given: Mapping[str, Any]) -> bool | None:
    return text.isupper() and _is_in(text.lower(), "en")


def _lowercase(text: str, _given: Mapping[str, Any]) -> bool | None:
    return text.islower() and _is_in(text, "en")


def _quoted(text: str, _given: Mapping[str, Any]) -> bool:
    plain = text.strip()
    return len(plain) > 1 and plain[0] == plain[-1] == '"'


KINDS: dict[str, Callable[[str, Mapping[str, Any]], bool | None]] = {
    "keywords:existence": _keywords,
    "keywords:frequency": _keyword_frequency,
    "keywords:forbidden_words": _forbidden,
    "keywords:letter_frequency": _letter_frequency,
    "language:response_language": lambda text, given: _is_in(text, _text(given, "language")),
    "length_constraints:number_sentences": lambda text, given: _compare(counts.sentences(text), given, "num_sentences"),
    "length_constraints:number_paragraphs": lambda text, given: (
        counts.paragraphs_between_stars(text) == _whole(given, "num_paragraphs")
    ),
    "length_constraints:number_words": lambda text, given: _compare(counts.words(text), given, "num_words"),
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": lambda text, given: (
        counts.placeholders(text) >= _whole(given, "num_placeholders")
    ),
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": lambda text, given: counts.bullets(text) == _whole(given, "num_bullets"),
    "detectable_format:constrained_response": lambda text, _given: any(option in text for option in _OPTIONS),
    "detectable_format:number_highlighted_sections": lambda text, given: (
        counts.highlights(text) >= _whole(given, "num_highlights")
    ),
    "detectable_format:multiple_sections": lambda text, given: (
        counts.sections(text, _text(given, "section_spliter")) >= _whole(given, "num_sections")
    ),
    "detectable_format:json_format": _json,
    "detectable_format:title": lambda text, _given: counts.titles(text) > 0,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeated,
    "startend:end_checker": _end,
    "startend:quotation": _quoted,
    "change_case:capital_word_frequency": lambda text, given: _compare(
        counts.capital_words(text), given, "capital_frequency", "capital_relation"
    ),
    "change_case:english_capital": _capital,
    "change_case:english_lowercase": _lowercase,
    "punctuation:no_comma": lambda text, _given: "," not in text,
}
"""Kind to check; None where nobody can tell, raises Lacking. `section_spliter` is how the data set spells it."""
