"""Read claims from prose: the common ways of saying how large, how trained and when released a model is.

What is not understood is left alone; nothing is guessed. A name's own figures ("Llama 3.1 405B") are no claims.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.inspection.claims.claim import Bound, Claim, Quantity, Value
from weighbridge.inspection.claims.names import plain_name
from weighbridge.inspection.claims.reading.blocks import Block, cut_blocks, sentences
from weighbridge.inspection.claims.reading.grammar import grammar
from weighbridge.inspection.claims.reading.mentions import Mention, find_mentions
from weighbridge.inspection.claims.reading.owners import groups_of, owners_of
from weighbridge.inspection.claims.reading.phrases import Phrase, phrases
from weighbridge.inspection.claims.reading.tables import is_label_line, labelled_claims, table_claims
from weighbridge.inspection.claims.reading.values import amount, bound_before, date_of, is_about_before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.claims.facts import FactBase

__all__ = ["read_claims"]

_ABOUT_IT = grammar("about_it")
_QUESTION = re.compile(r"\?[\"'\u201d)]*\s*$")
_DOUBTED = grammar("doubted")
_MODAL = grammar("modal")
_DENIED = grammar("denied")
_NOT_ONLY = grammar("not_only")
_RANGE = grammar("range")
_OPEN_LIST = grammar("open_list")
_LISTED = grammar("listed")
_NUMBERS_PLACE = 80
# where the clause about a phrase ends: a date's goes beyond commas, a word's beyond names
_EDGES = {"amount": r"[,;:()\x00]", "ratio": r"[,;:()\x00]", "word": r"[,;:()]", "date": r"[;:()]"}
_MODEL_LABEL = re.compile(r"\b(?:model|name)\W*$", re.IGNORECASE)
_BOTH = re.compile(r"\s*both\b", re.IGNORECASE)
_FEWEST = 1e6  # a smaller count is not one of parameters, a larger one not one of layers
_MANY = frozenset({Quantity.TOTAL_PARAMETERS, Quantity.ACTIVE_PARAMETERS, Quantity.MTP_PARAMETERS,
                   Quantity.TRAINING_TOKENS})  # fmt: skip
_FEW = frozenset({Quantity.EXPERTS, Quantity.EXPERTS_USED, Quantity.SHARED_EXPERTS, Quantity.LAYERS,
                  Quantity.ATTENTION_HEADS, Quantity.KV_HEADS, Quantity.HIDDEN_SIZE, Quantity.LANGUAGES})  # fmt: skip
_TOPIC = re.compile(r"\bMLA\b|\bmulti-head latent attention\b", re.IGNORECASE)
_OF_TOPICS = frozenset({Quantity.KV_CACHE_SAVING, Quantity.TRAINING_COST_SAVING})


@dataclass(slots=True)
class _Reading:
    """Where a reader stands: the brands named so far, the heading's model, the model of the sentence before."""

    base: FactBase
    seen: set[str] = field(default_factory=set)
    headings: list[tuple[int, str | None]] = field(default_factory=list)
    last: str | None = None
    pair: list[Mention] = field(default_factory=list)

    @property
    def heading(self) -> str | None:
        """The model that the headings above name, the nearest that names any."""
        return next((model for _, model in reversed(self.headings) if model), None)


def read_claims(text: str, base: FactBase) -> list[Claim]:
    """Return the claims of a text in their order; `line` counts from 1."""
    reading = _Reading(base)
    claims: list[Claim] = []
    for block in cut_blocks(text):
        if block.kind == "heading":
            _enter(reading, block)
            claims += _sentence(reading, block.text, block.line, is_entry=False)
            reading.last = None
        elif block.kind == "table":
            claims += table_claims(block, base, reading.seen)
            reading.last = None
        else:
            is_entry = block.kind == "entry"
            for line, sentence in sentences(block):
                claims += _sentence(reading, sentence, line, is_entry=is_entry)
    return claims


def _enter(reading: _Reading, block: Block) -> None:
    """Take a heading in: the one model it names, or none; deeper headings go."""
    mentions = find_mentions(block.text, reading.base.names, reading.seen)
    models = {mention.model for mention in mentions}
    while reading.headings and reading.headings[-1][0] >= block.level:
        reading.headings.pop()
    one = mentions[0].model if len(models) == 1 and not mentions[0].is_object else None
    if mentions and one is None:
        reading.headings = [(level, None) for level, _ in reading.headings]
    reading.headings.append((block.level, one))


