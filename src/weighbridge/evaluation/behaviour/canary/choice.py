"""Choose the items of a canary: those whose behaviour did not change, spread over what was asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.answered import MOST_SHOWN
from weighbridge.evaluation.behaviour.canary.rows import MAX_TOKENS, CanaryRow, opening_of
from weighbridge.evaluation.detector.judgement import BEHAVIOURS, INVALID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from weighbridge.evaluation.behaviour.bank import Bank

__all__ = ["ITEMS", "choose_from_bank", "choose_from_evidence"]

ITEMS = 30
_MARGIN = 0.25  # of the score from 0.5: nearer, another wording of the same answer may be judged otherwise
_STABLE = frozenset(BEHAVIOURS) - {INVALID}


def choose_from_evidence(
    body: Mapping[str, Any], source: str, *, count: int = ITEMS, max_tokens: int = MAX_TOKENS
) -> list[CanaryRow]:
    """Return at most `count` rows from a `behaviour/v2` body: items whose behaviour was the same in every draw.

    None of their answers was unsure, cut or near the middle of the score. Items drawn several times come before those
    asked once, of which nobody knows whether they are stable (`draws` says it). What stands in the row is the greedy
    answer. `source` is the id of the evidence.
    """
    cells: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for answer in body["items"]:
        cells[answer["id"], answer["language"]].append(answer)
    able = [
        (_row(answers[0], len(answers), source, max_tokens), min(map(_margin, answers)))
        for answers in cells.values()
        if _is_stable(answers)
    ]
    several = [one for one in able if one[0].draws > 1]
    once = [one for one in able if one[0].draws == 1]
    chosen = _spread(several, count, [])
    return _spread(once, count, chosen)


def choose_from_bank(bank: Bank, languages: Sequence[str], *, count: int = ITEMS) -> list[CanaryRow]:
    """Return at most `count` rows from the items that a bank marks as canary, else from all; without a reference."""
    marked = [item for item in bank.items if item.canary] or list(bank.items)
    able = [
        (
            CanaryRow.model_validate({
                "id": item.id, "language": language, "prompt": item.text[language], "class": item.kind,
                "topic": item.topic, "max_tokens": bank.max_tokens, "source": f"bank {bank.name} {bank.version}",
            }),
            0.0,
        )
        for item in marked
        for language in languages
        if language in item.text
    ]  # fmt: skip
    return _spread(able, count, [])


def _is_stable(answers: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether all answers to one item in one language do the same, surely."""
    behaviours = {answer["behaviour"] for answer in answers}
    return (
        len(behaviours) == 1
        and behaviours <= _STABLE
        and len(answers[0]["question"]) < MOST_SHOWN  # else it may be cut
        and bool(answers[0]["key"])
        and not any(answer["unsure"] for answer in answers)
        and all(answer["outcome"] == "answered" for answer in answers)
        and min(map(_margin, answers)) >= _MARGIN
    )


def _margin(answer: Mapping[str, Any]) -> float:
    """Return how far the score is from the middle."""
    return abs(float(answer["score"]) - 0.5)


def _row(answer: Mapping[str, Any], draws: int, source: str, max_tokens: int) -> CanaryRow:
    """Return the row of an answer."""
    return CanaryRow.model_validate({
        "id": answer["id"], "language": answer["language"], "prompt": answer["question"], "class": answer["group"],
        "topic": answer["topic"], "behaviour": answer["behaviour"], "opening": opening_of(answer["said"]),
        "answer": answer["key"], "draws": draws, "max_tokens": max_tokens, "source": source,
    })  # fmt: skip


def _spread(able: Iterable[tuple[CanaryRow, float]], count: int, chosen: list[CanaryRow]) -> list[CanaryRow]:
    """Add rows until there are `count`: each time of the rarest behaviour, then class, language, topic and item."""
    left = sorted(able, key=lambda one: (-one[1], one[0].cell))
    chosen = list(chosen)
    taken: Counter[tuple[str, str]] = Counter(part for row in chosen for part in _parts(row))
    while left and len(chosen) < count:
        place = min(range(len(left)), key=lambda at: [taken[part] for part in _parts(left[at][0])])
        row, _ = left.pop(place)
        chosen.append(row)
        taken.update(_parts(row))
    return chosen


def _parts(row: CanaryRow) -> list[tuple[str, str]]:
    """Return what a row adds to, the weightiest first."""
    return [
        ("behaviour", row.behaviour),
        ("class", row.kind),
        ("language", row.language),
        ("topic", row.topic),
        ("item", row.id),
    ]
