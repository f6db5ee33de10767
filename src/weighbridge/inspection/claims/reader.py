"""Read claims from prose: the common ways of saying how large, how trained and when released a model is.

What is not understood is left alone; nothing is guessed. A name's own figures ("Llama 3.1 405B") are no claims.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.claims.claim import Claim, Value
from weighbridge.inspection.claims.facts import plain_name
from weighbridge.inspection.claims.phrases import PHRASES, QUALIFIERS, Phrase, amount, date_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.claims.facts import FactBase

__all__ = ["read_claims"]

# a full stop inside a number or a name ends no sentence
_SENTENCE = re.compile(r"[.!?](?=\s+[A-Z\"'(\[*_#-]|\s*$)|\n\s*\n|\n(?=\s*[-*#|])|;\s")
_OTHER = r"-(?:V?\d|Lite|Coder|Max|Next|VL|Math|Distill|Exp|Terminus)"  # the name of another model goes on so
_BEFORE = 28  # characters before a figure in which "about" or "more than" belongs to it
_LONGEST_SENTENCE = 2000


@dataclass(frozen=True, slots=True)
class _Mention:
    """A model's name in a sentence."""

    model: str
    start: int
    end: int


def read_claims(text: str, base: FactBase) -> list[Claim]:
    """Return the claims of a text in their order; `line` counts from 1."""
    names = _pattern(base)
    claims: list[Claim] = []
    subject: str | None = None
    for start, sentence in _sentences(text):
        line = text.count("\n", 0, start + len(sentence) - len(sentence.lstrip())) + 1
        mentions = [
            _Mention(base.names[plain_name(found[0])], found.start(), found.end()) for found in names.finditer(sentence)
        ]
        if mentions:
            masked = _mask(sentence, mentions)
            claims += _claims(masked, sentence, mentions, line)
            subject = mentions[0].model if len({mention.model for mention in mentions}) == 1 else None
        elif subject and re.match(r"\s*(it|the model|this model|its|the release)\b", sentence, re.IGNORECASE):
            # a sentence that begins with "it" goes on about the one model of the sentence before
            claims += _claims(sentence, sentence, [_Mention(subject, 0, 0)], line)
        else:
            subject = None
    return claims


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a text with where they start."""
    begin = 0
    for found in _SENTENCE.finditer(text):
        yield begin, text[begin : found.end()][:_LONGEST_SENTENCE]
        begin = found.end()
    yield begin, text[begin:][:_LONGEST_SENTENCE]


def _pattern(base: FactBase) -> re.Pattern[str]:
    """Return a pattern of every name, longest first; a name does not go on in another number or version."""
    names = sorted({name for name, _ in base.spellings}, key=len, reverse=True)
    written = (r"[-_\s]?".join(re.escape(part) for part in re.split(r"[-_\s]+", name)) for name in names)
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(written)})(?!\w|\.\d|{_OTHER})", re.IGNORECASE)


def _mask(sentence: str, mentions: list[_Mention]) -> str:
    """Blank the names out, so that their own figures are not read."""
    for mention in mentions:
        sentence = sentence[: mention.start] + "\x00" * (mention.end - mention.start) + sentence[mention.end :]
    return sentence


def _claims(masked: str, sentence: str, mentions: list[_Mention], line: int) -> Iterator[Claim]:
    """Yield the claims of one sentence, each with the name that stands nearest before it."""
    taken: list[tuple[int, int]] = []
    claims: list[tuple[int, Claim]] = []
    for phrase in PHRASES:
        for found in phrase.pattern.finditer(masked):
            place = found.start(), found.end()
            if any(place[0] < end and start < place[1] for start, end in taken):
                continue
            value, unit = _value(phrase, found)
            if value is None:
                continue
            taken.append(place)
            before = masked[max(0, place[0] - _BEFORE) : place[0]].lower() + masked[place[0] : place[0] + 12].lower()
            qualifier = next((name for name, pattern in QUALIFIERS if pattern.search(before)), "")
            claim = Claim(
                model=_owner(mentions, place[0]),
                quantity=phrase.quantity,
                value=value,
                unit=unit,
                is_about=qualifier == "about",
                bound="over" if qualifier == "over" else "under" if qualifier == "under" else "",
                words=" ".join(sentence.split()),
                line=line,
            )
            claims.append((place[0], claim))
    for _, claim in sorted(claims, key=lambda pair: pair[0]):
        yield claim


def _value(phrase: Phrase, found: re.Match[str]) -> tuple[Value | None, float]:
    """Return what a phrase says, and the size of its last digit."""
    if phrase.reads == "date":
        return date_of(found), 0.0
    if phrase.reads == "word":
        return phrase.word(found["word"]), 0.0
    read = amount(found)
    return (None, 0.0) if read is None else (phrase.scale * read[0], phrase.scale * read[1])


def _owner(mentions: list[_Mention], place: int) -> str:
    """Return the model that a figure is said of: the last one named before it, else the first one after."""
    before = [mention for mention in mentions if mention.end <= place]
    return (before[-1] if before else mentions[0]).model
