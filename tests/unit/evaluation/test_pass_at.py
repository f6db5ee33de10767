"""pass@k of suites that draw several samples of a question."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.evaluation.evaluate import evaluate
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import load_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from pathlib import Path


def test_pass_at_five_of_five_samples_is_whether_any_is_right(tmp_path: Path) -> None:
    """Four questions with 0, 1, 3 and 5 of 5 samples right: pass@1 is 9/20 and pass@5 is 3/4 (Chen et al. 2021)."""
    (tmp_path / "suite.toml").write_text(
        '[suite]\nname = "s"\nversion = "1"\ntitle = "S"\nmeasures = "score/v1"\nlanguage = "en"\n'
        'licence = "Apache-2.0"\nsource = "ours"\nscorer = "exact"\nmax_tokens = 8\n[prompt]\nchat = "$question"\n'
        "[generation]\nsamples = 5\ntemperature = 0.8\n"
    )
    wanted = {"a": 0, "b": 1, "c": 3, "d": 5}
    rows = [{"id": name, "question": name, "answer": "yes"} for name in wanted]
    (tmp_path / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    drawn: dict[str, int] = {}

    def answer(request: Request) -> Completion:
        drawn[request.text] = drawn.get(request.text, 0) + 1
        return Completion(Outcome.ANSWERED, "yes" if drawn[request.text] <= wanted[request.text] else "no")

    store = SQLiteStore(tmp_path / "evidence.sqlite")
    session = Session(store, date(2026, 11, 22))
    body = asyncio.run(
        evaluate(load_suite(tmp_path), "sha256:" + "a" * 64, ScriptedEngine(answer, lanes=1), session)
    ).body
    store.close()
    assert body["accuracy"]["value"] == pytest.approx(9 / 20)
    assert body["pass_at"]["5"]["value"] == pytest.approx(3 / 4)
    assert body["pass_at"]["5"]["n"] == 4
