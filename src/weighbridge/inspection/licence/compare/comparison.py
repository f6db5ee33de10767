"""Hold a text against one reference: what parts them, what is left over, how much of either is in the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.compare.align import Gap, align
from weighbridge.inspection.licence.compare.immaterial import immaterial_kind
from weighbridge.inspection.licence.compare.side import Side
from weighbridge.inspection.licence.identity import Difference, DifferenceKind
from weighbridge.inspection.licence.words.lexicon import load_lexicon, load_vocabulary
from weighbridge.inspection.licence.words.shingles import code_of

if TYPE_CHECKING:
    from weighbridge.inspection.licence.reference import Reference
    from weighbridge.inspection.licence.words.tokens import Words

__all__ = ["Comparison", "compare"]

_A_CLAUSE = 12
_FAR = 30
_MARKER = 8  # words of the line that begins the passage
_CONTEXT = 6
_PARTIAL = 2  # a cut may leave the beginning of a word or two
_TITLE_LINE = 14
_CUT_WEIGHT = 0.15
_CUT_MOST = 20.0
_TITLE_WEIGHT = 25
_LOST_WEIGHT = 1.5
_TITLE_WORDS = frozenset({"agreement", "use", "service", "services", "rights", "terms"})
_KINDS = (
    ("negations", DifferenceKind.NEGATION),
    ("territories", DifferenceKind.TERRITORY),
    ("commercial", DifferenceKind.COMMERCIAL),
    ("modals", DifferenceKind.MODAL),
)


@dataclass
class Comparison:
    """A text against a reference. `lead` and `tail` are the words (first, last not included) that lie around it."""

    words: Words
    reference: Reference
    matched: int = 0
    differences: list[Difference] = field(default_factory=list)
    lead: tuple[int, int] = (0, 0)
    tail: tuple[int, int] = (0, 0)
    first: int = 0
    last: int = 0
    lost_at_end: int = 0
    lost_at_start: int = 0
    lost_inside: int = 0
    added_inside: int = 0
    edges: list[Difference] = field(default_factory=list)

    @property
    def inside(self) -> list[Difference]:
        """The material differences that are no mere cut and lie in the text itself."""
        return [difference for difference in self.differences if difference.is_material]

    @property
    def found(self) -> float:
        """What share of the reference's words the text holds in order."""
        return self.matched / max(1, len(self.reference.words.tokens))

    @property
    def explained(self) -> float:
        """What share of the text's words the reference holds."""
        return self.matched / max(1, len(self.words.tokens))

    @property
    def similarity(self) -> float:
        """Twice what is shared over the words of both, without what lies around the text."""
        return 2 * self.matched / max(1, self.last - self.first + len(self.reference.words.tokens))

    @property
    def score(self) -> float:
        """How well the reference accounts for the text: what it explains, less what it has beyond."""
        cut = min(_CUT_WEIGHT * self.lost_at_end, _CUT_MOST) + min(self.lost_at_start, 2 * _CUT_MOST)
        titles = sum(1 for difference in self.inside if difference.kind is DifferenceKind.TITLE)
        lost = _LOST_WEIGHT * self.lost_inside + 0.5 * self.added_inside + 2 * len(self.inside) + _TITLE_WEIGHT * titles
        return 1.25 * self.matched - lost - cut - 0.1 * len(self.differences)


def compare(words: Words, reference: Reference) -> Comparison:
    """Return what parts a text from a reference."""
    tokens = [f"{code_of(token):x}" for token in words.tokens] if reference.is_hashed else words.tokens
    gaps = _cut_short(align(tokens, reference.words.tokens), tokens, reference)
    size, ref_size = len(tokens), len(reference.words.tokens)
    found = Comparison(words, reference, size - sum(gap.last - gap.first for gap in gaps), last=size)
    for gap in gaps:
        at_start = gap.first == 0 and gap.ref_first == 0
        at_end = gap.last == size and gap.ref_last == ref_size
        if at_start and at_end:
            continue
        if at_start:
            found.first = gap.last
            _read_start(found, gap)
        elif at_end:
            found.last = gap.first
            _read_end(found, gap)
        else:
            _read_inside(found, gap)
    return found


