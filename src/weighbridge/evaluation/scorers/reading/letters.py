r"""Letters: which choice an answer in words names, by rules that rather see none than a wrong one.

An answer may open with its letter, announce it ("the answer is (C)", in the languages of `final.toml`), box it
(`\boxed{C}`), end with it on a line of its own, or say a choice word for word. Of several announcements the last
counts, as a model may correct itself; a box, an opening or a last line that says otherwise leaves it open. An opening
letter that the words behind it deny ("A) is wrong") names nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from weighbridge.evaluation.scorers.reading.final import announced, boxed, cut_at_next_question, fold, words_for
from weighbridge.evaluation.suite import LETTERS, Unscored

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["named_letter", "opening_letter"]

_NOT_NAMED = "no choice named"
_TWO = "two different letters named"
_MAX_CHARACTERS = 20_000
_LAST_LINE = 300
_OPENING = re.compile(
    r"[\s*\"'(\[\u300c]{0,6}([A-J])(?=[\n*\"')\]\u300d.:\u3001,\u3002;!?]|$)(?![,\u3001]\s?\(?[A-J](?![A-Za-z]))"
)
_ALONE = re.compile(r"[\s*\"'(\[\u300c#_$>-]{0,8}([A-Ja-j])[\s*\"')\]\u300d.\u3002_$]{0,8}$")
_BOX = re.compile(r"[({\[\s]{0,3}([A-Ja-j])[)}\].:\s]{0,3}$")
_BOX_WITH_TEXT = re.compile(r"[({\[\s]{0,3}([A-J])[)}\].:]\s?\S")
# Looked for where nothing else names a letter: "C is correct", "I choose C".
_CALLED_RIGHT = re.compile(
    r"(?P<more>(?:\b(?:nor|or|and|not)|[,/&]) ?|[\u3001\u548c\u4e0e\u8207])?(?<![A-Za-z])(?:"
    r"(?P<before>[A-J])[)*]{0,3} is (?:correct|the (?:correct|right|best) (?:answer|choice|option)"
    r"|right(?=\s*(?:[.;,!\n]|$)))(?![\w-])"
    r"|[Tt]he (?:correct|right) one is (?:option )?[(*]{0,3}(?P<one>[A-J])(?![\w'\u2019]| (?:or|and) [A-J]| [a-z])"
    r"|(?P<behind>[A-J])(?:\u9009\u9879|\u9078\u9805)?(?:\u662f)?\u6b63[\u786e\u78ba]"
    r"|I (?:would )?(?:choose|select|pick) (?:option |choice )?[(*]{0,3}"
    r"(?P<picked>[A-J])(?![\w'\u2019]| (?:or|and) [A-J]| [a-z]))"
)
_CLAUSE = re.compile(r"[.;!?\n\u3002\uff0c]|,\s")
_BEHIND = 300  # characters behind an opening letter that may deny it
_LETTER_ALONE = re.compile(r"(?<![\w'\u2019])[A-J](?![\w'\u2019])")
_REASON = re.compile(r"\W*(?:because|since|as|weil|denn)\b|\W*\u56e0", re.IGNORECASE)
_DENIAL = re.compile(
    r"\b(?:wrong|incorrect|false|mistaken|nope"
    r"|(?:is|are|was|can|does|do|would)(?: \w{1,12}ly)?(?: not|n['\u2019]t))\b"
    r"|^\W*no\b(?! (?:other|doubt|matter))|^\W*not?\W*$|\u9519|\u932f|\u4e0d[\u5bf9\u5c0d\u662f\u6b63]",
    re.IGNORECASE,
)
_PLAIN_NO = re.compile(r"\W*(?:no|nope|wrong|incorrect|false)\W*$", re.IGNORECASE)
_ARTICLE = re.compile(r"\s+[a-z]")
_LOWER_END = re.compile(r"[)\]}*_.\u3002\"'\s]{0,6}(?:\n|$)|[)\]}]")
_DECORATION = re.compile(r"[\s*_`\"'().\[\]{}$\\\u3002\u300c\u300d:,;!?-]+")


def opening_letter(text: str, letters: str) -> str | None:
    """Return the letter that an answer opens with; of a cut answer nothing else is known to stay."""
    text = fold(text[:_MAX_CHARACTERS])
    letter = _opening(text, ())
    return letter if letter and letter in letters and _announced_letter(text) in {None, letter} else None


def named_letter(text: str, choices: Sequence[str]) -> str | Unscored:
    """Return the letter that an answer names, or why none; `choices` are the texts behind the letters."""
    start = fold(text[:_MAX_CHARACTERS])
    cut = cut_at_next_question(start) if len(text) <= _MAX_CHARACTERS else fold(text)
    letters = LETTERS[: len(choices)]
    opening = _opening(start, choices)
    votes = [
        opening,
        *(_others_called_right(cut) if opening else ()),
        _boxed_letter(cut),
        _announced_letter(cut),
        _last_line(cut),
    ]
    named = {vote for vote in votes if vote}
    if not named:
        named = {_called_right(match) for match in _CALLED_RIGHT.finditer(cut)} or {_restated(cut, choices) or _OPEN}
    if _OPEN in named:
        return Unscored(_NOT_NAMED)
    if len(named) > 1:
        return Unscored(_TWO)
    letter = named.pop()
    return letter if letter in letters else Unscored(_NOT_NAMED)


def _opening(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter that a text opens with, unless the words behind it deny it; the choice's own words do not."""
    match = _OPENING.match(text)
    if match is None:
        return None
    behind = text[match.end() : match.end() + _BEHIND]
    own = dict(zip(LETTERS, choices, strict=False)).get(match[1], "").strip()
    at = behind.casefold().find(own.casefold()) if own else -1
    if at >= 0:
        behind = f"{behind[:at]} {behind[at + len(own) :]}"
    clauses = [clause for clause in _CLAUSE.split(behind.lstrip(" *)]:.\"'")) if re.search(r"\w", clause)]
    for clause, denial in zip(clauses, (_DENIAL, _PLAIN_NO), strict=False):
        if _LETTER_ALONE.search(clause) or _REASON.match(clause):
            break
        if denial.search(clause):
            return None
    return match[1]


