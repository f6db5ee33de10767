"""Pair the items of two runs: by id where the questions agree, else by the questions themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import UsageError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from weighbridge.evaluation.imports.imported import ImportedItem, ImportedRun

__all__ = ["Pairs", "pair_items"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Items that both runs hold, (left, right) each, and the ids of those that only one holds.

    `unchecked` counts pairs whose questions the files do not hold: those rest on the ids alone.
    """

    by: Literal["id", "question"]
    pairs: tuple[tuple[ImportedItem, ImportedItem], ...]
    left_only: tuple[str, ...]
    right_only: tuple[str, ...]
    unchecked: int


def pair_items(left: ImportedRun, right: ImportedRun) -> Pairs:
    """Return the pairs of two runs.

    By id if every shared id names one question. Otherwise, of two tools (each counts its items in its own way), and of
    a file whose items only moved, by the questions. Raises UsageError where one tool's ids name other questions that
    the other file does not hold: another version of the data.
    """
    same_tool = left.source.tool == right.source.tool
    shared = [item for item in left.items if item in right.items]
    verdicts = {item: _agree(left.items[item], right.items[item], same_tool=same_tool) for item in shared}
    differ = [item for item, agree in verdicts.items() if agree is False]
    moved = _by_question(left, right, same_tool=same_tool)
    if not differ and len(shared) >= len(moved.pairs):
        return Pairs(
            "id",
            tuple((left.items[item], right.items[item]) for item in shared),
            tuple(item for item in left.items if item not in right.items),
            tuple(item for item in right.items if item not in left.items),
            sum(agree is None for agree in verdicts.values()),
        )
    found = {ours.id for ours, _ in moved.pairs}
    strange = [item for item in differ if item not in found]
    if strange and same_tool:
        first = strange[0]
        raise UsageError(
            f"{len(strange)} of {len(shared)} ids of {quote(left.task)} name different questions in the two files, "
            f"the first is {quote(first)}: {quote(left.items[first].question, 60)} "
            f"and {quote(right.items[first].question, 60)}",
            hint="compare runs of one version of the questions",
        )
    return moved


def _agree(left: ImportedItem, right: ImportedItem, *, same_tool: bool) -> bool | None:
    """Say whether two items are one question; None where the files do not tell."""
    if same_tool and left.content and right.content:
        return left.content == right.content
    if left.questions and right.questions:
        return not set(left.questions).isdisjoint(right.questions)
    return None


def _by_question(left: ImportedRun, right: ImportedRun, *, same_tool: bool) -> Pairs:
    """Pair by digests of the questions that stand once in each run; what stands twice cannot be told apart."""
    ours, theirs = (_index(run, same_tool=same_tool) for run in (left, right))
    pairs: dict[str, str] = {}
    for digest, item in ours.items():
        if digest in theirs and item not in pairs:
            pairs[item] = theirs[digest]
    twice = {item for item, count in Counter(pairs.values()).items() if count > 1}
    kept = {mine: other for mine, other in pairs.items() if other not in twice}
    taken = set(kept.values())
    return Pairs(
        "question",
        tuple((left.items[mine], right.items[other]) for mine, other in kept.items()),
        tuple(item for item in left.items if item not in kept),
        tuple(item for item in right.items if item not in taken),
        0,
    )


def _index(run: ImportedRun, *, same_tool: bool) -> dict[str, str]:
    """Return the id of each digest that one item of a run has alone."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for item in run.items.values():
        for digest in (item.content,) if same_tool and item.content else item.questions:
            if found.setdefault(digest, item.id) != item.id:
                twice.add(digest)
    return {digest: item for digest, item in found.items() if digest not in twice}
