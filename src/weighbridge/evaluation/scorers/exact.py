"""Mark an answer by equality: case counts, blanks around it and one full stop at its end do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.suite import Score, Unscored

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["exact"]

_SAID = 200


def exact(item: Item, completion: Completion) -> Score | Unscored:
    """Compare the whole answer with the expected one. Articles stay: "A" is an answer, not an article."""
    said, expected = _plain(completion.text), _plain(item.answer)
    if completion.outcome is Outcome.TRUNCATED:
        return Unscored("truncated")  # what the rest would have said, nobody knows
    if not expected:
        return Unscored("the item has no answer")
    if not said:
        return Unscored("empty")
    return Score("right" if said == expected else "wrong", said[:_SAID])


def _plain(text: str) -> str:
    """Strip blanks and one full stop, Latin or Chinese."""
    stripped = text.strip()
    return stripped[:-1].rstrip() if stripped.endswith((".", "。")) else stripped
