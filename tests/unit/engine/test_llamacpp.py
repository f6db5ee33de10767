"""The embedded llama.cpp on real weights: constraints, distributions, a death in the middle, and its fingerprint."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from weighbridge.engine.discovery import fingerprint as module
from weighbridge.engine.discovery.capabilities import Capabilities, discover
from weighbridge.engine.discovery.fingerprint import compare_fingerprints, take_fingerprint
from weighbridge.engine.llamacpp import LlamaCppEngine
from weighbridge.engine.protocol import Outcome, Request
from weighbridge.engine.wire.choices import force_choice
from weighbridge.formats.gguf import read_gguf

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.engine.discovery.fingerprint import Fingerprint

pytestmark = pytest.mark.engine
STORY = Request("chat", "Tell a very long story of a ship.", 900)


def test_what_is_asked_for_is_done(demo_model: Path) -> None:
    """Choices, schema, seed and turns hold; the model's path stays on this machine."""

    async def run() -> None:
        async with LlamaCppEngine(demo_model, context_tokens=1024, threads=1) as engine:
            question = Request("completion", "Is grass green? Answer yes or no. Answer:", 1, top_logprobs=20)
            forced = await engine.complete(force_choice(question, ("Yes", "No")))
            assert (forced.outcome, forced.text in {"Yes", "No"}) == (Outcome.ANSWERED, True)
            assert forced.served_model == demo_model.name
            drawn = [
                await engine.complete(Request("chat", "Invent a word.", 6, temperature=1.5, seed=seed))
                for seed in (1, 1, 2)
            ]
            assert drawn[0].text == drawn[1].text != drawn[2].text
            too_long = await engine.complete(Request("completion", "word " * 3000, 4))
            assert too_long.outcome is Outcome.FAILED
            assert "context" in too_long.detail
            can = await discover(engine)
            assert (can.server, can.choices, can.schema, can.seed, can.echo) == ("llama.cpp", True, True, True, False)
            assert (can.chat_logprobs, can.completion_logprobs, can.context_tokens) == (20, 20, 1024)
            assert can.template_digest is not None
            assert can.tools is False  # this model's template has no place for tools: they never reach the prompt

    asyncio.run(run())


def test_a_death_in_the_middle_is_one_failure_and_one_restart(demo_model: Path) -> None:
    """The request is FAILED, the next one is answered; after a second death nothing is started again."""

    async def run() -> None:
        async with LlamaCppEngine(demo_model, context_tokens=1024, threads=1) as engine:
            for then in (Outcome.TRUNCATED, Outcome.FAILED):
                killed = asyncio.create_task(engine.complete(STORY))
                await asyncio.sleep(0.5)
                assert engine._process is not None
                os.kill(engine._process.pid, signal.SIGKILL)
                completion = await killed
                assert completion.outcome is Outcome.FAILED
                assert completion.detail == "llama.cpp died (signal 9)"
                assert (await engine.complete(Request("chat", "Count to ten.", 2))).outcome is then
            assert engine._starts == 2

    asyncio.run(run())


def fingerprint(model: Path) -> Fingerprint:
    """Take the fingerprint of a file."""

    async def run() -> Fingerprint:
        async with LlamaCppEngine(model, context_tokens=512, threads=1) as engine:
            return await take_fingerprint(engine, Capabilities(completion=True, completion_logprobs=20))

    return asyncio.run(run())


def test_a_fingerprint_tells_a_coarser_quantization_from_the_same_file(
    demo_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes give the same; with the lowest bit of 4-bit weights cleared (as 3 bits would), differs."""
    version, prompts = module._prompts()
    short = tuple(text[:24] for text in prompts[:18])  # reading takes the time, and any text will do
    monkeypatch.setattr(module, "_prompts", lambda: (version, short))
    header = read_gguf(demo_model)
    data = bytearray(demo_model.read_bytes())
    for tensor in header.tensors:
        if tensor.dtype == "Q4_1" and "ffn" in tensor.name:
            assert tensor.n_bytes is not None
            blocks = np.frombuffer(data, np.uint8, tensor.n_bytes, header.start + tensor.offset).reshape(-1, 20)
            blocks[:, 4:] &= 0xEE  # two float16, then 16 bytes of two weights each
    coarser = tmp_path / "coarser.gguf"
    coarser.write_bytes(data)
    one = fingerprint(demo_model)
    assert compare_fingerprints(one, fingerprint(demo_model)).verdict == "same"
    assert compare_fingerprints(one, fingerprint(coarser)).verdict == "differs"
