"""The main job on real weights, end to end, as a user runs it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from openai import OpenAI

from weighbridge.engine.llamacpp import LlamaCppEngine
from weighbridge.engine.protocol import Outcome, Request

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine


def test_the_demo_is_weighed_from_reference_to_dossier(demo_model: Path, tmp_path: Path) -> None:
    """Known facts of SmolLM2-135M stand in the evidence; the dossier cites it; a second run asks nothing."""
    assert demo_model.is_file()
    words = [sys.executable, "-m", "weighbridge", "demo", "--limit", "1", "--workspace", "work", "--json"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in {11, 12}, done.stderr
    document = json.loads(done.stdout)
    bodies = {row["kind"]: row["body"] for row in document["evidence"]}
    assert (
        bodies["files/v1"]["files"][0]["sha256"] == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    )
    anatomy = bodies["anatomy/v2"]
    assert (anatomy["parameters"]["total"], anatomy["layers"], anatomy["heads"], anatomy["kv_heads"]) == (
        134_515_008,
        30,
        9,
        3,
    )
    assert bodies["card/v1"]["licence"] == "apache-2.0"
    assert bodies["score/v1"]["form"] == "completion"
    assert bodies["latency/v1"]["calls"]["failed"] == 0
    page = (tmp_path / "work" / "dossier.html").read_text(encoding="utf-8")
    assert document["artefact"]["digest"] in page
    again = json.loads(
        subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False).stdout
    )
    assert [row["id"] for row in again["evidence"]] == [row["id"] for row in document["evidence"]]


def ask_openais_client(client: OpenAI) -> str:
    """Ask the same through the `openai` package."""
    answer = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Name a colour."}], max_tokens=12, temperature=0
    )
    return str(answer.choices[0].message.content)


def test_our_client_reads_what_openais_client_reads(demo_model: Path) -> None:
    """The same greedy request gives the same text through the `openai` package."""

    async def both() -> tuple[str, str, str]:
        async with LlamaCppEngine(demo_model, context_tokens=512) as engine:
            client = engine._client
            assert client is not None
            ours = await engine.complete(Request("chat", "Name a colour.", 12))
            streamed = await engine.complete(Request("chat", "Name a colour.", 12, stream=True))
            with OpenAI(base_url=client.base_url, api_key=str(client._key)) as reference:
                theirs = await asyncio.to_thread(ask_openais_client, reference)
            return ours.text, streamed.text, theirs

    ours, streamed, theirs = asyncio.run(both())
    assert ours == streamed == theirs


def test_the_shared_prefix_stays_in_the_slot(demo_model: Path) -> None:
    """The second question of a suite evaluates its own tokens, not the examples again."""

    async def two() -> tuple[int, int]:
        async with LlamaCppEngine(demo_model, context_tokens=2048) as engine:
            prefix = "Question: two plus two?\nAnswer: four\n\n" * 20
            results = [
                await engine.complete(
                    Request("completion", f"{prefix}Question: {n} plus one?\nAnswer:", 1, top_logprobs=5)
                )
                for n in ("five", "nine")
            ]
            assert all(result.outcome is Outcome.ANSWERED for result in results)
            return results[1].prompt_tokens or 0, results[1].cached_tokens or 0

    prompt, cached = asyncio.run(two())
    assert cached > 0.9 * (prompt - 10)
