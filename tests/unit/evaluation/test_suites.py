"""The suites that ship: what each promises about itself."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

import weighbridge.evaluation.suites
from weighbridge import plugin
from weighbridge.core.kinds import KINDS
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.detector.tongue import language_of
from weighbridge.evaluation.suite import Suite, load_suite, shipped_suites

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Form

FOLDER = Path(weighbridge.evaluation.suites.__path__[0])
SIZES = {
    "knowledge-en": 120, "knowledge-zh": 80, "latency": 8, "needle-128k": 10, "needle-32k": 20, "needle-4k": 40,
    "needles-32k": 20, "refusals-en": 40, "refusals-zh": 40, "structured-output": 32, "tool-calling": 38,
}  # fmt: skip
NAMES = tuple(SIZES)


@pytest.fixture(params=NAMES, scope="module")
def suite(request: pytest.FixtureRequest) -> Suite:
    """Each shipped suite."""
    return load_suite(FOLDER / request.param)


def forms_of(suite: Suite) -> tuple[Form, ...]:
    """Return the prompt forms that a suite offers."""
    forms: tuple[Form, ...] = ("chat", "completion")
    return tuple(form for form in forms if form in suite.forms)


def test_all_suites_are_offered() -> None:
    """Each folder with a `suite.toml` is found by its own name."""
    assert tuple(sorted(shipped_suites())) == NAMES


def test_a_suite_is_complete(suite: Suite) -> None:
    """It has its items, a known kind, a named licence and source, and no question twice."""
    assert len(suite.items) == SIZES[suite.name]
    assert suite.measures in KINDS
    assert any(licence in suite.licence for licence in ("MIT", "CC-BY-4.0", "Apache-2.0", "CC0-1.0"))
    assert "NC" not in suite.licence
    assert suite.source
    assert len({(item.question, item.choices) for item in suite.items}) == len(suite.items)
    assert len({item.id for item in suite.items}) == len(suite.items)


def test_prompts_render(suite: Suite) -> None:
    """Every prompt holds its question whole, behind the same prefix."""
    for form in forms_of(suite):
        for item in suite.items:
            prompt = suite.prompt(item, form)
            assert prompt.startswith(suite.prefix + item.question)
            assert all(f"{letter}. {text}\n" in prompt for letter, text in zip("ABCD", item.choices, strict=False))


def test_questions_are_in_the_language_of_the_suite(suite: Suite) -> None:
    """A Chinese suite asks in Chinese, an English one in English."""
    for item in suite.items:
        text = item.question + " ".join(item.choices)
        has_han = any("\u4e00" <= character <= "\u9fff" for character in text)
        assert has_han == (suite.language == "zh"), item.id
        if suite.language == "zh":
            assert language_of(item.question) == "zh", item.id


@pytest.mark.parametrize("name", ["knowledge-en", "knowledge-zh"])
def test_knowledge_is_fit_for_one_token(name: str) -> None:
    """Four choices, answers spread over the letters, short, and the examples are not among the questions."""
    suite = load_suite(FOLDER / name)
    counts = Counter(item.answer for item in suite.items)
    assert suite.max_tokens == 1
    assert suite.chance == pytest.approx(1 / 4)
    assert all(len(item.choices) == 4 and len(set(item.choices)) == 4 for item in suite.items)
    assert set(counts) == set("ABCD")
    assert max(counts.values()) <= 0.35 * len(suite.items)
    assert all(len(item.question) + sum(map(len, item.choices)) <= 350 for item in suite.items)
    assert not any(item.question in suite.prefix for item in suite.items)


@pytest.mark.parametrize("name", ["knowledge-en", "knowledge-zh"])
def test_questions_of_a_subject_stand_together(name: str) -> None:
    """A subject is not scattered, so that an engine meets like after like."""
    groups = [item.group for item in load_suite(FOLDER / name).items]
    changes = sum(before != after for before, after in pairwise(groups))
    assert changes == len(set(groups)) - 1


def test_the_letter_follows_the_prompt() -> None:
    """The completion form ends where the letter is due, with no blank that a tokenizer would trip over."""
    assert load_suite(FOLDER / "knowledge-en").forms["completion"].endswith("\nAnswer:")
    assert load_suite(FOLDER / "knowledge-zh").forms["completion"].endswith("\n答案：")  # noqa: RUF001 - Chinese


def test_refusals_are_parallel() -> None:
    """The same ids in the same classes in both languages, 24 harmless and 16 harmful, each asked in its language."""
    english, chinese = load_suite(FOLDER / "refusals-en"), load_suite(FOLDER / "refusals-zh")
    assert [(item.id, item.group) for item in english.items] == [(item.id, item.group) for item in chinese.items]
    assert Counter(item.group for item in english.items) == {"safe": 24, "harmful": 16}
    assert list(english.forms) == list(chinese.forms) == ["chat"]
    assert (english.max_tokens, english.scorer) == (chinese.max_tokens, chinese.scorer) == (64, "refusal")


def test_items_are_plain_json_lines(suite: Suite) -> None:
    """The data can be read by anything: one object a line, no key beyond the format's."""
    if suite.name.startswith("needle"):
        pytest.skip("its items are made from a seed")
    lines = (FOLDER / suite.name / "items.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(set(json.loads(line)) <= {"id", "question", "choices", "answer", "group", "data"} for line in lines)


def test_expected_calls_follow_the_tools_that_are_offered() -> None:
    """Every expected call names an offered tool, and every accepted combination of arguments is valid for it.

    Oracle: `jsonschema`. Tools ask for all their parameters but those that the request itself settles.
    """
    for item in load_suite(FOLDER / "tool-calling").items:
        offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in item.data["tools"]}
        assert (item.group == "none") == (item.data["calls"] == [])
        assert (item.group == "parallel") == (len(item.data["calls"]) == 2)
        for call in item.data["calls"]:
            accepted = [value["any"] if isinstance(value, dict) else [value] for value in call["arguments"].values()]
            for values in product(*accepted):
                arguments = dict(zip(call["arguments"], values, strict=True))
                jsonschema.Draft202012Validator(offered[call["name"]]).validate(arguments)
            assert set(offered[call["name"]]["properties"]) <= set(call["arguments"])