def _cut_short(gaps: list[Gap], tokens: list[str], reference: Reference) -> list[Gap]:
    """End the text where its optional last passage is not next: later words that look like it are another's."""
    if reference.is_hashed or not reference.optional_after:
        return gaps
    optional = reference.optional[1]
    for at, gap in enumerate(gaps):
        if gap.ref_first - _MARKER <= optional <= gap.ref_last and gap.last - gap.first > _FAR:
            return [*gaps[:at], Gap(gap.first, len(tokens), gap.ref_first, len(reference.words.tokens))]
    return gaps


def _read_inside(found: Comparison, gap: Gap) -> None:
    text, other = _sides(found, gap)
    kind = _kind_if_immaterial(text, other, found.reference)
    if kind is None:
        found.lost_inside += len(other.tokens)
        found.added_inside += len(text.tokens)
        found.differences.append(_material(text, other, found.reference))
    else:
        found.differences.append(_difference(kind, text, other, is_material=False))


def _read_start(found: Comparison, gap: Gap) -> None:
    """Judge what stands before the first common word: titles, notices; the rest is left over."""
    text, other = _sides(found, gap)
    reference = found.reference
    kind = _kind_if_immaterial(text, other, reference)
    if kind is not None and kind is not DifferenceKind.HEADING:
        found.differences.append(_difference(kind, text, other, is_material=False))
        return
    title_replaced = not reference.is_hashed and other.first <= reference.title[0] < reference.title[1] <= other.last
    left = [line for line in _lines(text) if _judge_line(found, line, title_replaced=title_replaced)]
    if left:
        found.lead = (left[0].first, left[-1].last)
    if other.tokens and not _is_dispensable(other, reference):
        found.lost_at_start = len(other.tokens)
        found.edges.append(_difference(DifferenceKind.MISSING, Side(found.words, 0, 0), other, is_material=True))
    elif other.tokens:
        nothing = Side(found.words, gap.last, gap.last)
        found.differences.append(_difference(DifferenceKind.HEADING, nothing, other, is_material=False))


def _judge_line(found: Comparison, line: Side, *, title_replaced: bool) -> bool:
    """Record a line before the text that is a notice or a title; return True where it is left over."""
    if line.in_copyright and not line.obliges:
        found.differences.append(_difference(DifferenceKind.COPYRIGHT, line, _nothing(found), is_material=False))
        return False
    is_title = len(line.tokens) <= _TITLE_LINE and any(
        word.startswith("licen") or word in {"agreement", "terms", "policy", "lizenz", "licencia"} or word in "许协"
        for word in line.tokens
    )
    loose = [word for word in line.tokens if word not in _TITLE_WORDS and word not in found.reference.title_words]
    if not is_title or (load_lexicon().has("binding", loose) and not _qualifies(line)):
        return True
    if _qualifies(line) or (title_replaced and _names_another(found.reference, line)):
        found.differences.append(_difference(DifferenceKind.TITLE, line, _title(found), is_material=True))
    else:
        found.differences.append(_difference(DifferenceKind.HEADING, line, _nothing(found), is_material=False))
    return False


def _qualifies(line: Side) -> bool:
    """Whether a title says that the text is not the plain licence."""
    return load_lexicon().has("qualifies", line.tokens)


def _names_another(reference: Reference, line: Side) -> bool:
    """Whether a title line holds names or numbers and shares none with the reference's own name."""
    own = reference.title_words | frozenset(reference.licence_id.split("-"))
    telling = {word for word in line.tokens if word not in load_vocabulary() or word[0].isdigit()}
    telling -= load_lexicon().sets["articles"]
    numbers = {word for word in telling if word[0].isdigit()}
    own_numbers = {word for word in own if word[0].isdigit()}
    clash = bool(numbers and own_numbers and numbers.isdisjoint(own_numbers))
    return clash or (bool(telling) and telling.isdisjoint(own))


