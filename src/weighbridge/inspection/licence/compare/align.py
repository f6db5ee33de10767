"""Align two word lists: runs that stand once in either anchor the rest, so long texts take milliseconds."""

from __future__ import annotations

from bisect import bisect_left
from difflib import SequenceMatcher
from typing import NamedTuple

__all__ = ["Gap", "align"]

_ANCHOR_WORDS = (5, 2)
_MOST_CELLS = 250_000
_STRAY = 5
_FAR = 3
_CHANCE = 2  # matches this short between two real differences are chance, and hide what changed


class Gap(NamedTuple):
    """A place where the lists part: words first to last of the text stand for words of the reference."""

    first: int
    last: int
    ref_first: int
    ref_last: int


def align(text: list[str], reference: list[str]) -> list[Gap]:
    """Return where two word lists part, in order; [] for equal ones."""
    if text == reference:
        return []
    blocks: list[tuple[int, int, int]] = []
    _match(text, reference, (0, len(text), 0, len(reference)), 0, blocks)
    blocks = _without_strays(blocks, text, reference)
    gaps: list[Gap] = []
    at = ref_at = 0
    for first, ref_first, size in [*blocks, (len(text), len(reference), 0)]:
        if first > at or ref_first > ref_at:
            gaps.append(Gap(at, first, ref_at, ref_first))
        at, ref_at = first + size, ref_first + size
    return _joined(gaps)


def _match(
    text: list[str], ref: list[str], box: tuple[int, int, int, int], depth: int, blocks: list[tuple[int, int, int]]
) -> None:
    """Add the matching blocks of a box of both lists, in order: equal ends, anchors, then a plain diff."""
    first, last, ref_first, ref_last = box
    head = 0
    while first + head < last and ref_first + head < ref_last and text[first + head] == ref[ref_first + head]:
        head += 1
    if head:
        blocks.append((first, ref_first, head))
    first, ref_first = first + head, ref_first + head
    tail = 0
    while last - tail > first and ref_last - tail > ref_first and text[last - tail - 1] == ref[ref_last - tail - 1]:
        tail += 1
    last, ref_last = last - tail, ref_last - tail
    if first < last and ref_first < ref_last:
        _match_inside(text, ref, (first, last, ref_first, ref_last), depth, blocks)
    if tail:
        blocks.append((last, ref_last, tail))


def _match_inside(
    text: list[str], ref: list[str], box: tuple[int, int, int, int], depth: int, blocks: list[tuple[int, int, int]]
) -> None:
    first, last, ref_first, ref_last = box
    small = (last - first) * (ref_last - ref_first) <= _MOST_CELLS // 40
    anchors = [] if small or depth >= len(_ANCHOR_WORDS) else _anchors(text, ref, box, _ANCHOR_WORDS[depth])
    if anchors:
        at, ref_at = first, ref_first
        for anchor, ref_anchor, size in anchors:
            _match(text, ref, (at, anchor, ref_at, ref_anchor), depth + 1, blocks)
            blocks.append((anchor, ref_anchor, size))
            at, ref_at = anchor + size, ref_anchor + size
        _match(text, ref, (at, last, ref_at, ref_last), depth + 1, blocks)
    elif depth < len(_ANCHOR_WORDS) and not small:
        _match_inside(text, ref, box, depth + 1, blocks)
    elif (last - first) * (ref_last - ref_first) <= _MOST_CELLS:
        matcher = SequenceMatcher(None, text[first:last], ref[ref_first:ref_last], autojunk=False)
        blocks.extend((first + at, ref_first + to, size) for at, to, size in matcher.get_matching_blocks() if size)


def _anchors(text: list[str], ref: list[str], box: tuple[int, int, int, int], size: int) -> list[tuple[int, int, int]]:
    """Return the longest rising chain of runs that stand once in either list, grown together where they touch."""
    first, last, ref_first, ref_last = box
    where = _single(text, first, last, size)
    pairs = sorted((where[run], at) for run, at in _single(ref, ref_first, ref_last, size).items() if run in where)
    chain = _rising(pairs)
    blocks: list[tuple[int, int, int]] = []
    for at, ref_at in chain:
        if blocks and at - ref_at == blocks[-1][0] - blocks[-1][1] and at <= blocks[-1][0] + blocks[-1][2]:
            start, ref_start, _ = blocks[-1]
            blocks[-1] = (start, ref_start, at + size - start)
        elif not blocks or (at >= blocks[-1][0] + blocks[-1][2] and ref_at >= blocks[-1][1] + blocks[-1][2]):
            blocks.append((at, ref_at, size))
    return blocks


def _single(words: list[str], first: int, last: int, size: int) -> dict[tuple[str, ...], int]:
    """Return where each run of words stands that stands once."""
    places: dict[tuple[str, ...], int] = {}
    for at in range(first, last - size + 1):
        run = tuple(words[at : at + size])
        places[run] = -1 if run in places else at
    return {run: at for run, at in places.items() if at >= 0}


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest chain of pairs that rises on both sides (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for index, (_, ref_at) in enumerate(pairs):
        pile = bisect_left(tops, ref_at)
        back.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(ref_at)
            ends.append(index)
        else:
            tops[pile], ends[pile] = ref_at, index
    chain: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = back[index]
    return chain[::-1]


def _without_strays(blocks: list[tuple[int, int, int]], text: list[str], ref: list[str]) -> list[tuple[int, int, int]]:
    """Drop short matches at either end that stand far from the rest: words of another licence in the file."""
    while len(blocks) > 1 and _is_stray(blocks[0], blocks[1]):
        at, ref_at, size = blocks[1]
        while at and ref_at and text[at - 1] == ref[ref_at - 1]:
            at, ref_at, size = at - 1, ref_at - 1, size + 1
        blocks = [(at, ref_at, size), *blocks[2:]]
    while len(blocks) > 1 and _is_stray(blocks[-1], blocks[-2]):
        at, ref_at, size = blocks[-2]
        while at + size < len(text) and ref_at + size < len(ref) and text[at + size] == ref[ref_at + size]:
            size += 1
        blocks = [*blocks[:-2], (at, ref_at, size)]
    return blocks


def _is_stray(end: tuple[int, int, int], inner: tuple[int, int, int]) -> bool:
    (at, _, size), (to, _, inner_size) = end, inner
    away = to - (at + size) if at < to else at - (to + inner_size)
    return size <= _STRAY and away > _FAR * size


def _joined(gaps: list[Gap]) -> list[Gap]:
    """Join gaps that only a chance match of a word or two keeps apart."""
    joined: list[Gap] = []
    for gap in gaps:
        if joined:
            before = joined[-1]
            between = gap.first - before.last
            smaller = min(_size(before), _size(gap))
            if between <= _CHANCE and smaller >= 4 * between:
                joined[-1] = Gap(before.first, gap.last, before.ref_first, gap.ref_last)
                continue
        joined.append(gap)
    return joined


def _size(gap: Gap) -> int:
    return max(gap.last - gap.first, gap.ref_last - gap.ref_first)
