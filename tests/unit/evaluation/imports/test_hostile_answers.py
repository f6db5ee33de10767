"""Rows of any shape: an error of the house or an answer, never a traceback."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.errors import WeighbridgeError
from weighbridge.evaluation.behaviour.reading import read_answered

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "answer", "arg_0", "arguments", "attachments", "body", "choices", "code", "completion", "content", "custom_id",
    "doc", "error", "filter", "filtered_resps", "finish_reason", "gen_args_0", "guardrails", "id", "input", "limit",
    "message", "messages", "metadata", "model", "model_output", "output", "prompt", "provider", "question", "raw",
    "reasoning", "refusal", "request", "resps", "response", "role", "sample_score", "score", "status_code", "text",
    "type", "vars",
]  # fmt: skip
SCALARS: list[Any] = [None, True, 3, 0.5, "", "x", "user", "assistant", "text", '[{"role": "user", "content": 5}]']
VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
ROWS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)


@pytest.mark.parametrize(
    "known", [{}, {"doc_id": 0, "resps": [["a"]]}, {"index": 0, "model_output": {}}, {"testIdx": 0, "success": True},
              {"index": 1, "sample_score": {"score": {}}}]
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=ROWS)
def test_rows_of_any_shape_are_survived(tmp_path: Path, known: dict[str, Any], row: dict[str, Any]) -> None:
    """Whatever stands in the cells of a tool's row."""
    place = tmp_path / "rows.jsonl"
    place.write_text(json.dumps(known | row))
    with contextlib.suppress(WeighbridgeError):
        assert isinstance(read_answered(place, apart=True)[0].text, str)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sample=ROWS, model=VALUES)
def test_samples_of_inspect_of_any_shape_are_survived(tmp_path: Path, sample: dict[str, Any], model: Any) -> None:
    """Whatever stands in a log."""
    place = tmp_path / "log.json"
    place.write_text(json.dumps({"eval": {"task": "t", "model": model}, "samples": [{"id": 1, **sample}]}))
    with contextlib.suppress(WeighbridgeError):
        assert isinstance(read_answered(place, apart=True)[0].text, str)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "response": {"content": [{"type": []}]}},
        {"prompt": "q", "response": {"error": {"code": ["a"]}}},
        {"messages": [{"role": "user", "content": "q"}], "response": {"choices": [None]}},
    ],
)
def test_shapes_that_once_broke(tmp_path: Path, row: dict[str, Any]) -> None:
    """An answer of nothing, found by chance rows."""
    place = tmp_path / "rows.jsonl"
    place.write_text(json.dumps(row))
    (found,) = read_answered(place)
    assert found.text == ""
