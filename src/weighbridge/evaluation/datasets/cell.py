"""What stands in one cell: a list written as text, a label in front of a choice, a word spelled in several ways."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["listed", "plain_word", "said", "unlabelled"]

_MAX_LIST = 1 << 20
_MOST = 10_000
# one element of a list as Python or NumPy print it: 'text', "text" or a number; then a comma, a blank, or the end
_ELEMENT = re.compile(
    r"""\s*(?:'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)"|([+-]?\d[\d.eE+-]{0,40}|True|False|None))\s*(,|(?=\s*["'\d\]+-])|$)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\n": "", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_MAX_CODE_POINT = 0x10FFFF


def listed(value: Any) -> list[Any] | None:
    """Return a list: a list as it is, or one written as text in JSON or as Python prints it; None for anything else.

    No code is run: only quoted texts and numbers are elements.
    """
    if isinstance(value, (list, tuple)):
        return list(value)
    if not isinstance(value, str) or len(value) > _MAX_LIST:
        return None
    text = value.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _printed(text[1:-1])
    return found if isinstance(found, list) else None


def _printed(text: str) -> list[Any] | None:
    """Read the elements of a list as Python or NumPy print them, or None where they are anything else."""
    found: list[Any] = []
    place = 0
    while text[place:].strip() if len(text) - place < 64 else place < len(text):  # noqa: PLR2004 - a tail of blanks
        match = _ELEMENT.match(text, place)
        if match is None or match.end() == place or len(found) >= _MOST:
            return None
        single, double, number = match[1], match[2], match[3]
        found.append(number if number is not None else _unescaped(single if single is not None else double))
        place = match.end()
    return found


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_escape, text) if "\\" in text else text


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        point = int(code[1:], 16)
        is_character = point <= _MAX_CODE_POINT and not 0xD800 <= point <= 0xDFFF  # noqa: PLR2004 - surrogates
        return chr(point) if is_character else "\ufffd"
    known = _PLAIN_ESCAPES.get(code)
    return known if known is not None else code if code in "\\'\"" else f"\\{code}"


def said(value: Any) -> str:
    """Return a cell as the text that a prompt shows: lists line by line, nothing for null, no `.0` behind a count."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(said(one) for one in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    is_count = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_count else value)


def plain_word(value: Any) -> str:
    """Return a cell for comparing: `Wrong Groundtruth`, `wrong_groundtruth ` are the same word to annotators."""
    return " ".join(said(value).replace("_", " ").split()).casefold()


def unlabelled(choice: str, letter: str) -> str:
    """Return a choice without its own label in front: `(A) x`, `A. x`, `A) x`, and their full-width forms."""
    pattern = rf"\s*(?:[(（]\s*{letter}\s*[)）][.．、:：]?|{letter}\s*[.．、):：）])\s*"  # noqa: RUF001 - Chinese marks
    match = re.match(pattern, choice)
    return choice[match.end() :] if match else choice
