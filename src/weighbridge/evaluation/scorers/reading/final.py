r"""Final statements: where an answer announces its result, in the languages of `final.toml`, or puts it in `\boxed{}`.

All patterns are of bounded length and are tried once a place: time is linear in the text, which is bounded.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_CHARACTERS", "announced", "boxed", "cut_at_next_question", "fold", "words_for"]

MAX_CHARACTERS = 20_000
_MAX_BOX = 400
_MOST_BOXES = 50  # the last ones are looked at
# Blanks, colons, emphasis and brackets; a minus sign belongs to the number behind it.
_GAP = r"(?:[ \t*_:=\"'`$\\(\[{<>~\u2014\u300c]|[-\u2013\u2212](?![\d$.])){0,12}"
_NEXT_LINE = r"(?:\s{0,4}\n[\s*$\\(\[{]{0,12})?"
_LETTER = "[a-zA-Z\u00c0-\u024f\u0400-\u04ff]"
_COMMANDS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|bf|rm|left|right|displaystyle|,|;|!|quad)\b ?")


def fold(text: str) -> str:
    """Return the last 20,000 characters in NFKC: full-width letters, digits and marks become plain ones."""
    return unicodedata.normalize("NFKC", text[-MAX_CHARACTERS:])


def words_for(key: str) -> tuple[str, ...]:
    """Return the words of all languages under one key of the table, the longest first."""
    found = {unicodedata.normalize("NFKC", word) for row in _table()["language"] for word in row.get(key, ())}
    return tuple(sorted(found, key=lambda word: (-len(word), word)))


def announced(text: str) -> list[int]:
    """Return the places behind every announcement ("the answer is", an answer's own colon), in their order.

    `text` is folded. A place may stand at the start of the next line, where the announcement ends its own.
    """
    return [match.end() for match in _announcements().finditer(text)]


def boxed(text: str) -> list[str]:
    r"""Return what is in the last 50 `\boxed{}`, without commands for fonts; braces nest, 400 characters at most."""
    found = []
    for match in list(re.finditer(r"\\f?boxed\s?\{", text))[-_MOST_BOXES:]:
        depth = 1
        for at in range(match.end(), min(len(text), match.end() + _MAX_BOX)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                found.append(_COMMANDS.sub("", text[match.end() : at]).strip())
                break
    return found


def cut_at_next_question(text: str) -> str:
    """Return the text up to where the model goes on with another question by itself; all of it where it does not."""
    match = _next_question().search(text)
    return text[: match.start()] if match and text[: match.start()].strip() else text


@cache
def _table() -> dict[str, Any]:
    """Read the words."""
    return tomllib.loads(files(__package__).joinpath("final.toml").read_text(encoding="utf-8"))


@cache
def _announcements() -> re.Pattern[str]:
    """Compile the announcements; a Latin noun begins a word, other scripts have no gaps between words."""
    nouns, weak, verbs = (_any(words_for(key)) for key in ("nouns", "weak", "verbs"))
    links = _any(words_for("links"))
    between = _any(_table()["between"]["words"])
    linked = rf"(?:{_GAP}{links}|\s?[:=])"
    strong = rf"{nouns}(?:{_GAP}{between})?{linked}?"
    return re.compile(rf"(?i:{strong}|{weak}(?:{_GAP}{between})?{linked}|{verbs}){_GAP}{_NEXT_LINE}")


@cache
def _next_question() -> re.Pattern[str]:
    """Compile what begins another question: its word at the start of a line, a number, a colon."""
    words = _any(_table()["next"]["words"])
    return re.compile(rf"(?i:\n[ \t*#]{{0,6}}{words} ?\d{{0,4}} ?[*]{{0,2}}[:.])")


def _any(words: Iterable[str]) -> str:
    """Return a pattern of alternatives, the longest first; words of an alphabet stand between gaps or other scripts."""
    alternatives = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(_whole(word) for word in alternatives) + ")"


def _whole(word: str) -> str:
    """Return a pattern for a word that is no part of a longer one, where its script writes words apart."""
    before = f"(?<!{_LETTER})" if re.match(_LETTER, word) else ""
    after = f"(?!{_LETTER})" if re.search(f"{_LETTER}$", word) else ""
    return before + re.escape(word) + after
