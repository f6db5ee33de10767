r"""Mark an answer by the number it ends with: GSM8K, MGSM and whatever else asks for one number.

The number is the one behind "####", else in the last `\boxed{}`, else behind the last announcement ("the answer is",
in the languages of MGSM), else the last of the text. Right is what equals the expected value, however it is written.
Two numbers of which neither is chosen ("18 or 20"), a number that is only denied, and an expression that is more than
a whole power are unscored: nobody knows which number was meant.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.scorers.reading.expected import expected_number, plain
from weighbridge.evaluation.scorers.reading.final import announced, boxed, cut_at_next_question
from weighbridge.evaluation.scorers.reading.numerals import equal, has_numeral, numerals
from weighbridge.evaluation.suite import Score, Unscored

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.scorers.reading.numerals import Numeral
    from weighbridge.evaluation.suite import Item

__all__ = ["number"]

_SAID = 80
_NEAR = 200  # characters behind an announcement in which its number stands
_ANNOUNCEMENTS = 20  # the last ones are looked at
_DIRECT = re.compile(
    r"[^\w]{0,12}(?:US|Rs|R)?[^\w]{0,4}\d"
)  # "Answer: 18"; "Answer: she sells 9 ..." begins a solution
_HASHES = re.compile(r"####([^\n]{1,200})")
_SENTENCE_END = re.compile(r"\n|[.!?](?=\s|$)|[\u3002;]|(?<=[^\d]),\s")
_MARK = re.compile(r"[,;:.>](?=\s|$)")
_TURN = re.compile(r"\b(?i:so|then|thus|hence|therefore|which|means|leaves)\b")
_LISTED = re.compile(r"(?m)^[ \t*]{0,8}\d{1,2}[.)](?=[ *])|\b(?i:step|schritt|\u6b65\u9aa4)\s?\d{1,2}\b")
_CALCULATOR = re.compile(r"<<[^<>\n]{0,200}>>")  # GSM8K's own solutions carry their sums
_LINE = 2_000  # characters of the last line with a number that are read
_TWO = Unscored("two numbers named")
_EXPRESSION = Unscored("an expression that is not worked out")
_DENIED = Unscored("the number named is denied")
_OR = r"(?:or|to|oder|bis|ou|\u6216|\u5230|\u81f3)"
_AND = r"(?:and|und|et|y|\u548c|\u4e0e)"
_UNIT = r"[\s*)\]}$\u20ac\xa3]{0,6}(?:[^\W\d]{1,12}\s){0,2}"
_OTHER = re.compile(rf"{_UNIT}(?:{_OR}|{_AND})[\s*($]{{0,4}}\d|\s?[\u2013~]\s?\$?\d|-\$?\d", re.IGNORECASE)
_EITHER = re.compile(rf"(?:\d{_UNIT}(?<!\w)or|\bbetween\b.*\band|(?<!from )\b\d+ to)[\s*($]{{0,4}}$", re.IGNORECASE)
_BETWEEN = re.compile(r"\b(?:between|zwischen|entre)\W{0,6}$", re.IGNORECASE)
_INSIDE = re.compile(r"(?:sqrt|\u221a|\\(?:[dt]?frac|log|ln|sin|cos|tan|binom))\s?[\[({\s]{0,4}$")
_SIGN = r"(?:\\(?:times|cdot|div|pm)|[+\xd7\xf7\xb7*])"
_GOES_ON = re.compile(rf"[\s)}}]{{0,3}}(?:\\?sqrt|\u221a|\\pi\b|\u03c0|\^|/\s?[\d(]|(?:{_SIGN}|\s[-\u2212])\s?[$(]?\d)")
_SUMMED = re.compile(rf"\d[ )]{{0,3}}{_SIGN} ?[$(]?$")
_NOT = re.compile(
    r"(?:\b(?:not|nicht|pas|no es|cannot be)|n['\u2019]t(?: be)?|\u4e0d\u662f|\u5e76\u975e)[\s*$(]{0,6}$", re.IGNORECASE
)
_NO = re.compile(r"\W{0,4}(?:no|not|nope|nein|non|\u4e0d)\b", re.IGNORECASE)


def number(item: Item, completion: Completion) -> Score | Unscored:
    """Compare the number that an answer names with the item's answer; `said` is the number as written.

    A whole answer without any number is wrong: nothing that was said could be the answer.
    """
    expected = expected_number(item.answer)
    if expected is None:
        return Unscored("the item has no number for an answer")
    whole = plain(completion.text)
    text = cut_at_next_question(whole)
    if completion.outcome is Outcome.TRUNCATED and text == whole:
        return Unscored("truncated")  # a later step might have changed it
    said = _named(text) or _last(text)
    if said is None and text != whole:
        said = _named(whole) or _last(whole)
    if said is None:
        return Score("wrong", "no number") if text.strip() else Unscored("empty")
    if isinstance(said, Unscored):
        return said
    if said.unscaled and re.sub(r"[\d\W]", "", said.said).casefold() in item.question.casefold():
        said = replace(said, readings=said.readings | said.unscaled)  # "How many million ...?" "3 million"
    return Score("right" if equal(said, expected) else "wrong", said.said[:_SAID])


def _named(text: str) -> Numeral | Unscored | None:
    """Return the number that the answer names as its result; Unscored where it names one that cannot be told."""
    for match in reversed(list(_HASHES.finditer(text))):
        if found := numerals(match[1]):
            return _result(match[1], found)
    for content in reversed(boxed(text)):
        if found := numerals(content):
            return _result(content, found)
    for place in reversed(announced(text)[-_ANNOUNCEMENTS:]):
        sentence = text[place : place + _NEAR]
        end = _SENTENCE_END.search(sentence)
        rest = place + (end.start() if end else len(sentence))
        sentence = text[place:rest]
        found = numerals(sentence)
        if not found:
            continue
        if _NOT.search(found[0].before):
            return _instead(text[place:], found[0])
        if text[rest : rest + 1] == "?":  # "Is the answer 18?" announces nothing
            return _instead(text[place:], found[0]) if _NO.match(text, rest + 1) else None
        if _DIRECT.match(sentence) or not has_numeral(text[rest:]):
            return _result(sentence, found)
    return None


def _instead(text: str, denied: Numeral) -> Numeral | Unscored:
    """Return the number that follows one that is denied: "not 18, it is 20"."""
    behind = text.partition(denied.said)[2]
    sentence = re.split(r"[.!?](?=\s|$)|\n|\u3002", behind.lstrip(" .!?\n"), maxsplit=1)[0]
    named = numerals(sentence[:_NEAR])
    said = _result(sentence, named) if named else _last(behind)
    if said is None or (isinstance(said, type(denied)) and equal(said, denied)):
        return _DENIED
    return said


def _result(sentence: str, found: list[Numeral]) -> Numeral | Unscored:
    """Return the number behind the last "=" of a sum, else the first one."""
    if "=" in sentence and (behind := numerals(sentence.rpartition("=")[2])):
        found = behind
    first = found[0]
    if len(found) > 1 and (_BETWEEN.search(first.before) or _OTHER.match(first.behind)) and not equal(first, found[1]):
        return _TWO
    return _checked(first)


def _checked(said: Numeral) -> Numeral | Unscored:
    """Return a number that stands for itself; Unscored where it is a part of an expression."""
    is_part = _INSIDE.search(said.before) or _GOES_ON.match(said.behind) or _SUMMED.search(said.before)
    return _EXPRESSION if is_part or (not said.readings and "^" in said.said) else said


def _last(text: str) -> Numeral | Unscored | None:
    """Return the last number of a text; the numbers of lists and steps are none.

    Of a sum that ends a sentence it is the result: "4 + 5 = 9 points in the 40 minutes" says 9.
    """
    text = _LISTED.sub(" ", _CALCULATOR.sub("", text))
    lines = [line[-_LINE:] for line in text.splitlines()] if re.search(r"\d", text) else [text]
    line, found = next(((line, found) for line in reversed(lines) if (found := numerals(line))), ("", []))
    if not found:
        return None
    before, sign, behind = line.rpartition("=")
    results = numerals(behind)
    if sign and before and results and not _turns(behind):
        return _checked(results[0])
    return _TWO if _EITHER.search(found[-1].before) else _checked(found[-1])


def _turns(behind: str) -> bool:
    """Say whether the words behind a sum go on to something else: a mark with a number behind it, or a "so"."""
    mark = _MARK.search(behind)
    return bool((mark and re.search(r"\d", behind[mark.end() :])) or _TURN.search(behind))
