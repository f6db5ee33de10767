"""The words by which a family is found in a name: a small language without repeats, so that no name can be slow.

A pattern is words parted by spaces; one of them must be in the name. A word is lower-case letters, digits, `-` and `.`;
`^` before it: no letter stands there; `$` behind it: no letter follows; `#` behind it: a digit follows.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["expression_of", "plain_name", "wrong_word"]

_LONGEST = 256
_WORD = re.compile(r"\^?[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9.-])?[$#]?")
_GAP = re.compile(r"[\s_]")


def plain_name(text: str) -> str:
    """Return the last part of a repository's name in lower case, words parted by `-`."""
    last = text.strip().rstrip("/").rpartition("/")[2][:_LONGEST].lower()
    return _GAP.sub("-", last)


def wrong_word(pattern: str) -> str | None:
    """Return the first word of a pattern that cannot be read, or None."""
    return next((word for word in pattern.split() if not _WORD.fullmatch(word)), None)


@cache
def expression_of(pattern: str) -> str:
    """Return a regular expression, an alternation of fixed texts, that finds the words of a pattern."""
    return f"(?:{'|'.join(_expression(word) for word in sorted(pattern.split(), key=_length, reverse=True))})"


def _length(word: str) -> int:
    return len(word.strip("^$#"))


def _expression(word: str) -> str:
    before = "(?<![a-z])" if word.startswith("^") else ""
    after = {"$": "(?![a-z])", "#": r"(?=\d)"}.get(word[-1], "")
    return f"{before}{re.escape(word.strip('^$#'))}{after}"