def _sentence(reading: _Reading, sentence: str, line: int, *, is_entry: bool) -> Iterator[Claim]:
    """Yield the claims of one sentence."""
    mentions = find_mentions(sentence, reading.base.names, reading.seen)
    if not mentions and (topic := _TOPIC.search(sentence)):
        mentions = [Mention(reading.base.names.topics[plain_name(topic[0])], *topic.span())]
    subject: list[Mention] = mentions
    masked = _mask(sentence, mentions)
    if not mentions and reading.pair and _BOTH.match(sentence):
        subject = [Mention(mention.model, 0, 0) for mention in reading.pair]
    elif not mentions:
        about = reading.last if _ABOUT_IT.match(sentence) else None
        key = (
            about
            or (reading.heading if is_entry or is_label_line(sentence) or _ABOUT_IT.match(sentence) else None)
            or (reading.last if is_entry else None)
        )
        if key is None:
            reading.last = reading.last if is_entry else None
            return
        subject = [Mention(key, 0, 0)]
    elif len({mention.model for mention in mentions}) == 1:
        leads = not is_entry or (len(mentions) == 1 and _leads(sentence[: mentions[0].start]))
        reading.last = mentions[0].model if leads and not mentions[0].is_object else None
    else:
        first = [mention for mention in mentions if not mention.is_object]
        groups = groups_of(sentence, mentions)
        reading.pair = groups[0] if len(groups) == 1 and len(groups[0]) == 2 else []  # noqa: PLR2004 - both
        reading.last = first[0].model if len({mention.model for mention in first}) == 1 else None
    if _QUESTION.search(sentence) or _DOUBTED.search(sentence):
        return
    if len(subject) == 1 and (claims := labelled_claims(masked, reading.base, subject[0].model, line)):
        yield from claims
        return
    yield from _read(reading, masked, sentence, subject, line)
    yield from _open_list(reading, masked, sentence, mentions, line)


def _open_list(reading: _Reading, masked: str, sentence: str, mentions: list[Mention], line: int) -> Iterator[Claim]:
    """Yield that models are open which a sentence lists as such: "open models such as A, B and C"."""
    found = _OPEN_LIST.search(masked)
    end = found.end() if found else 0
    for mention in mentions if found else ():
        gap = masked[end : mention.start] if mention.start >= end else None
        if gap is None or (gap.strip() and not _LISTED.fullmatch(gap)):
            if gap is None:
                continue
            return
        if mention.model is not None:
            model = reading.base.names.shown(mention.model)
            yield Claim(model, Quantity.OPEN_WEIGHTS, "yes", words=" ".join(sentence.split()), line=line)
        end = mention.end


def _leads(ahead: str) -> bool:
    """Whether a name that stands behind these words is what its list entry is about: "- Model: ..."."""
    return len(re.sub(r"\W", "", ahead)) <= len("the") or _MODEL_LABEL.search(ahead) is not None


def _mask(sentence: str, mentions: list[Mention]) -> str:
    """Blank the names out, so that their own figures are not read."""
    for mention in mentions:
        sentence = sentence[: mention.start] + "\x00" * (mention.end - mention.start) + sentence[mention.end :]
    return sentence


@dataclass(frozen=True, slots=True)
class _Said:
    """A phrase found in a sentence: where it stands, where its figure does, and what it says."""

    phrase: Phrase
    start: int
    number: int
    end: int
    value: Value
    unit: float
    is_more: bool = False


