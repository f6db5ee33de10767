"""What hides words from patterns and not from readers: invisible characters, terminal codes, look-alike letters."""

from __future__ import annotations

import re

__all__ = ["reveal"]

# Zero-width and soft-hyphen characters, controls of direction, variation selectors, tags, lone surrogates (Unicode 15,
# general category Cf and what browsers draw nothing for); controls of a terminal and their arguments.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_TERMINAL = re.compile(r"\x1b\[[0-?]{0,32}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_GAP = re.compile(r"\s{40,}")  # a wall of blanks or newlines
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,20}(?:\s[^<>]{0,300})?/?>")
# Cyrillic and Greek letters drawn like Latin ones (Unicode Technical Standard 39, confusables).
_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420"
    "\u0421\u0422\u0425\u0406\u03bf\u03b1\u03bd\u03c1\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4",
    "aeopcyxijsdABEKMHOPCTXIoavpABEHIKMNOPT",
)
_MOST_WORDS = 40_000  # characters in which look-alikes are sought; more than is ever read
_MIXED = re.compile(
    r"[A-Za-z'\u2019]{1,40}[\u0370-\u03ff\u0400-\u052f][A-Za-z'\u2019\u0370-\u052f]{0,40}"
    r"|[\u0370-\u03ff\u0400-\u052f]{1,40}[A-Za-z][A-Za-z'\u2019\u0370-\u052f]{0,40}"
)


def reveal(text: str) -> str:
    """Return a text as a reader sees it: nothing invisible, tags and walls of blanks as one gap, look-alikes as Latin.

    Look-alikes are changed only in words that mix them with Latin letters; code between fences keeps its tags.
    """
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    text = _GAP.sub("\n\n", _CONTROL.sub("", text))
    if "<" in text and "```" not in text:
        text = _TAG.sub(" ", text)
    if text.isascii():
        return text
    return _MIXED.sub(lambda word: word[0].translate(_ALIKE), text[:_MOST_WORDS]) + text[_MOST_WORDS:]