def _others_called_right(text: str) -> list[str]:
    """Return the letters that sentences call right by themselves."""
    return [letter for match in _CALLED_RIGHT.finditer(text) if (letter := _called_right(match)) != _OPEN]


_OPEN = "?"  # an announcement that names two letters at once


def _called_right(match: re.Match[str]) -> str:
    """Return the letter that a sentence calls right; `_OPEN` where it is one of several."""
    return _OPEN if match["more"] else match["before"] or match["behind"] or match["one"] or match["picked"]


def _boxed_letter(text: str) -> str | None:
    """Return the letter in the last box that holds one, with or without the text behind it."""
    for content in reversed(boxed(text)):
        if match := _BOX.match(content) or _BOX_WITH_TEXT.match(content):
            return match[1].upper()
    return None


def _announced_letter(text: str) -> str | None:
    """Return the letter of the last announcement; `_OPEN` where one sentence announces two."""
    last: tuple[int, str] | None = None
    for place in announced(text):
        match = _letter().match(text, place)
        if match is None or not _is_letter(match, text):
            continue
        letter = _OPEN if match["more"] else match[1].upper()
        if last and last[1] != letter and not re.search(r"[\n.;!?\u3002]", text[last[0] : place]):
            letter = _OPEN
        last = (place, letter)
    return last[1] if last else None


def _is_letter(match: re.Match[str], text: str) -> bool:
    """Tell a letter from an article or a word: "a" ends its line; "A because" is a letter, "A dog" is none."""
    end = match.end(1)
    if match[1].islower():
        return bool(_LOWER_END.match(text, end))
    if match[1] in "AI" and _ARTICLE.match(text, end):
        return bool(_because().match(text, end))
    return True


def _last_line(text: str) -> str | None:
    """Return the letter that stands alone on the last line of an answer of several."""
    lines = text.rstrip().rsplit("\n", 1)
    match = _ALONE.match(lines[-1]) if len(lines[-1]) <= _LAST_LINE else None
    return match[1].upper() if match else None


def _restated(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter of the choice that the answer, its last line or its last announcement says word for word."""
    plain = [_plain(one) for one in choices]
    if len(set(plain)) < len(plain):
        return None
    tail = text.rstrip().rsplit("\n", 1)[-1]
    places = announced(text)
    behind = text[places[-1] :].strip().split("\n", 1)[0] if places else ""
    for said in (text.strip(), tail, behind):
        words = _plain(said) if len(said) <= 2 * _LAST_LINE else ""
        lettered = re.sub(r"^([a-j]) ", "", words)
        for one in (words, lettered):
            if one and one in plain:
                return LETTERS[plain.index(one)]
    return None


def _plain(text: str) -> str:
    """Return words without marks, case and gaps."""
    return _DECORATION.sub(" ", fold(text)).strip().casefold()


@cache
def _letter() -> re.Pattern[str]:
    """Compile a letter behind an announcement, and whether another follows it ("B or C")."""
    ors = "|".join(map(re.escape, (*words_for("or"), "/", ",", "&")))
    nouns = "|".join(map(re.escape, (*words_for("weak"), "letter")))
    return re.compile(
        rf"(?:(?:la|el|die|the)\s)?(?:(?i:{nouns})\s?[:(*]{{0,3}}\s?)?([A-Ja-j])(?![A-Za-z\u00c0-\u024f'\u2019_^=+\d])"
        rf"(?P<more>[)*]{{0,3}}\s?(?:{ors})\s?[(*]{{0,3}}[A-J](?![A-Za-z]))?"
    )


@cache
def _because() -> re.Pattern[str]:
    """Compile what begins a reason, or another letter, behind a letter."""
    return re.compile(r"\s+(?:" + "|".join(map(re.escape, (*words_for("because"), *words_for("or")))) + r")\b")
