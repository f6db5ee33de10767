"""Recognise differences that touch no term; what none of these recognises is material."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.compare.slips import are_one_word
from weighbridge.inspection.licence.identity import DifferenceKind
from weighbridge.inspection.licence.words.lexicon import load_lexicon, load_vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.licence.compare.side import Side
    from weighbridge.inspection.licence.reference import Reference

__all__ = ["immaterial_kind"]

_LONGEST_NAME = 24
_LONGEST_ADDED_NAME = 6
_A_PASSAGE = 12
_LONGEST_NOTICE = 60
_LONGEST_HEADING = 14
_LONGEST_FILL = 12
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATE_WITHIN = 8


def immaterial_kind(text: Side, other: Side, reference: Reference) -> DifferenceKind | None:
    """Return why a difference touches no term, or None."""
    checks: tuple[tuple[DifferenceKind, Callable[[], bool]], ...] = (
        (DifferenceKind.SPELLING, lambda: are_one_word(text.tokens, other.tokens)),
        (DifferenceKind.WORDING, lambda: _all_in("articles", text, other)),
        (DifferenceKind.NUMBERING, lambda: _is_numbering(text) and _is_numbering(other)),
        (DifferenceKind.COPYRIGHT, lambda: _is_copyright(text, other, reference)),
        (DifferenceKind.DATE, lambda: _is_date(text, other)),
        (DifferenceKind.NAME, lambda: _is_name(text, other, reference)),
        (DifferenceKind.NAME, lambda: _is_holder(text, other, reference)),
        (DifferenceKind.HEADING, lambda: _fills_title(text, other, reference)),
        (DifferenceKind.HEADING, lambda: _is_heading(text, other, reference)),
        (DifferenceKind.SURROUNDING, lambda: _is_left_out(text, other, reference)),
    )
    return next((kind for kind, holds in checks if holds()), None)


def _is_left_out(text: Side, other: Side, reference: Reference) -> bool:
    """Whether a passage that copies may leave out is gone or filled in."""
    is_optional = reference.is_optional(other.first, other.last)
    return is_optional and not text.binds and len(text.tokens) <= _LONGEST_FILL and len(other.tokens) >= _A_PASSAGE


def _all_in(name: str, *sides: Side) -> bool:
    words = load_lexicon().sets[name]
    return all(word in words for side in sides for word in side.tokens)


def _is_numbering(side: Side) -> bool:
    """Whether all words are marks of list items where such marks stand."""
    return all(_is_mark(side, at) for at in range(side.first, side.last))


def _is_mark(side: Side, at: int) -> bool:
    words = side.words
    if not load_lexicon().is_enumerator(words.tokens[at]) or not words.spans:
        return False
    before, after = words.before(at), words.after(at)
    if not (after.startswith((")", ".", "、", "]", " )", ":")) or before.endswith(("(", "§"))):
        return False
    if words.tokens[at][0].isdigit():
        return at == 0 or "\n" in before or bool(re.search(r"[.;:。]", before))
    return True


def _is_copyright(text: Side, other: Side, reference: Reference) -> bool:
    """Whether both sides are notices of who holds the rights, filled in, put in or left out."""
    if len(text.tokens) > _LONGEST_NOTICE or text.obliges or _negates(text, other):
        return False
    if text.tokens and not text.in_copyright:
        return False
    if not other.tokens:
        return bool(text.tokens)
    if other.in_copyright and not other.obliges:
        return True
    return reference.is_placeholder(other.first, other.last) and len(text.tokens) <= _LONGEST_NOTICE


def _negates(text: Side, other: Side) -> bool:
    """Whether one side has a negation that the other has not."""
    lexicon = load_lexicon()
    return lexicon.those("negations", text.tokens) != lexicon.those("negations", other.tokens)


def _is_date(text: Side, other: Side) -> bool:
    """Whether the date of the copy or release changed, not a date in a term."""
    lexicon = load_lexicon()
    sets = lexicon.sets

    def dated(side: Side) -> bool:
        return all(
            word in sets["months"] or word in sets["dating"] or _YEAR.fullmatch(word) or _is_day(word)
            or re.fullmatch(r"[年月日\d]+", word)
            for word in side.tokens
        )  # fmt: skip

    if not dated(text) or not dated(other) or not (text.tokens and other.tokens):
        return False
    near = other.around(4) + other.tokens
    if not any(word in sets["months"] or _YEAR.fullmatch(word) or word in "年月日" for word in near):
        return False
    return any(word in sets["dating"] and word not in {"of", "as", "last"} for word in other.before(_DATE_WITHIN))


def _is_day(word: str) -> bool:
    return bool(re.fullmatch(r"(?:[0-2]?\d|3[01])(?:st|nd|rd|th)?", word))


def _is_name(text: Side, other: Side, reference: Reference) -> bool:
    """Whether names of products, companies or addresses were put for others, or fill a blank."""
    if max(len(text.tokens), len(other.tokens)) > _LONGEST_NAME or text.binds:
        return False
    if reference.is_placeholder(other.first, other.last):
        return bool(text.tokens) and len(text.tokens) <= _LONGEST_FILL
    if not text.is_named or _loses_title_name(text, other, reference):
        return False
    if other.tokens and text.tokens:
        return other.is_named or _all_in("holders", other)
    present = text if text.tokens else other
    if present.binds or len(present.tokens) > _LONGEST_ADDED_NAME or not present.is_named:
        return False
    return _is_address(present) or _extends_a_name(present)


def _loses_title_name(text: Side, other: Side, reference: Reference) -> bool:
    """Whether a name of the title is gone: then it is another product's licence, word for word.

    "Hunyuan A13B" may become "HunyuanVideo", but "Llama 3.1" not "Llama 3.2".
    """
    own = (reference.title_words - load_lexicon().sets["roles"]).intersection(other.tokens)
    return any(
        word not in text.tokens and (word[0].isdigit() or not any(word in name for name in text.tokens)) for word in own
    )


def _is_holder(text: Side, other: Side, reference: Reference) -> bool:
    """Whether a template's holder or author is named or called otherwise: only in texts that anybody may take up."""
    if not reference.is_template or text.obliges or max(len(text.tokens), len(other.tokens)) > _LONGEST_NAME:
        return False
    sets = load_lexicon().sets
    if _negates(text, other):
        return False
    if "foundation" in other.before(6) and "inc" in other.before(3):
        return not other.binds and not text.binds  # the Free Software Foundation moved, and then had a web page
    plain = sets["holders"] | sets["holder_links"]
    if not plain.issuperset(other.tokens):
        return False
    if sets["holders"].isdisjoint(other.tokens):
        return plain.issuperset(text.tokens) and not sets["holders"].isdisjoint(text.tokens + text.around(3))
    return bool(text.tokens) and all(_may_name(text, at) for at in range(text.first, text.last))


