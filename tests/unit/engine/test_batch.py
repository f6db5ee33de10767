"""Lines of vendors' batch files, written and read."""

from __future__ import annotations

import json

from weighbridge.engine.anthropic import AnthropicEngine
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Outcome, Request
from weighbridge.engine.wire.batch import answered_in

ASKED = Request("chat", "2+2=", 8)


def test_anthropics_lines_hold_params_and_its_results_a_message() -> None:
    """The documented shapes (docs.anthropic.com, batch processing): custom_id, params; result.type, result.message."""
    engine = AnthropicEngine(model="m", key="secret")
    line = engine.batch_line(ASKED, "r1")
    assert isinstance(line, dict)
    assert line["custom_id"] == "r1"
    assert line["params"]["model"] == "m"
    assert "secret" not in json.dumps(line)
    message = {"role": "assistant", "content": [{"type": "text", "text": "4"}], "stop_reason": "end_turn"}
    found = answered_in({"custom_id": "r1", "result": {"type": "succeeded", "message": message}})
    assert found is not None
    assert found.body is not None
    assert engine.batch_answer(found.body, ASKED).text == "4"


def test_what_failed_says_why_and_is_no_answer() -> None:
    """Errors of either vendor, an expired request, and a status that is none of success."""
    for row, why in (
        ({"custom_id": "a", "response": None, "error": {"code": "batch_expired"}}, "batch_expired"),
        (
            {"custom_id": "a", "response": {"status_code": 429, "body": {"error": {"message": "slow down"}}}},
            "slow down",
        ),
        ({"custom_id": "a", "result": {"type": "expired"}}, "expired"),
        ({"custom_id": "a", "result": {"type": "errored", "error": {"type": "overloaded"}}}, "overloaded"),
        ({"custom_id": "a"}, "no answer"),
    ):
        found = answered_in(row)
        assert found is not None
        assert found.body is None
        assert why in found.why


def test_hostile_lines_name_nobody_or_give_no_answer() -> None:
    """A name that is no text, or endless, is nobody's; a body that is no answer is FAILED, and raises nothing."""
    assert answered_in({"custom_id": 7}) is None
    assert answered_in({"custom_id": "x" * 10_000}) is None
    engine = OpenAIEngine("http://127.0.0.1:9/v1", "m")
    for body in ({}, {"choices": "none"}, {"choices": [{"message": {"content": {"a": 1}}}]}):
        found = answered_in({"custom_id": "a", "response": {"status_code": 200, "body": body}})
        assert found is not None
        assert found.body is not None
        assert engine.batch_answer(found.body, ASKED).outcome in {Outcome.FAILED, Outcome.EMPTY}
