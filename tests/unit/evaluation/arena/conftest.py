"""An arena over answers that are in a store, as the runner leaves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.arena.ballot import Ballot, Entrant, ballot_at, freeze
from weighbridge.evaluation.item import Item
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path

ON = date(2026, 11, 22)
SUITE = {"name": "chats", "version": "1", "digest": digest_of("chats"), "language": "en", "licence": "ours",
         "source": "ours", "size": 0}  # fmt: skip
Answers = dict[str, list[str | Completion]]
Make = Callable[[Answers], Ballot]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """Open a store in a fresh folder."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as opened:
        yield opened


@pytest.fixture
def arena(store: SQLiteStore) -> Make:
    """Return a function that freezes a ballot over the answers of models by name, prompt by prompt."""

    def make(answers: Answers) -> Ballot:
        entrants = []
        for name, texts in answers.items():
            recipes = {f"p{i}": digest_of(["recipe", name, i]) for i in range(len(texts))}
            bodies = {}
            for recipe, text in zip(recipes.values(), texts, strict=True):
                one = text if isinstance(text, Completion) else Completion(Outcome.ANSWERED, text)
                bodies[recipe] = {**one.to_json(), "asked_on": ON.isoformat()}
            store.add_completions(bodies)
            entrants.append(Entrant(digest_of(name), name, None, recipes))
        items = [Item(f"p{i}", f"question {i}") for i in range(max(map(len, answers.values())))]
        return ballot_at(store, freeze(SUITE, items, entrants, "5e" * 32, store, ON).id)

    return make
