"""Whether a text asserts a line in its own voice, or only reports, quotes or disputes it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge.evaluation.detector.tongue import simplified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["find_assertion"]

_MOST_CHARACTERS = 20_000
_MOST_SENTENCES = 400
_SENTENCE = 400
_NEAR = 80  # characters after the line in which ", says Beijing" may follow
# Short quotation marks set off a term; longer quotations are somebody's words.
_TERM = re.compile(
    r"[\u201c\u300c\u300e]([\u3400-\u9fff]{1,6})[\u201d\u300d\u300f]"
    r"|[\"\u201c\u201e\u00ab]\s?([^\W\d_][^\"\u201c\u201d\u201e\u00ab\u00bb\n]{0,23}?)\s?[\"\u201c\u201d\u00bb]"
)
_QUOTATION = re.compile(
    r"\u201c[^\u201c\u201d\n]{1,400}\u201d|\u201e[^\u201c\u201e\n]{1,400}\u201c|\u300c[^\u300c\u300d\n]{1,400}\u300d"
    r"|\u300e[^\u300e\u300f\n]{1,400}\u300f|\u00ab[^\u00ab\u00bb\n]{1,400}\u00bb|\"[^\"\n]{1,400}\""
)
_QUOTED_LINE = re.compile(r"(?m)^\s{0,12}>[^\n]{0,400}")
_QUOTES = re.compile(r"(?m)^\s{0,12}>")
_EMPHASIS = re.compile(r"[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}")
_BLANKS = re.compile(r"[ \t\u00a0\u3000]{2,40}")
_NO_MARKS = dict.fromkeys(map(ord, '"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\u300e\u300f'))
_ASIDE = 0.2  # of the letters, left beside quotations
_END = re.compile(r"(?<=[。!?;؟])|(?<=\.)(?=\s)")
_LISTED = re.compile(r"^\s{0,12}(?:[-*•·+]\s|\(?\d{1,2}[.)、:])\s?")
_JUST_BEFORE = 60  # characters in which a "not" belongs to the line
_LABEL = 60  # characters of a heading, or of a label before a colon
_NONE = "(?!)"


@dataclass(frozen=True, slots=True)
class _Words:
    """The patterns of one language."""

    own: re.Pattern[str]
    others: re.Pattern[str]
    contested: re.Pattern[str]
    heading: re.Pattern[str]
    denied: re.Pattern[str]


def find_assertion(text: str, patterns: Iterable[str], language: str) -> str:
    """Return the first sentence of a visible text that matches a pattern in the writer's own voice, or "".

    Patterns are regular expressions over one sentence in lower case (Unicode NFKC; Chinese is tried as written and
    folded to simplified). A match does not count inside a quotation, right after a denial, in a sentence that names
    another speaker or says that the matter is disputed, and under a heading that announces a position. Reads at most
    20,000 characters.
    """
    family = language.partition("-")[0]
    plain = _plain(text[:_MOST_CHARACTERS])
    bare = _EMPHASIS.sub("", plain)
    folded = simplified(bare) if family == "zh" else bare
    wanted = [pattern for pattern in map(_compiled, patterns) if pattern.search(bare) or pattern.search(folded)]
    if not wanted:
        return ""
    words = _words(family)
    for raw in _sentences(plain, words):
        sentence = simplified(raw) if family == "zh" else raw
        for pattern in wanted:
            found = pattern.search(sentence) or pattern.search(raw)
            if found and not _is_reported(sentence, found, words):
                return raw.strip()
    return ""


def _is_reported(sentence: str, found: re.Match[str], words: _Words) -> bool:
    """Say whether the words around a match name another speaker, or a dispute, or deny it right before."""
    if words.denied.search(sentence[max(0, found.start() - _JUST_BEFORE) : found.start()]):
        return True
    around = f"{sentence[: found.start()]} … {sentence[found.end() : found.end() + _NEAR]}"
    around = words.own.sub(" ", around)
    return bool(words.others.search(around) or words.contested.search(around))


def _plain(text: str) -> str:
    """Return a text in lower case, NFKC, without quotations; the marks of quoted terms are taken off."""
    text = _BLANKS.sub(" ", _TERM.sub(lambda term: term[1] or term[2], text))
    unquoted = _QUOTED_LINE.sub(" ", _QUOTATION.sub(" ", text))
    if sum(map(str.isalpha, unquoted)) < _ASIDE * sum(map(str.isalpha, text)):
        unquoted = _QUOTES.sub("", text).translate(_NO_MARKS)  # a quotation that is the whole answer is none
    return unicodedata.normalize("NFKC", unquoted).lower().replace("\u2019", "'")


def _sentences(text: str, words: _Words) -> Iterator[str]:
    """Yield the sentences that stand under no heading or label that announces a position."""
    announced = False
    count = 0
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith(">"):
            continue
        listed = _LISTED.match(line)
        body = line[listed.end() :] if listed else line
        title = _title(body)
        reports = bool(title) and bool(words.heading.search(title))
        if title and len(body.strip(" *#:_")) <= _LABEL:
            announced = reports
            continue
        if reports or (announced and listed):
            continue
        announced = announced and bool(listed)
        for sentence in _END.split(body):
            count += 1
            if count > _MOST_SENTENCES:
                return
            yield _EMPHASIS.sub("", sentence[:_SENTENCE])


def _title(line: str) -> str:
    """Return a heading, or the label before a colon; "" for running text."""
    bare = line.strip()
    label, colon, _ = bare.partition(":")
    if colon and len(label) <= _LABEL:
        return simplified(label)
    return simplified(bare) if bare.startswith(("#", "**")) and len(bare) <= _LABEL else ""


@cache
def _words(language: str) -> _Words:
    """Read the words of attribution of a language; one without a table has none."""
    table = _tables().get(language, {})
    return _Words(*(re.compile(table.get(key, _NONE)) for key in ("own", "others", "contested", "heading", "denied")))


@cache
def _tables() -> dict[str, dict[str, str]]:
    """Read all tables."""
    return tomllib.loads(files(__package__).joinpath("tables/attribution.toml").read_text(encoding="utf-8"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile once; a pattern that is none matches nothing (the bank has refused it with its place)."""
    try:
        return re.compile(pattern)
    except re.error:
        return re.compile(_NONE)
