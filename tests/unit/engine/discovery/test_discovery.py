"""Discovery and fingerprints: scripted servers of known abilities, and perturbed distributions of known distance."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.engine.discovery.capabilities import Capabilities, discover
from weighbridge.engine.discovery.fingerprint import Fingerprint, compare_fingerprints, take_fingerprint
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.testing.fault_server import FaultServer, http
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]


def found(engine: Any) -> Capabilities:
    """Discover what an engine can do, twice; the second time costs nothing."""

    async def run() -> Capabilities:
        async with engine:
            first = await discover(engine)
            assert await discover(engine) is first
            return first

    return asyncio.run(run())


def test_an_able_server_is_found_able() -> None:
    """Everything that a server does is seen in its answers."""

    def answer(request: Request) -> Completion:
        if request.choices:
            return Completion(Outcome.ANSWERED, request.choices[0])
        if request.schema:
            return Completion(Outcome.ANSWERED, '{"code": "zq-17"}')
        if request.tools:
            return Completion(Outcome.ANSWERED, tool_calls=(("get_weather", "{}"),))
        top = tuple((f"t{n}", -3.0 - n) for n in range(request.top_logprobs))
        return Completion(Outcome.ANSWERED, f"seed {request.seed}", top_logprobs=top, prompt_tokens=9, cached_tokens=0)

    can = found(ScriptedEngine(answer))
    assert (can.chat, can.completion, can.chat_logprobs, can.completion_logprobs) == (True, True, 20, 20)
    assert (can.choices, can.schema, can.tools, can.seed, can.cache_reported) == (True, True, True, True, True)
    assert can.calls <= 10


def test_a_poor_server_is_found_poor() -> None:
    """Refusals and ignored fields are a no; tools that leave the prompt as long as it was never reached the model."""

    def answer(request: Request) -> Completion:
        if request.form == "completion":
            return Completion(Outcome.FAILED, detail="HTTP 404: no such route")
        if request.choices or request.schema:
            return Completion(Outcome.FAILED, detail="the server did not hold the answer to the choices: x")
        text = "always" if request.seed is None else f"{id(request)} {len(engine.requests)}"
        return Completion(Outcome.ANSWERED, text, prompt_tokens=9)

    engine = ScriptedEngine(answer)
    can = found(engine)
    assert (can.completion, can.completion_logprobs, can.chat, can.chat_logprobs) == (False, 0, True, 0)
    assert (can.choices, can.schema, can.tools, can.seed, can.cache_reported) == (False, False, False, False, False)


@pytest.mark.parametrize("detail", ["HTTP 429: slow down", "HTTP 503: later", "the connection failed: ReadError"])
def test_a_failure_for_another_reason_leaves_everything_unknown(detail: str) -> None:
    """An overload says nothing of what a server can do."""
    can = found(ScriptedEngine(lambda _request: Completion(Outcome.FAILED, detail=detail)))
    assert (can.chat, can.completion, can.choices, can.chat_logprobs, can.seed) == (None, None, None, None, None)


def test_what_a_server_says_of_itself_is_read(serve: Serve) -> None:
    """vLLM: kind by `owned_by`, version by /version, context by `max_model_len`; echo by the prompt's own numbers."""
    echo = {"text": "one two three four five six", "logprobs": {"token_logprobs": [None, -1.0, -2.0, -0.1, -0.1]}}

    def reply(_n: int, path: str) -> bytes:
        if path == "/version":
            return http(b'{"version": "0.12.0"}')
        chat = path.endswith("chat/completions")
        return http(json.dumps({"choices": [{"message": {"content": "x"}} if chat else echo]}).encode())

    server = serve(reply)
    entry = {"id": "m", "owned_by": "vllm", "max_model_len": 8192}
    server.models_reply = http(json.dumps({"data": [entry, None, {"id": 5}]}).encode())
    can = found(OpenAIEngine(server.url, "m"))
    assert (can.server, can.version, can.context_tokens, can.models) == ("vllm", "0.12.0", 8192, ("m",))
    assert can.echo is True


@pytest.mark.parametrize("page", [b"[]", b"\xff", b'{"version": {"a": 1}}', b"[" * 99_999])
def test_pages_of_nonsense_are_unknown(serve: Serve, page: bytes) -> None:
    """Whatever a page holds, nothing is raised and nothing is made up."""
    server = serve(lambda _n, _path: http(page))
    server.models_reply = http(b'{"data": [{"id": "m", "owned_by": "vllm", "max_model_len": -5}]}')
    can = found(OpenAIEngine(server.url, "m"))
    assert (can.version, can.context_tokens, can.chat) == (None, None, None)


ROWS = tuple(tuple((f"t{p}-{n}", -0.5 - n) for n in range(6)) for p in range(25))
PRINT = Fingerprint("1", "completion", ROWS, noise=0.01, mean_noise=0.002)


