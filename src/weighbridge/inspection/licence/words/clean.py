"""Take off what wraps a licence text (mark-up, comment signs, page numbers), line for line: places stay true."""

from __future__ import annotations

import html
import re
import unicodedata
from itertools import pairwise

from weighbridge.inspection.licence.words.lexicon import load_vocabulary

__all__ = ["MOST_CHARACTERS", "clean"]

MOST_CHARACTERS = 600_000
"""What is read of a file: the longest text of the base has 90,000 characters."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")
_HTML = re.compile(r"<(?:!doctype|html|body|p|div|br|span|pre|h[1-6]|li|td)\b[^<>]{0,300}>", re.IGNORECASE)
_DEAD_PARTS = re.compile(
    r"<(script|style|nav|footer|header|aside|button|head|title)\b[^<>]{0,500}>.{0,20000}?</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<!--.{0,4000}?-->|</?[a-zA-Z!][^<>]{0,500}>", re.DOTALL)
_COMMENT_SIGN = re.compile(r"^[ \t]*(?:rem|dnl)[ \t]+(?=\S)", re.IGNORECASE | re.MULTILINE)
_PAGE_NUMBER = re.compile(
    r"^[ \t]*[-\u2013\u2014]?[ \t]*(?:page[ \t]+)?\d{1,3}(?:[ \t]*(?:/|of)[ \t]*\d{1,3})?[ \t]*[-\u2013\u2014]?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_LINE_NUMBER = re.compile(r"^[ \t]*(\d{1,5})[ \t:|.)]*(?=[ \t:|]|$)", re.MULTILINE)
_IDEOGRAPH = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af])")
_HYPHENATED = re.compile(r"\b([A-Za-z]{2,})-[ \t]*\n([ \t]*)([a-z]{2,})\b")
_ESCAPE = re.compile(r"\\(?=[_*#()\[\].-])")
_FEW_LINES = 5
_STEP = 8
_MOSTLY = 0.8


def clean(text: str) -> str:
    """Return a text without mark-up, with as many lines as it had, ideographs set apart by spaces."""
    text = text[:MOST_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = text.replace("\x0b", " ").replace("\x0c", " ")
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.replace("\u2010", "-").replace("\u2011", "-")
    text = _ESCAPE.sub("", _INVISIBLE.sub("", text))
    if _HTML.search(text):
        text = html.unescape(_TAG.sub(_blank, _DEAD_PARTS.sub(_blank, text)))
    text = _without_line_numbers(text)
    text = _HYPHENATED.sub(_joined, text)
    text = _PAGE_NUMBER.sub("", _COMMENT_SIGN.sub("", text))
    return text if text.isascii() else _IDEOGRAPH.sub(r" \1 ", text)


def _blank(match: re.Match[str]) -> str:
    """Return white space with as many line ends as what it stands for."""
    return " " + "\n" * match.group().count("\n")


def _joined(match: re.Match[str]) -> str:
    """Return a word that was broken over two lines whole, if licences use it, and the line end after it."""
    whole = match.group(1) + match.group(3)
    return f"{whole}\n" if whole.lower() in load_vocabulary() else match.group()


def _without_line_numbers(text: str) -> str:
    """Take off a column of rising numbers, where nearly every line begins with one."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < _FEW_LINES:
        return text
    numbers = [int(found.group(1)) for line in lines if (found := _LINE_NUMBER.match(line))]
    rises = sum(1 for one, two in pairwise(numbers) if 0 < two - one <= _STEP)
    if len(numbers) < _MOSTLY * len(lines) or rises < _MOSTLY * (len(numbers) - 1):
        return text
    return _LINE_NUMBER.sub("", text)
