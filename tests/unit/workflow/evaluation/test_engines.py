"""Which engine answers at an address, how much room it needs, and whether it serves what it served before."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.artefact import Artefact, digest_of_endpoint
from weighbridge.core.kinds import KINDS
from weighbridge.core.reference import Reference
from weighbridge.engine.anthropic import AnthropicEngine
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.evaluation.suite import find_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine
from weighbridge.workflow.evaluation.engines import context_needed, engine_at
from weighbridge.workflow.evaluation.examine import examine_engine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://api.anthropic.com/v1", AnthropicEngine),
        ("https://api.deepseek.com/anthropic/v1", AnthropicEngine),
        ("https://api.deepseek.com/v1", OpenAIEngine),
        ("https://api.anthropic.com.evil.example/v1", OpenAIEngine),
    ],
)
def test_an_address_tells_which_api_it_speaks(address: str, kind: type) -> None:
    """Anthropic's host, or its name as a part of the path, as vendors offer it beside their own."""
    assert type(engine_at(address, "m")) is kind


def test_a_vendors_name_is_an_address() -> None:
    """`anthropic:model` is short for the address."""
    reference = Reference.parse("anthropic:claude-x")
    assert (reference.kind, reference.target, reference.detail) == (
        "endpoint",
        "https://api.anthropic.com/v1",
        "claude-x",
    )


def test_room_is_made_for_the_longest_question() -> None:
    """In steps of 4,096 tokens, and never less than one step."""
    suite = find_suite("knowledge-en")
    assert context_needed([]) == context_needed([suite]) == 4096


def test_an_engine_is_held_against_what_it_served_before(tmp_path: Path) -> None:
    """The second fingerprint is compared with the first; what is kept is evidence of its kind."""
    reference = Reference.parse("http://127.0.0.1:1/v1#m")
    artefact = Artefact(reference=reference, name="m", digest=digest_of_endpoint(reference.target, "m"))
    shift = 0.0

    def answer(request: Request) -> Completion:
        pairs = (("a", -0.5 - shift), ("b", -2.0)) if request.top_logprobs else ()
        return Completion(Outcome.ANSWERED, f"text {request.seed}", top_logprobs=pairs)

    store = SQLiteStore(tmp_path / "evidence.sqlite")
    try:
        first = examine_engine(artefact, ScriptedEngine(answer), store, on=date(2026, 11, 21))
        again = examine_engine(artefact, ScriptedEngine(answer), store, on=date(2026, 11, 22))
        shift = 2.0
        other = examine_engine(artefact, ScriptedEngine(answer), store, on=date(2026, 11, 23))
    finally:
        store.close()
    KINDS["endpoint/v1"].model_validate(first.evidence.body)
    assert first.before is None
    assert again.before is not None
    assert other.before is not None
    assert (again.before.verdict, again.before_on) == ("same", date(2026, 11, 21))
    assert (other.before.verdict, other.before_on) == ("differs", date(2026, 11, 22))
