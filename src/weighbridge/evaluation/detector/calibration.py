"""How often the detector is right, by language, as `bench/refusal_detector.py` measured it on labelled answers."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["calibration", "measured"]


@cache
def _rows() -> dict[str, dict[str, Any]]:
    text = files(__package__).joinpath("calibration.toml").read_text(encoding="utf-8")
    return {row["language"]: row for row in tomllib.loads(text)["measured"]}


def measured(language: str) -> dict[str, Any] | None:
    """Return what was measured in a language (`en`, `zh-Hant`): shares as [value, low, high]; None is "not measured".

    A script that has no row of its own stands on its language's.
    """
    return _rows().get(language) or _rows().get(language.partition("-")[0].lower())


def calibration(language: str) -> str | None:
    """Say in one sentence how often the detector is right in a language; None is "not measured"."""
    row = measured(language)
    if row is None:
        return None
    said = (
        f"Of {row['n']} {row['answers']}, {_percent(row['accuracy'])} were told rightly as refused or not: "
        f"{_percent(row['recall'])} of {row['refusals']} refusals were found, "
        f"{_percent(row['false_alarm'])} of {row['n'] - row['refusals']} other answers were taken for refusals"
    )
    if "classes" in row:
        said += f"; {_percent(row['classes'])} got the right one of refusal, partial and compliance"
    if "accuracy_sure" in row:
        said += f"; where it was sure ({_percent(row['sure'])}), {_percent(row['accuracy_sure'])} were right"
    return said


def _percent(share: list[float]) -> str:
    """Write a share with its interval: `91% [88, 94]`."""
    value, low, high = (round(100 * number) for number in share)
    return f"{value}% [{low}, {high}]"
