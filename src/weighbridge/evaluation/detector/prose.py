"""The prose of an answer: what its writer says, without reasoning, code and quotations, as bounded sentences."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from weighbridge.evaluation.detector.disguise import reveal

__all__ = ["Prose", "Sentence", "read_prose", "visible_text"]

_MAX_CHARACTERS = 20_000
_MAX_RAW = 1_000_000  # reasoning may be long
_MAX_SENTENCE = 400
_THINKING = ("think", "thinking", "reasoning")
_QUOTES = (("„", "“"), ("“", "”"), ("«", "»"), ("「", "」"), ("『", "』"))
_MAX_QUOTATION = 400
_LISTED = re.compile(
    r"(?i)^\s{0,12}(?:[-*•·+]\s|\(?\d{1,2}[.)、:]|[一二三四五六七八九十]{1,3}[、.]|#{1,6}\s|\*\*\d|step \d)"
)
_END = re.compile(r"(?<=[。!?;؟؛])|(?<=\.)(?=\s)")
_STRAIGHT = re.compile(r'"[^"\n]{0,400}"')


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: `said` as written, `text` for matching; `listed` where it stands in a list; letters counted."""

    said: str
    text: str
    listed: bool
    letters: int


@dataclass(frozen=True, slots=True)
class Prose:
    """The sentences of an answer, and the characters of code that stood between them."""

    sentences: tuple[Sentence, ...]
    code: int


_INFO = re.compile(r"^[\w+-]{0,20}\n")
_CODE = re.compile(r"[{}()\[\];=<>$#\\|&]")
_FEW_SIGNS = 0.02  # of the characters of prose
_SPECIAL = re.compile(r"<\|[\w ]{1,40}\|>(?:(?:system|user|assistant)\b)?")  # a template's marks, said as text


def visible_text(text: str) -> str:
    """Return what the reader sees: the first 20,000 characters without reasoning blocks, closed or not."""
    text = text.lstrip()[:_MAX_RAW]
    for name in _THINKING:
        opening, closing = f"<{name}>", f"</{name}>"
        start, end = text.find(opening), text.find(closing)
        if end >= 0 and not 0 <= start < end:
            text = text[end + len(closing) :]  # the template had opened the block
        kept: list[str] = []
        place = 0
        while (start := text.find(opening, place)) >= 0:
            kept.append(text[place:start])
            end = text.find(closing, start)
            place = len(text) if end < 0 else end + len(closing)
        text = "".join([*kept, text[place:]])
    return _SPECIAL.sub(" ", reveal(text).strip()[:_MAX_CHARACTERS]).strip()


def read_prose(text: str) -> Prose:
    """Split visible text into sentences, code and quotations left out; to match: NFKC, lower case, no apostrophes."""
    parts = unicodedata.normalize("NFKC", text.replace("\u2019", "'")).split("```")
    code = sum(len(part) for part in parts[1::2])
    plain = "\n".join(parts[0::2])
    fenced = "\n".join(_INFO.sub("", part) for part in parts[1::2])
    if not _letters(plain) and _letters(fenced) and len(_CODE.findall(fenced)) <= _FEW_SIGNS * len(fenced):
        plain, code = fenced, 0  # a fence around prose makes no code of it
    unquoted = _without_quotations(plain)
    if _letters(unquoted) < 0.2 * _letters(plain):
        unquoted = plain  # the whole answer stands in quotation marks
    return Prose(tuple(_sentences(unquoted)), code)


def _sentences(text: str) -> list[Sentence]:
    """Cut lines into sentences; marks of a list count for the whole line."""
    found: list[Sentence] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith(">"):
            continue
        listed = _LISTED.match(line)
        for piece in _END.split(line[listed.end() :] if listed else line):
            sentence = " ".join(piece.split()).strip(" *_#")[:_MAX_SENTENCE]
            if letters := _letters(sentence):
                found.append(Sentence(sentence, sentence.lower().replace("'", ""), bool(listed), letters))
    return found


def _without_quotations(text: str) -> str:
    """Leave out what stands in quotation marks on one line."""
    for left, right in _QUOTES:
        pieces = text.split(left)
        kept = [pieces[0]]
        for piece in pieces[1:]:
            quoted, mark, after = piece.partition(right)
            short = bool(mark) and len(quoted) <= _MAX_QUOTATION and "\n" not in quoted
            kept.append(" " + after if short else piece)
        text = "".join(kept)
    return _STRAIGHT.sub(" ", text)


def _letters(text: str) -> int:
    """Count letters of any script."""
    return sum(map(str.isalpha, text))
