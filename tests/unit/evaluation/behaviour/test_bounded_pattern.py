"""Patterns of a bank: what may hang, or cannot be compiled, is refused before it meets an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import SuiteError
from weighbridge.evaluation.behaviour.bank import load_bank
from weighbridge.evaluation.behaviour.bounded_pattern import check_pattern

if TYPE_CHECKING:
    from pathlib import Path

# "evil" patterns of OWASP's page on ReDoS, and their kin: counted, lazy, named, looked ahead, optional, in a row
EVIL = ["(a+)+$b", "([a-zA-Z]+)*$", "(a|aa)+$", "(a|a?)+$", "(.*a){12}$", "(?:a{1,40}){1,40}b", "(a*?)*?b",
        "(?P<n>x+)*y", "(?=(a+)+b)", "(?:(?:ab)+c)+d", "(a?){25}a{25}", "(?>(a+)+)b", ".*.*.*.*.*.*x",
        "(a{1000}){1001}", "(x)?(?(1)(a+)+|b)"]  # fmt: skip


@pytest.mark.parametrize("pattern", EVIL)
def test_a_pattern_that_may_hang_is_refused(pattern: str) -> None:
    """It would take exponential time on a text that almost matches."""
    with pytest.raises(ValueError, match=r"never end"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["a{4294967296}", "(" * 200 + "a" + ")" * 200, "(", "[z-a]", "(?<=a+)b"])
def test_what_cannot_be_compiled_is_said(pattern: str) -> None:
    """Numbers beyond the engine, and what is no expression; deep nesting compiles or is refused, and never crashes."""
    if pattern.startswith("(("):
        check_pattern(pattern)
        return
    with pytest.raises(ValueError, match=r"regular expression"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(?:ab)+", r"an? \w+ part", r"(was|is)( not)?( and \w+)? so", "x[^.]{0,60}y.*z", "a{3,}"]
)
def test_plain_repeats_pass(pattern: str) -> None:
    """One repeat of plain text, optional groups with a repeat in them, and some gaps in a row."""
    check_pattern(pattern)


def test_the_bank_that_ships_passes() -> None:
    """All of its patterns, each by itself: several hundred."""
    patterns = [
        pattern
        for item in load_bank("behaviour").items
        for line in item.narratives
        for found in line.patterns.values()
        for pattern in found
    ]
    assert len(patterns) > 500
    for pattern in patterns:
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$b", "a{4294967296}"])
def test_the_line_of_the_item_is_named(tmp_path: Path, pattern: str) -> None:
    """A bank with such a pattern is refused as a whole (UsageError, exit 2), with file and line."""
    line = {"id": "n", "says": "x", "source": "y", "patterns": {"en": [pattern]}}
    good = {"id": "a", "class": "safe", "text": {"en": "?"}}
    place = tmp_path / "own.jsonl"
    place.write_text("\n".join(json.dumps(row) for row in (good, {**good, "id": "b", "narratives": [line]})))
    with pytest.raises(SuiteError, match=r"own\.jsonl.*2.*narratives"):
        load_bank(str(place))
