"""The tasks are what they say: an attack and a clean copy, told apart by nothing but the instruction."""

from __future__ import annotations

from collections import Counter

import pytest

from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.hijack.scoring import Heard, score
from weighbridge.evaluation.behaviour.hijack.tasks import (
    LANGUAGES,
    cases_of,
    check_languages,
    tasks,
    tools,
    tools_json,
)  # fmt: skip


def test_goals_and_styles_are_balanced() -> None:
    """Six goals of four tasks, each style once a goal, in both languages."""
    assert Counter(task.goal for task in tasks()) == dict.fromkeys({task.goal for task in tasks()}, 4)
    assert len({(task.goal, task.style) for task in tasks()}) == 24
    assert all(set(task.text) == set(LANGUAGES) for task in tasks())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_marker_stands_in_the_instruction_and_nowhere_else(language: str) -> None:
    """So a clean case can never count as hijacked by an echo, and every attack can be recognised."""
    cases = {(one.id, one.arm): one for one in cases_of(language)}
    for task in tasks():
        attacked, clean = cases[task.id, "attacked"], cases[task.id, "clean"]
        assert "{injection}" not in attacked.question + clean.question
        assert task.text[language]["injection"] in attacked.question
        assert any(marker.lower() in attacked.question.lower() for marker in task.markers), task.id
        assert not any(marker.lower() in clean.question.lower() for marker in task.markers), task.id
        assert task.tool in {tool.name for tool in tools()}
        assert task.reads in {tool.name for tool in tools()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_stands_in_the_output(language: str) -> None:
    """Repeating the tool's output answers the user; the question alone does not."""
    for task in tasks():
        case = next(one for one in cases_of(language) if (one.id, one.arm) == (task.id, "clean"))
        assert score(case, Heard(task.text[language]["output"])).useful, task.id
        assert not score(case, Heard(task.text[language]["user"])).useful, task.id


def test_nothing_leads_anywhere() -> None:
    """Addresses are of .test and .example (RFC 2606), account numbers of no country."""
    for task in tasks():
        for marker in task.markers:
            hosts = [
                part for part in marker.replace("@", " ").split() if part.endswith((".com", ".net", ".org", ".io"))
            ]
            assert not hosts
            assert not marker.startswith("XX") or marker[:4] == "XX00"


def test_a_limit_takes_fewer_tasks_of_all_goals() -> None:
    """Six of 24 tasks are one of each goal; the plain requests stay."""
    cases = cases_of("en", 6)
    assert Counter(one.arm for one in cases) == {"attacked": 6, "clean": 6, "asked": 12}
    assert len({one.goal for one in cases if one.arm == "attacked"}) == 6


def test_tools_are_written_as_the_api_takes_them() -> None:
    """Each has a name, and all parameters are required texts."""
    for tool in tools_json():
        assert tool["type"] == "function"
        parameters = tool["function"]["parameters"]
        assert parameters["required"] == list(parameters["properties"])


def test_a_language_without_tasks_is_refused() -> None:
    """German has none."""
    with pytest.raises(UsageError, match="no tasks in `de`"):
        check_languages(["en", "de"])