def _read(reading: _Reading, masked: str, sentence: str, mentions: list[Mention], line: int) -> Iterator[Claim]:
    groups = groups_of(sentence, mentions) if mentions[0].end else [mentions]
    words = " ".join(sentence.split())
    is_range = _RANGE.search(masked) is not None
    for said in _phrases(masked):
        quantity = said.phrase.quantity
        ahead = masked[max(0, said.number - _NUMBERS_PLACE) : said.number]
        is_denied = bool(_DENIED.search(ahead)) and not _NOT_ONLY.search(ahead)
        if said.phrase.reads == "amount" and is_range:
            continue
        if _MODAL.search(ahead) or (is_denied and said.phrase.reads != "word"):
            continue
        owners = owners_of(masked, groups, said.start, said.number, said.end)
        if quantity in _OF_TOPICS and (topic := _TOPIC.search(masked[: said.number])):
            owners = [reading.base.names.topics[plain_name(topic[0])]]
        against = ""
        if quantity in (Quantity.SIZE_RATIO, Quantity.TRAINING_COMPUTE_RATIO):
            other = next((mention for mention in mentions if mention.start >= said.end), None)
            if other is not None and (other.model is None or not 0 <= other.start - said.end < 60):  # noqa: PLR2004
                continue
            against = reading.base.names.shown(other.model) if other and other.model else ""
            before = [group for group in groups if group[-1].end <= said.start]
            owners = owners_of(masked, before, said.start, said.number, said.end) if before else []
            if quantity == Quantity.SIZE_RATIO and not against:
                continue
        is_topic = quantity not in _OF_TOPICS and _TOPIC.fullmatch(sentence[mentions[0].start : mentions[0].end])
        if is_topic or (len(owners) > 1 and "respectively" in sentence):
            continue
        for key in owners:
            yield Claim(
                model=reading.base.names.shown(key), quantity=quantity, value=said.value, unit=said.unit,
                is_about=is_about_before(masked[: said.number]),
                bound=_bound(said, masked),
                is_denied=is_denied, against=against, words=words, line=line,
            )  # fmt: skip


def _bound(said: _Said, masked: str) -> Bound:
    """Return whether a figure is said to be more or less than it."""
    if said.phrase.reads != "amount":
        return ""
    return bound_before(masked[: said.number]) or ("over" if said.is_more else "")


def _phrases(masked: str) -> list[_Said]:
    """Return the phrases of a sentence by place; a more telling one keeps others from its words."""
    taken: list[tuple[int, int]] = []
    found_all: list[_Said] = []
    for phrase in phrases():
        for found in phrase.pattern.finditer(masked):
            start, end = found.span()
            start += masked[start] == "\x00"
            number = (
                found.start("number")
                if phrase.reads == "amount"
                else start
                if phrase.reads == "date"
                else found.start("word")
            )
            core = (number, end) if phrase.reads == "amount" else (start, end)
            if any(core[0] < stop and begin < core[1] for begin, stop in taken):
                continue
            if phrase.unless and phrase.unless.search(_around(masked, start, end, phrase)):
                continue
            value, unit = _value(phrase, found)
            if value is None or _is_odd(phrase.quantity, value):
                continue
            taken.append(core)
            is_more = phrase.reads == "amount" and bool(found.groupdict().get("plus"))
            begin = number if phrase.reads == "word" else start
            found_all.append(_Said(phrase, begin, number, end, value, unit, is_more))
    return sorted(found_all, key=lambda said: said.number)


def _is_odd(quantity: Quantity, value: Value) -> bool:
    """Whether a number is no count of the kind: 8 parameters, 32 billion experts."""
    if isinstance(value, str):
        return False
    return value < _FEWEST if quantity in _MANY else value >= _FEWEST if quantity in _FEW else False


def _around(masked: str, start: int, end: int, phrase: Phrase) -> str:
    """Return a phrase with the words about it, within its clause: no farther than a comma or a name."""
    ahead = re.split(_EDGES[phrase.reads], masked[max(0, start - phrase.before) : start])[-1]
    behind = re.split(r"[,;()\x00]", masked[end : end + phrase.after])[0]
    return f"{ahead}{masked[start:end]}{behind}"


def _value(phrase: Phrase, found: re.Match[str]) -> tuple[Value | None, float]:
    """Return what a phrase says, and the size of its last digit."""
    if phrase.reads == "date":
        return date_of(found), 0.0
    if phrase.reads == "word":
        return phrase.word(found["word"]), 0.0
    if phrase.reads == "ratio":
        return _ratio(found["word"]), 0.0
    read = amount(found)
    return (None, 0.0) if read is None else (phrase.scale * read[0], phrase.scale * read[1])


_RATIOS = {
    "half": 0.5, "third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "tenth": 0.1, "eleventh": 1 / 11, "twentieth": 0.05,
    "twice": 2.0, "double": 2.0, "triple": 3.0, "three": 3.0, "four": 4.0, "five": 5.0, "ten": 10.0,
}  # fmt: skip


def _ratio(text: str) -> float | None:
    """Return what a fraction or a multiple says."""
    if number := re.match(r"\d+(?:\.\d+)?", text):
        return float(number[0])
    parts = re.split(r"[\s-]+", text.lower())
    return next((_RATIOS[part] for part in (*parts[1:2], *parts[:1]) if part in _RATIOS), None)