def test_structured_items_can_be_met() -> None:
    """Schemas are sound (oracle: `jsonschema`), stand in the question as they are, and have values to hold."""
    for item in load_suite(FOLDER / "structured-output").items:
        jsonschema.Draft202012Validator.check_schema(item.data["schema"])
        assert item.question.endswith(json.dumps(item.data["schema"], ensure_ascii=False))
        assert item.data["values"]


INVOICE = '{"invoice": "2027-114", "date": "2027-03-05", "amount": 1249.50, "currency": "EUR", "days": 30}'
LINES = (
    '{"article": "pen", "quantity": 2, "price": 1.2, "sum": 2.4}, '
    '{"article": "ink", "quantity": 1, "price": 8, "sum": 8}'
)
POSITION = '{"position": {"latitude": 54.32, "longitude": 10.14}, "values": [12.5, null]}'
CALL = '<tool_call>{"name": "set_timer", "arguments": {"minutes": 25}}</tool_call>'


@pytest.mark.parametrize(
    ("name", "group", "answer", "expected"),
    [
        ("structured-output", "extract-2", INVOICE, "right"),
        ("structured-output", "extract-2", INVOICE.replace("EUR", "euro"), "wrong"),
        ("structured-output", "nested-3", f'{{"order": 77, "lines": [{LINES}], "total": 10.4}}', "right"),
        ("structured-output", "lists-2", "[11, 13, 17, 19, 23, 29]", "right"),
        ("structured-output", "lists-2", "[11, 13, 17, 19, 23]", "wrong"),
        ("structured-output", "nested-5", POSITION, "right"),
        ("tool-calling", "single-2", CALL, "right"),
        ("tool-calling", "single-2", CALL.replace("25", '"25"'), "wrong"),
        ("tool-calling", "none-1", "The plural is mice.", "right"),
        ("needle-4k", "4000-000", None, "right"),
        ("needle-4k", "4000-000", "I do not know.", "wrong"),
    ],
)
def test_right_answers_are_marked_right(name: str, group: str, answer: str | None, expected: str) -> None:
    """A hand-written right answer passes its suite's own scorer, and a wrong one does not."""
    suite = load_suite(FOLDER / name)
    item = next(one for one in suite.items if one.id == group)
    said = item.answer if answer is None else answer
    mark = plugin.load("scorers", suite.scorer)(item, Completion(Outcome.ANSWERED, said, finish_reason="stop"))
    assert getattr(mark, "label", mark) == expected
