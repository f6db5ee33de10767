"""The canary's file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.canary.rows import bank_of, opening_of, read_canary

if TYPE_CHECKING:
    from pathlib import Path

ROW = {"id": "a", "language": "en", "prompt": "Who?"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROW, ROW], "stands twice"),
        ([{**ROW, "prompt": ""}], "prompt"),
        ([{**ROW, "mood": "good"}], "mood"),
        ([{**ROW, "language": "english!"}], "language"),
        ([{**ROW, "max_tokens": 10**9}], "max_tokens"),
        ([], "holds no rows"),
    ],
)
def test_what_is_no_canary_is_refused(rows: list[dict[str, object]], said: str, tmp_path: Path) -> None:
    """Each mistake is named with its line."""
    place = tmp_path / "c.jsonl"
    place.write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.raises(UsageError, match=said):
        read_canary(place)


def test_rows_can_be_asked_as_a_bank(tmp_path: Path) -> None:
    """One bank a language, with the largest budget of its rows."""
    place = tmp_path / "c.jsonl"
    rows = [ROW, {**ROW, "id": "b", "max_tokens": 640}, {**ROW, "language": "zh-Hans", "prompt": "谁？"}]  # noqa: RUF001 - Chinese
    place.write_text("\n".join(json.dumps(row) for row in rows))
    read = read_canary(place)
    english, chinese = (bank_of(read, language) for language in ("en", "zh-Hans"))
    assert (len(english.items), english.max_tokens, english.languages) == (2, 640, ("en",))
    assert [item.text["zh-Hans"] for item in chinese.items] == ["谁？"]  # noqa: RUF001 - Chinese


def test_an_opening_is_the_first_sentence() -> None:
    """Case, blanks and marks make no difference; other words do; without words there is none."""
    assert opening_of("I'm sorry,  I can't. Ask again.") == opening_of("I'M SORRY, I can't! Later.") != ""
    assert opening_of("I'm sorry, I can't.") != opening_of("I'm glad, I can.")
    assert opening_of("") == opening_of("...") == ""
