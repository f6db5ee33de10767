"""The laws of an engine: what every implementation of `weighbridge.engine.protocol.Engine` must keep.

In the test module of an engine, for pytest; `make` returns an engine that is not entered yet:

    TestMyEngine = laws_of_an_engine(make)
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.testing.law import hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.engine.protocol import Engine

__all__ = ["EngineLaws", "laws_of_an_engine"]

_CHAT = Request("chat", "Name one colour.", 8)
_RAW = Request("completion", "The capital of France is", 4)
_HOSTILE = ("\ud800", "\0", "{{ 7*7 }}", "<|im_end|>", "\u202e" * 8)


class EngineLaws:
    """One method a law."""

    def make(self) -> Engine:
        """Return the engine under test; overridden."""
        raise NotImplementedError

    def ask(self, *requests: Request, at_once: bool = False) -> list[Completion]:
        """Enter a fresh engine and ask it."""

        async def run() -> list[Completion]:
            async with self.make() as engine:
                if at_once:
                    return list(await asyncio.gather(*map(engine.complete, requests)))
                return [await engine.complete(request) for request in requests]

        return asyncio.run(run())

    def test_the_identity_is_the_same_for_the_same_engine(self) -> None:
        """Answers are stored under it: two makings of one engine have one digest."""
        one, other = self.make().identity, self.make().identity
        hold(one.digest == other.digest, "the same engine has the same identity")
        hold(bool(one.name and one.model), "an identity names engine and model")
        json.dumps(one.to_json())

    def test_there_is_at_least_one_lane(self) -> None:
        """Both for answers that are generated and for those read off a distribution."""
        engine = self.make()
        hold(engine.lanes(generates=True) >= 1 and engine.lanes(generates=False) >= 1, "an engine has a lane")

    def test_an_answer_keeps_its_contract(self) -> None:
        """What is answered says something, what failed says why, and counts are within what was asked."""
        for request, completion in zip((_CHAT, _RAW), self.ask(_CHAT, _RAW), strict=True):
            _hold_contract(request, completion)

    def test_an_answer_survives_being_stored(self) -> None:
        """Reading what was written gives the same completion."""
        for completion in self.ask(_CHAT, _RAW):
            kept = json.loads(json.dumps(completion.to_json()))
            hold(Completion.from_json(kept) == completion, "a completion survives JSON")

    def test_a_distribution_is_one(self) -> None:
        """Log-probabilities of different tokens, which add up to 1 at most; or the request failed and says so."""
        requests = [Request(one.form, one.text, 1, top_logprobs=5) for one in (_CHAT, _RAW)]
        for request, completion in zip(requests, self.ask(*requests), strict=True):
            _hold_contract(request, completion)
            total = sum(math.exp(logprob) for _, logprob in completion.top_logprobs)
            hold(total <= 1.05, f"probabilities add up to {total}")  # noqa: PLR2004 - rounding
            hold(completion.outcome is not Outcome.ANSWERED or bool(completion.text or completion.top_logprobs), "said")

    def test_choices_hold_or_the_request_fails(self) -> None:
        """An answer outside the choices is never handed out as one."""
        requests = [Request(one.form, one.text, 8, choices=("mauve", "teal")) for one in (_CHAT, _RAW)]
        for completion in self.ask(*requests):
            hold(
                completion.outcome is not Outcome.ANSWERED or completion.text in {"mauve", "teal"},
                f"`{completion.text}` is none of the choices",
            )

    def test_a_schema_holds_or_the_request_fails(self) -> None:
        """An answer that is no JSON is never handed out as one."""
        (completion,) = self.ask(Request("chat", "A colour as JSON.", 48, schema='{"type": "object"}'))
        if completion.outcome is Outcome.ANSWERED:
            json.loads(completion.text)

    def test_what_cannot_be_asked_fails_and_says_why(self) -> None:
        """A raw completion has no tools and no turns; nothing is raised and nothing is left out in silence."""
        tools = json.dumps([{"name": "f", "parameters": {"type": "object"}}])
        requests = (
            Request("completion", "x", 4, tools=tools),
            Request("completion", "x", 4, turns=(("user", "a"), ("assistant", "b"))),
            Request("chat", "x", 4, schema="not JSON"),
        )
        for request, completion in zip(requests, self.ask(*requests), strict=True):
            hold(completion.outcome is Outcome.FAILED, f"{request} cannot be asked")
            hold(bool(completion.detail), "a failure says why")

    def test_hostile_text_raises_nothing(self) -> None:
        """Lone surrogates, NUL, template code and control tokens in a prompt end in an outcome."""
        requests = [Request(form, text, 2) for text in _HOSTILE for form in ("chat", "completion")]
        for request, completion in zip(requests, self.ask(*requests), strict=True):
            _hold_contract(request, completion)

    def test_many_at_once_are_all_answered(self) -> None:
        """Each request has its own completion, whatever the lanes."""
        completions = self.ask(*[_CHAT] * 6, at_once=True)
        hold(len({one.outcome for one in completions}) == 1, "equal requests at once have equal outcomes")


def _hold_contract(request: Request, completion: Completion) -> None:
    """Hold one completion against what its outcome promises."""
    if completion.outcome is Outcome.ANSWERED:
        said = completion.text.strip() or completion.top_logprobs or completion.tool_calls
        hold(bool(said), "an answer says something")
    if completion.outcome in {Outcome.FAILED, Outcome.TIMEOUT, Outcome.NOT_ASKED}:
        hold(bool(completion.detail), "what failed says why")
    written = completion.completion_tokens
    hold(written is None or 0 <= written <= request.max_tokens + 1, f"{written} tokens of {request.max_tokens}")
    completion.text.encode()


def laws_of_an_engine(make: Callable[[], Engine]) -> type[EngineLaws]:
    """Return the laws as a class that pytest collects."""

    class TestEngineLaws(EngineLaws):
        def make(self) -> Engine:
            return make()

    return TestEngineLaws
