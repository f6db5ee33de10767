"""Name a licence text, or say why it cannot be named: nearest references first, then every difference to the best."""

from __future__ import annotations

from weighbridge.inspection.licence.base import Base, load_base
from weighbridge.inspection.licence.compare.comparison import Comparison, compare
from weighbridge.inspection.licence.compare.side import Side
from weighbridge.inspection.licence.heading import contradictions
from weighbridge.inspection.licence.identity import Difference, DifferenceKind, Identity, Part, Verdict
from weighbridge.inspection.licence.pointers import find_pointer
from weighbridge.inspection.licence.words.lexicon import load_lexicon
from weighbridge.inspection.licence.words.tokens import Words, read_words

__all__ = ["identify"]

_CANDIDATES = 12
_COMPARED = 6
_WORTH = 0.6  # of the best candidate's share
_DEEPEST = 6
_A_LICENCE = 25  # words: what is shorter is no further licence
_SURROUNDING = 60
_FOREIGN_SURROUNDING = 12
_LEAST_LIKE = 0.6
_LEAST_NEAR = 0.3
_LEAST_EXPLAINED = 0.15
_LEAST_CUT = 60
_MUCH = 200
_LEAST_CUT_SHARE = 0.08
_NAMED = (Verdict.IS, Verdict.REVISION)


def identify(text: str, base: Base | None = None) -> Identity:
    """Return what a text is, by the base that ships or another; never raises on any text."""
    base = base or load_base()
    words = read_words(text)
    if not words.tokens:
        return Identity(Verdict.UNKNOWN)
    return _identify(words, base, 0)


def _identify(words: Words, base: Base, depth: int) -> Identity:
    same = base.exactly(words.tokens)
    if same is not None and depth == 0:
        return _plain(compare(words, same), base)
    best, others = _best(words, base)
    if best is None or not _is_like(best):
        pointer = find_pointer(words, base)
        if pointer is not None:
            return pointer
        near = best.reference.licence_id if best and best.similarity >= _LEAST_NEAR else None
        return _identity(Verdict.UNKNOWN, best, nearest=near) if best and near else Identity(Verdict.UNKNOWN)
    return _judge(best, others, base, depth)


def _best(words: Words, base: Base) -> tuple[Comparison | None, list[Comparison]]:
    """Return the reference that accounts best for a text, and the runners-up."""
    candidates = base.nearest(words.tokens, _CANDIDATES)
    if not candidates:
        return None, []
    worth = max(candidate.found for candidate in candidates) * _WORTH
    compared: list[Comparison] = []
    for candidate in candidates:
        if candidate.found >= worth and len(compared) < _COMPARED:
            compared.append(compare(words, candidate.reference))
            if compared[-1].explained > 0.999 and not compared[-1].edges and not compared[-1].inside:  # noqa: PLR2004
                break
    compared.sort(key=lambda comparison: -comparison.score)
    return compared[0], compared[1:]


def _is_like(best: Comparison) -> bool:
    """Whether a text is built from a reference, or is a good piece of it."""
    if best.similarity >= _LEAST_LIKE or best.found >= 0.8:  # noqa: PLR2004 - nearly all of it stands there
        return True
    is_cut = best.lost_at_end > best.lost_inside + best.lost_at_start and best.explained >= 0.7  # noqa: PLR2004
    return is_cut and best.matched >= _LEAST_CUT and best.found >= _LEAST_CUT_SHARE


def _judge(best: Comparison, others: list[Comparison], base: Base, depth: int) -> Identity:
    """Read what is left over around the text, then say how it stands to its reference."""
    left = [span for span in (best.lead, best.tail) if span[1] > span[0]]
    parts: list[Part] = []
    riders: list[Difference] = []
    harmless: list[Difference] = []
    for first, last in left:
        side = Side(best.words, first, last)
        more = _may_be_more(first, last, depth) and not _only_disclaims(side.tokens)
        inner = _identify(best.words.part(first, last), base, depth + 1) if more else None
        if inner is not None and _is_part(inner):
            parts += _parts_of(inner, best.words, first, last)
            continue
        if _is_surrounding(side):
            harmless.append(_left_over(DifferenceKind.SURROUNDING, side, is_material=False))
        else:
            riders.append(_left_over(DifferenceKind.ADDED, side, is_material=True))
    best.differences += harmless
    if depth == 0 and not parts:
        titles = contradictions(best, base)
        told = {title.text for title in titles}
        best.differences = [one for one in best.differences if one.is_material or one.text not in told] + titles
    own = _verdict_of(best, riders)
    if parts:
        whole = Part(
            own, _filed(own, best, others, riders), best.reference.licence_id, *_rows(best), (*best.inside, *riders)
        )
        every = sorted([whole, *parts], key=lambda part: part.first_line)
        return Identity(
            Verdict.SEVERAL, None, None, best.reference.licence_id, best.found, best.explained,
            (*best.differences, *best.edges, *riders), tuple(every),
        )  # fmt: skip
    if own in _NAMED:
        return _plain(best, base)
    if best.explained < _LEAST_EXPLAINED:
        return _identity(Verdict.UNKNOWN, best, nearest=best.reference.licence_id)
    return _identity(own, best, licence_id=_filed(own, best, others, riders), more=(*best.edges, *riders))


