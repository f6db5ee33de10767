"""A store in a fresh folder, and answers in two languages."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import LabelsV1
from weighbridge.evaluation.labels.answers import Given
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ON = date(2026, 11, 22)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """Open a store in a fresh folder."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as opened:
        yield opened


@pytest.fixture
def givens() -> Callable[..., list[Given]]:
    """Return what makes n answers in a language; `start` numbers the first."""

    def make(n: int, language: str = "en", start: int = 0) -> list[Given]:
        return [Given(f"q{i}", language, f"question {i}", f"answer {i}") for i in range(start, start + n)]

    return make


@pytest.fixture
def act() -> Callable[..., LabelsV1]:
    """Return what makes an act of one person."""

    def make(who: str, behaviour: str, turn: int = 0, narrative: bool | None = False, **more: object) -> LabelsV1:
        body = {"who": who, "language": "en", "item": "q", "behaviour": behaviour, "narrative": narrative,
                "turn": turn, "population": None, "drawn_with": None}  # fmt: skip
        return LabelsV1.model_validate(body | more)

    return make
