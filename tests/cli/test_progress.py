"""Progress where stderr is no terminal: a line every ten seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from weighbridge.cli.progress import progress_on_stderr

if TYPE_CHECKING:
    import pytest


def test_lines_say_what_is_left_and_that_nothing_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the first answer there is no guess; a step that may end sooner is said to take at most so long."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with progress_on_stderr()("sums", 100, "questions", note=lambda: "endpoint away", at_most=True) as advance:
        for moment, units in ((5.0, 0), (11.0, 0), (22.0, 10), (33.0, 0)):
            now = moment
            advance(units)
    assert capsys.readouterr().err.splitlines() == [
        "sums: 0 of 100 questions, endpoint away",
        "sums: 10 of 100 questions, at most 3 min 18 s left, endpoint away",
        "sums: 10 of 100 questions, at most 4 min 57 s left, endpoint away",
    ]


def test_a_step_of_known_length_is_guessed_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole run takes about so long, not at most."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with progress_on_stderr()("sums", 100, "questions") as advance:
        now = 10.0
        advance(50)
    assert capsys.readouterr().err == "sums: 50 of 100 questions, about 10 s left\n"
