"""Every code of a monitor becomes words, in each language, with its figures; what cannot is shown as it was written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import weighbridge.pilot
from weighbridge.dossier.locale import LANGUAGES
from weighbridge.pilot.drift.table import CLUSTER, stream_kinds
from weighbridge.pilot.identity.fold import USUAL
from weighbridge.pilot.shadow.verdict import BAD
from weighbridge.pilot.words import told

_SHARE = {"value": 0.071, "share": 0.071, "low": 0.052, "high": 0.094, "n": 640}
_JUDGED = {**_SHARE, "n": 1234}
_SHADOW: dict[str, Any] = {
    "margin": 0.05, "preference": {"value": 0.481, "low": 0.462, "high": 0.503, "n": 612}, "first": _SHARE,
    "excess": {"refused": {"value": 0.123, "low": 0.091, "high": 0.157}}, "unclear": {"cut": 0.081},
}  # fmt: skip
_STEP = {"step": 1, "steps": 3, "answers": 4321, "share": 0.25, "margin": 0.03, "judged": None, "by": ""}
_DRIFT = {
    "route": "qwen", "stream": "refused", "since": _SHARE, "reference": {**_SHARE, "share": 0.02, "n": 8000}, "key": "",
    "doubt": "",
}  # fmt: skip
_APART = {"distances": {"chat": 0.124}, "usual": {"chat": 0.03}}
_ROLLED = {"sign": "refused", "alpha": 0.05, "recent": {"canary": [17, 61], "primary": [2, 93]}, "judged": None}

_EXAMPLES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("canary.started", {"because": "", "by": "ana"}, []),
    ("canary.stopped", {"because": "", "by": "ana"}, []),
    ("canary.unreadable", {}, []),
    ("canary.key_set_apart", {"key": "wb3f"}, ["wb3f"]),
    ("canary.key_set_apart", {"key": ""}, []),
    ("canary.rolled_back", _ROLLED, ["17", "61", "2", "93", "0.05"]),
    ("canary.rolled_back", {**_ROLLED, "recent": None, "judged": _JUDGED}, ["7.1% [5.2, 9.4]", "1,234", "0.05"]),
    ("canary.advanced", _STEP, ["2", "3", "4,321", "25%"]),
    ("canary.done", {**_STEP, "judged": _JUDGED}, ["4,321", "7.1% [5.2, 9.4]", "1,234"]),
    ("shadow.budget_spent", {"route": "qwen", "of": "judge", "day": "2026-11-22"}, ["`qwen`", "2026-11-22"]),
    ("shadow.concluded", {**_SHADOW, "route": "qwen", "verdict": "worse", "candidate": "new", "primary": "old"},
     ["`qwen`", "`new`", "`old`", "0.05", "0.462", "0.503", "12.3 [9.1, 15.7]"]),
    ("shadow.withdrawn", {**_SHADOW, "route": "qwen", "candidate": "new", "primary": "old"},
     ["`qwen`", "`new`", "`old`", "7.1% [5.2, 9.4]"]),
    ("shadow.no_judge", _SHADOW, ["12.3 [9.1, 15.7]"]),
    ("shadow.no_pair", {**_SHADOW, "preference": None}, ["12.3 [9.1, 15.7]"]),
    ("shadow.no_word", {**_SHADOW, "preference": None, "first": None}, ["12.3 [9.1, 15.7]"]),
    ("shadow.by_place", {**_SHADOW, "preference": None}, ["7.1% [5.2, 9.4]", "12.3 [9.1, 15.7]"]),
    ("shadow.reached", _SHADOW, ["0.481 [0.462, 0.503]", "612", "0.450", "12.3 [9.1, 15.7]"]),
    ("shadow.close", {**_SHADOW, "excess": {}}, ["0.481 [0.462, 0.503]", "0.450"]),
    ("shadow.place_open", _SHADOW, ["0.481 [0.462, 0.503]", "0.450", "7.1% [5.2, 9.4]"]),
    ("shadow.harm_open", _SHADOW, ["0.481 [0.462, 0.503]", "0.450", "8.1", "5"]),
    ("drift.alarmed", _DRIFT, ["`qwen`", "7.1% [5.2, 9.4]", "640", "2.0%", "8000"]),
    ("drift.alarmed", {**_DRIFT, "key": "wb3f", "doubt": "one_key"}, ["wb3f", "640"]),
    ("drift.alarmed", {**_DRIFT, "stream": "cluster-7", "doubt": "few_callers"}, ["7", "640"]),
    ("drift.acknowledged", {"route": "qwen", "because": "a campaign", "by": "ana"}, ["`qwen`", "a campaign"]),
    ("drift.learning", {"route": "qwen", "because": "a campaign", "by": "ana"}, ["`qwen`", "a campaign"]),
    *(("drift.stream", {"name": f"{name}-3" if name == CLUSTER else name}, []) for name in stream_kinds()),
    ("identity.differs", _APART, ["12.4%", "3%"]),
    ("identity.changed", _APART, ["12.4%", "3%"]),
    ("identity.likeness", {"distances": dict.fromkeys(USUAL, 0.2), "usual": USUAL}, ["20.0%", "3%", "35%"]),
    ("journal.damaged", {"route": "qwen", "entries": 4, "first": 11, "last": 29}, ["`qwen`", "4", "11", "29"]),
    ("monitor.failed", {"monitor": "drift/qwen/5f2c", "entry": 812, "error": "KeyError"},
     ["drift/qwen/5f2c", "812", "KeyError"]),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("code", "facts", "figures"), _EXAMPLES)
def test_a_code_has_words_and_its_facts_are_in_them(
    language: str, code: str, facts: dict[str, Any], figures: list[str]
) -> None:
    """In each language, by the same figures; Chinese words are Chinese."""
    text = told(code, facts, "as it was written", language)
    assert text not in ("", "as it was written")
    assert "{" not in text
    assert [one for one in figures if one not in text] == []
    assert any("\u4e00" <= one <= "\u9fff" for one in text) == (language == "zh")


def test_no_code_of_the_rooms_is_without_words() -> None:
    """Whatever event or code the rooms' sources name, but for those of the audit log alone, has its example above."""
    rooms = ("alarm", "board", "canary", "drift", "identity", "journal", "shadow")
    folder = Path(weighbridge.pilot.__path__[0])
    texts = [path.read_text("utf-8") for room in rooms for path in (folder / room).rglob("*.py")]
    code = re.compile(r'"((?:canary|shadow|drift|identity|journal|monitor)\.[a-z_]+)"')
    named = {found for text in texts for found in code.findall(text)}
    assert len(named) > 15
    assert named - {code for code, _, _ in _EXAMPLES} == {"canary.ordered", "shadow.asked"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_operator_s_words_stay_as_they_are(language: str) -> None:
    """What people write is not translated, and fills no place of a sentence of ours."""
    assert told("canary.stopped", {"because": "客户投诉 {id}", "by": "ana"}, "", language) == "客户投诉 {id}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("canary.exploded", {"sign": "refused"}),  # raised by a newer version
        ("canary.rolled_back", {"step": 1}),  # raised by an older one
        ("drift.alarmed", {**_DRIFT, "since": {"share": "much"}}),
        ("drift.alarmed", {**_DRIFT, "since": {**_SHARE, "share": 10**400}}),
        ("drift.alarmed", {**_DRIFT, "stream": "vibes"}),
        ("drift.alarmed", {**_DRIFT, "doubt": "why"}),
        ("identity.changed", {"distances": {}, "usual": {}}),
        ("", {}),
    ],
)
def test_what_is_of_another_version_is_shown_as_it_was_written(language: str, code: str, facts: dict[str, Any]) -> None:
    """Documents, evidence and messages that were kept before have their sentence beside them."""
    assert told(code, facts, "as it was written", language) == "as it was written"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sign_of_harm_has_a_word(language: str) -> None:
    """Those that a verdict of the shadow is about."""
    for name in ("failed", *(row[0] for row in BAD)):
        facts = {**_SHADOW, "excess": {name: _SHADOW["excess"]["refused"]}}
        text = told("shadow.reached", facts, "", language)
        assert "12.3 [9.1, 15.7]" in text
        assert language == "en" or name not in text