def _verdict_of(best: Comparison, riders: list[Difference]) -> Verdict:
    if best.inside:
        return Verdict.ALTERED
    if best.edges:
        return Verdict.ALTERED if riders else Verdict.TRUNCATED
    if riders:
        return Verdict.RIDER
    return Verdict.IS


def _filed(verdict: Verdict, best: Comparison, others: list[Comparison], riders: list[Difference]) -> str | None:
    """Return the name under which a text may be filed, where that cannot mislead."""
    own = best.reference.licence_id
    if verdict in _NAMED:
        return own
    if verdict is Verdict.TRUNCATED:
        rivals = [
            other
            for other in others
            if other.reference.licence_id != own and not other.inside and other.matched >= best.matched - 2
        ]
        return None if rivals or not _is_mere_cut(best) else own
    if verdict is Verdict.RIDER and all(_only_disclaims(read_words(rider.text).tokens) for rider in riders):
        return own
    return None


def _is_mere_cut(best: Comparison) -> bool:
    """Whether a text stops in mid sentence or lacks much: a licence that ends earlier would do neither."""
    end = best.words.text[best.words.spans[-1][1] :].strip(" \t\n`*_\"'")
    return not end.startswith((".", "\u3002", ";", ")")) or best.lost_at_end >= _MUCH


def _only_disclaims(tokens: list[str]) -> bool:
    """Whether added words only disclaim warranty and liability: they bind no reader."""
    return load_lexicon().has("disclaims", tokens) and not load_lexicon().has("restricts", tokens)


def _plain(best: Comparison, base: Base) -> Identity:
    """Return the identity of an unaltered text: a revision where its date is not that of the first one known."""
    reference = best.reference
    dates = [difference for difference in best.differences if difference.kind is DifferenceKind.DATE]
    known = sorted(
        other.revision for other in base.references.values()
        if other.licence_id == reference.licence_id and other.revision
    ) if reference.revision else []  # fmt: skip
    revision = " ".join(difference.text for difference in dates) or reference.revision
    later = bool(dates) or (len(known) > 1 and reference.revision != known[0] and reference.licence_id is not None)
    verdict = Verdict.REVISION if later else Verdict.IS
    return _identity(verdict, best, licence_id=reference.licence_id, revision=revision)


def _identity(
    verdict: Verdict,
    best: Comparison,
    *,
    licence_id: str | None = None,
    nearest: str | None = None,
    revision: str | None = None,
    more: tuple[Difference, ...] = (),
) -> Identity:
    return Identity(
        verdict, licence_id, revision, nearest or best.reference.licence_id,
        round(best.found, 4), round(best.explained, 4), (*best.differences, *more),
    )  # fmt: skip


def _may_be_more(first: int, last: int, depth: int) -> bool:
    return last - first >= _A_LICENCE and depth < _DEEPEST


def _is_part(inner: Identity) -> bool:
    """Whether left-over words are a licence of their own."""
    if inner.verdict in (*_NAMED, Verdict.SEVERAL):
        return True
    named = inner.verdict is Verdict.ALTERED or inner.licence_id is not None
    return named and inner.verdict is not Verdict.POINTER and inner.found >= _LEAST_LIKE <= inner.explained


def _parts_of(inner: Identity, words: Words, first: int, last: int) -> list[Part]:
    if inner.parts:
        return list(inner.parts)
    rows = words.line(first), words.line(last - 1)
    return [Part(inner.verdict, inner.licence_id, inner.nearest, *rows, inner.material)]


def _rows(best: Comparison) -> tuple[int, int]:
    return best.words.line(best.first), best.words.line(max(best.first, best.last - 1))


def _is_surrounding(side: Side) -> bool:
    """Whether words around a licence bind nobody: headings, navigation, who made it."""
    if side.binds or len(side.tokens) > _SURROUNDING:
        return side.in_copyright and not side.obliges
    return len(side.tokens) <= _FOREIGN_SURROUNDING or all(word.isascii() for word in side.tokens)


def _left_over(kind: DifferenceKind, side: Side, *, is_material: bool) -> Difference:
    return Difference(kind, side.words.quote(side.first, side.last, 1500), "", is_material, side.words.line(side.first))