def _may_name(side: Side, at: int) -> bool:
    """Whether a word may be part of a holder's name, or of how holders are called."""
    sets = load_lexicon().sets
    word, raw = side.words.tokens[at], side.words.raw(at)
    if word in sets["holders"] or word in sets["holder_links"] or word in sets["organisations"]:
        return True
    return _is_no_word(word) or (raw[0].isupper() and not raw.isupper() and word not in sets["binding"])


def _is_no_word(word: str) -> bool:
    """Whether licences do not use a word as such: then it is part of a name."""
    return word not in load_vocabulary() and not load_lexicon().has("binding", [word])


def _fills_title(text: Side, other: Side, reference: Reference) -> bool:
    """Whether words of the title were repeated in it: "The MIT License (MIT)"."""
    first, last = reference.title
    within = first <= other.first <= other.last <= last and first < last
    known = reference.title_words | load_lexicon().sets["articles"] | frozenset(reference.licence_id.split("-"))
    return within and not other.tokens and known.issuperset(text.tokens)


def _is_address(side: Side) -> bool:
    return all("@" in word or "/" in word or ("." in word and not word[0].isdigit()) for word in side.tokens)


def _extends_a_name(side: Side) -> bool:
    """Whether names put in or left out stand beside a name, in a list or as its second half."""
    if load_lexicon().has("territories", side.tokens):
        return False
    beside = [at for at in (side.first - 1, side.last) if 0 <= at < len(side.words.tokens)]
    return any(side.words.raw(at)[0].isupper() and type(side)(side.words, at, at + 1).is_named for at in beside)


def _is_heading(text: Side, other: Side, reference: Reference) -> bool:
    """Whether a heading was put in, left out, translated or worded otherwise."""
    if len(text.tokens) > _LONGEST_HEADING or _says_more(text, other):
        return False
    if not other.tokens:
        return bool(text.tokens) and _fills_lines(text)
    if not text.tokens:
        return reference.is_whole_heading(other.first, other.last)
    lost = [word for word in other.tokens if word not in text.tokens]
    is_foreign = not "".join(text.tokens).isascii()
    loses = not is_foreign and load_lexicon().has("binding", lost)
    return not loses and reference.is_heading(other.first, other.last)


def _says_more(text: Side, other: Side) -> bool:
    """Whether words in a heading's place may bind, or hold a number that marks no item."""
    lexicon = load_lexicon()
    new = [word for word in text.tokens if word not in other.tokens]
    # a translated heading may say what the heading said: "termination" binds nobody where it only heads
    is_translated = bool(other.tokens) and not "".join(text.tokens).isascii()
    tables = ("negations", "commercial", "territories") if is_translated else ("binding", "territories")
    if any(lexicon.has(name, new) for name in tables):
        return True
    return any(word[0].isdigit() and not _is_enumerated(text, word) for word in new)


def _is_enumerated(side: Side, number: str) -> bool:
    return any(side.words.tokens[at] == number and _is_mark(side, at) for at in range(side.first, side.last))


def _fills_lines(side: Side) -> bool:
    """Whether the words are all the words of their lines, and no sentence."""
    words = side.words
    if side.first > 0 and words.line(side.first - 1) == words.line(side.first):
        return False
    if side.last < len(words.tokens) and words.line(side.last) == words.line(side.last - 1):
        return False
    return not words.after(side.last - 1).lstrip(" *_)").startswith((".", ";", "。", ","))