def moved(by: float, prompts: int = 25) -> Fingerprint:
    """Return the fingerprint with the likeliest alternative of some prompts moved."""
    rows = tuple(
        ((row[0][0], row[0][1] - by), *row[1:]) if number < prompts else row for number, row in enumerate(ROWS)
    )
    return replace(PRINT, rows=rows)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (PRINT, "same"),
        (moved(0.005), "same"),
        (moved(0.1), "consistent"),
        (moved(0.1, prompts=1), "consistent"),
        (moved(1.0), "differs"),
        (moved(1.0, prompts=3), "differs"),
        (replace(PRINT, form="chat"), "cannot tell"),
        (replace(PRINT, prompts="2"), "cannot tell"),
        (replace(PRINT, rows=((),) * 20 + ROWS[:5]), "cannot tell"),
        (replace(PRINT, rows=(), texts=("x",) * 25), "cannot tell"),
        (replace(moved(1.0), noise=2.0, mean_noise=0.9), "cannot tell"),
        (replace(PRINT, noise=None), "cannot tell"),
    ],
)
def test_fingerprints_compare_by_their_distance_and_noise(other: Fingerprint, verdict: str) -> None:
    """Within its own noise: same; a little beyond: consistent; far: differs; no basis: cannot tell; in both orders."""
    assert compare_fingerprints(PRINT, other).verdict == verdict
    assert compare_fingerprints(PRINT, other).verdict == compare_fingerprints(other, PRINT).verdict


def test_a_missing_alternative_counts_at_least_its_distance_to_the_last_one() -> None:
    """A token that fell off the list has fallen below the list's end."""
    gone = replace(PRINT, rows=tuple((("new", -0.5), *row[1:]) for row in ROWS))
    likeness = compare_fingerprints(PRINT, gone)
    assert likeness.verdict == "differs"
    assert likeness.largest == pytest.approx(5.0)
    assert likeness.other_first == 25


def test_texts_never_prove_sameness() -> None:
    """Greedy texts can be equal for different weights; most of them begin otherwise for other weights."""
    texts = tuple(f"text {n} of a model" for n in range(25))
    one = Fingerprint("1", "chat", texts=texts, noise=0.0, mean_noise=0.0)
    assert compare_fingerprints(one, one).verdict == "consistent"
    assert compare_fingerprints(one, replace(one, texts=tuple(f"other {n}" for n in range(25)))).verdict == "differs"
    assert compare_fingerprints(one, replace(one, texts=("x", *texts[1:]))).verdict == "consistent"
    assert compare_fingerprints(one, replace(one, texts=("x",) * 10 + texts[10:])).verdict == "cannot tell"


def test_a_loaded_endpoint_is_known_by_its_likely_tokens() -> None:
    """Batching moved a token of 1% by 0.6 nats, and the endpoint differs from itself so; twice the likeliest does not.

    Figures as Qwen2.5-Coder-0.5B gave under llama.cpp beside two other callers: 0.27 nats, 0.008 of total variation.
    """
    rows = tuple((("a", math.log(0.98)), ("b", math.log(0.012)), ("c", math.log(0.004))) for _ in range(25))
    busy = tuple((row[0], ("b", row[1][1] - 0.6), row[2]) for row in rows)
    one = Fingerprint("1", "completion", rows, noise=0.0, mean_noise=0.0)
    other = Fingerprint("1", "completion", busy, noise=0.3, mean_noise=0.03)
    assert compare_fingerprints(one, other).verdict == "consistent"
    assert compare_fingerprints(one, replace(other, noise=0.0, mean_noise=0.0)).verdict == "differs"
    changed = tuple((("a", math.log(0.6)), ("b", math.log(0.3)), row[2]) for row in rows)
    assert compare_fingerprints(one, replace(other, rows=changed)).verdict == "differs"


def test_noise_is_the_difference_between_alone_and_together() -> None:
    """A server whose batches shift its numbers is measured to do so."""
    seen: dict[str, int] = {}

    def answer(request: Request) -> Completion:
        seen[request.text] = seen.get(request.text, 0) + 1
        shift = 0.25 if seen[request.text] > 1 and request.top_logprobs else 0.0
        top = (("a", -1.0 - shift), ("b", -2.0))
        return Completion(Outcome.ANSWERED, "x", top_logprobs=top if request.top_logprobs else ())

    async def run() -> Fingerprint:
        async with ScriptedEngine(answer) as engine:
            return await take_fingerprint(engine)

    taken = asyncio.run(run())
    assert taken.noise == pytest.approx(0.25)
    assert taken.mean_noise == pytest.approx(0.125)
    assert Fingerprint.from_json(json.loads(json.dumps(taken.to_json()))) == taken