def _read_end(found: Comparison, gap: Gap) -> None:
    """Judge what stands after the last common word: a cut, a notice, or words left over."""
    text, other = _sides(found, gap)
    kind = _kind_if_immaterial(text, other, found.reference)
    if kind is not None and other.tokens:
        found.differences.append(_difference(kind, text, other, is_material=False))
        return
    if other.tokens and _is_dispensable(other, found.reference):
        nothing = Side(found.words, gap.last, gap.last)
        found.differences.append(_difference(DifferenceKind.SURROUNDING, nothing, other, is_material=False))
    elif other.tokens:
        found.lost_at_end = len(other.tokens)
        nothing = Side(found.words, gap.last, gap.last)
        found.edges.append(_difference(DifferenceKind.MISSING, nothing, other, is_material=True))
        if len(text.tokens) <= _PARTIAL and text.tokens and other.tokens[0].startswith(text.tokens[0]):
            return
    if text.tokens:
        found.tail = (gap.first, gap.last)


def _is_dispensable(other: Side, reference: Reference) -> bool:
    """Whether a copy may leave out words at an end: headings, notices, blanks, how to apply."""
    if reference.is_hashed:
        return False
    return all(
        reference.is_heading(at, at + 1)
        or reference.is_optional(at, at + 1)
        or reference.is_placeholder(at, at + 1)
        or Side(other.words, at, at + 1).in_copyright
        or _in_copyright_line(other.words, at)
        for at in range(other.first, other.last)
    )


def _in_copyright_line(words: Words, at: int) -> bool:
    return words.line_text(at).strip(" *#/\t").lower().startswith(("copyright", "(c)", "©", "all rights reserved"))


def _sides(found: Comparison, gap: Gap) -> tuple[Side, Side]:
    return Side(found.words, gap.first, gap.last), Side(found.reference.words, gap.ref_first, gap.ref_last)


def _nothing(found: Comparison) -> Side:
    return Side(found.reference.words, 0, 0)


def _title(found: Comparison) -> Side:
    return _nothing(found) if found.reference.is_hashed else Side(found.reference.words, *found.reference.title)


def _lines(side: Side) -> list[Side]:
    """Return the words line by line."""
    groups: list[Side] = []
    for at in range(side.first, side.last):
        if groups and side.words.line(at) == side.words.line(at - 1):
            groups[-1] = Side(side.words, groups[-1].first, at + 1)
        else:
            groups.append(Side(side.words, at, at + 1))
    return groups


def _kind_if_immaterial(text: Side, other: Side, reference: Reference) -> DifferenceKind | None:
    if not reference.is_hashed:
        return immaterial_kind(text, other, reference)
    # hashes quote nothing: only words of the text alone can be recognised
    if not other.tokens and text.in_copyright and not text.obliges:
        return DifferenceKind.COPYRIGHT
    return None


def _material(text: Side, other: Side, reference: Reference) -> Difference:
    """Return a material difference under the kind that says most."""
    lexicon = load_lexicon()
    kind = DifferenceKind.CHANGED
    sizes = len(text.tokens), len(other.tokens)
    first, last = reference.title
    if reference.is_hashed:
        kind = DifferenceKind.CHANGED if all(sizes) else DifferenceKind.ADDED if sizes[0] else DifferenceKind.MISSING
    elif not sizes[0] and sizes[1] >= _A_CLAUSE:
        kind = DifferenceKind.MISSING
    elif not sizes[1] and sizes[0] >= _A_CLAUSE:
        kind = DifferenceKind.ADDED
    elif first <= other.first < other.last <= last:
        kind = DifferenceKind.TITLE
    elif lexicon.numbers(text.tokens) != lexicon.numbers(other.tokens):
        kind = DifferenceKind.NUMBER
    else:
        for name, its_kind in _KINDS:
            if lexicon.those(name, text.tokens) != lexicon.those(name, other.tokens):
                kind = its_kind
                break
        else:
            if not all(sizes):
                kind = DifferenceKind.ADDED if sizes[0] else DifferenceKind.MISSING
    return _difference(kind, text, other, is_material=True)


def _difference(kind: DifferenceKind, text: Side, other: Side, *, is_material: bool) -> Difference:
    """Return a difference with its words; a material one of few words with what stands around them."""
    context = _CONTEXT if is_material and len(text.tokens) < _CONTEXT and len(other.tokens) < _A_CLAUSE else 0
    return Difference(kind, _quote(text, context), _quote(other, context), is_material, text.words.line(text.first))


def _quote(side: Side, context: int) -> str:
    if not side.words.spans:
        return ""
    return side.words.quote(max(0, side.first - context), min(len(side.words.tokens), side.last + context))
