r"""Mark an answer by the number it ends with: GSM8K, MGSM and whatever else asks for one number.

The number is the one behind "####", else in the last `\boxed{}`, else behind the last announcement ("the answer is",
in the languages of MGSM), else the last of the text. Right is what equals the expected value, however it is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.scorers.reading.final import announced, boxed, cut_at_next_question, fold
from weighbridge.evaluation.scorers.reading.numerals import equal, numerals
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
_TURN = re.compile(r"[,;:.>](?=\s|$).*\d|\b(?i:so|then|thus|hence|therefore|which|means|leaves)\b")
_LISTED = re.compile(r"(?m)^[ \t*]{0,8}\d{1,2}[.)](?=[ *])|\b(?i:step|schritt|\u6b65\u9aa4)\s?\d{1,2}\b")
_CALCULATOR = re.compile(r"<<[^<>\n]{0,200}>>")  # GSM8K's own solutions carry their sums


def number(item: Item, completion: Completion) -> Score | Unscored:
    """Compare the number that an answer names with the item's answer; `said` is the number as written.

    A whole answer without any number is wrong: nothing that was said could be the answer.
    """
    expected = _expected(item.answer)
    if expected is None:
        return Unscored("the item has no number for an answer")
    whole = fold(completion.text)
    text = cut_at_next_question(whole)
    if completion.outcome is Outcome.TRUNCATED and text == whole:
        return Unscored("truncated")  # a later step might have changed it
    said = _named(text) or _last(text)
    if said is None and text != whole:
        said = _named(whole) or _last(whole)
    if said is None:
        return Score("wrong", "no number") if text.strip() else Unscored("empty")
    return Score("right" if equal(said, expected) else "wrong", said.said[:_SAID])


def _expected(answer: str) -> Numeral | None:
    """Read the expected answer: a number, or a whole solution that ends with `#### number`."""
    found = numerals(fold(answer.rpartition("####")[2]))
    return found[0] if found and found[0].readings else None


def _named(text: str) -> Numeral | None:
    """Return the number that the answer names as its result."""
    for match in reversed(list(_HASHES.finditer(text))):
        if found := numerals(match[1]):
            return found[0]
    for content in reversed(boxed(text)):
        if found := numerals(content):
            return _result(content, found)
    for place in reversed(announced(text)[-_ANNOUNCEMENTS:]):
        sentence = text[place : place + _NEAR]
        end = _SENTENCE_END.search(sentence)
        sentence = sentence[: end.start()] if end else sentence
        found = numerals(sentence)
        if found and (_DIRECT.match(sentence) or not numerals(text[place + len(sentence) :])):
            return _result(sentence, found)
    return None


def _result(sentence: str, found: list[Numeral]) -> Numeral:
    """Return the number behind the last "=" of a sum, else the first one."""
    if "=" in sentence and (behind := numerals(sentence.rpartition("=")[2])):
        return behind[0]
    return found[0]


def _last(text: str) -> Numeral | None:
    """Return the last number of a text; the numbers of lists and steps are none.

    Of a sum that ends a sentence it is the result: "4 + 5 = 9 points in the 40 minutes" says 9.
    """
    text = _LISTED.sub(" ", _CALCULATOR.sub("", text))
    found = numerals(text)
    if not found:
        return None
    line = next((line for line in reversed(text.splitlines()) if numerals(line)), "")
    before, sign, behind = line.rpartition("=")
    results = numerals(behind)
    if sign and before and results and not _TURN.search(behind):
        return results[0]
    return found[-1]
