"""`weighbridge canary` as a user runs it: choose, record, ask again."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from tests.cli.test_behaviour import bank, served

from weighbridge.testing.fault_server import http

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine
    from tests.cli.test_behaviour import Serve

    from weighbridge.testing.fault_server import FaultServer


def test_a_canary_of_evidence_sees_a_change(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """Chosen from a measured model it sings for another behaviour, and not for the same one."""
    model = served(serve, lambda question: "CN" in question)
    measured = weighbridge.json("behaviour", model, "--bank", bank(tmp_path))
    file = tmp_path / "canary.jsonl"
    done = weighbridge("canary", "--from-evidence", measured["id"], "--items", "20", "--out", str(file))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(one) for one in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 20
    assert {row["behaviour"] for row in rows} == {"compliance", "refusal"}
    assert "asked only once" in done.stderr

    same = weighbridge.json("canary", "check", str(file), model)
    assert same["verdict"] == "no change shown"
    assert same["identical"]["value"] == 1
    other = weighbridge.json("canary", "check", str(file), served(serve, lambda _question: False), code=12)
    assert other["verdict"] == "behaviour changed"
    assert other["started"] == sum(row["behaviour"] == "refusal" for row in rows)
    told = weighbridge("canary", "check", str(file), served(serve, lambda _question: True))
    assert told.returncode == 12
    assert "behaviour changed" in told.stdout


def test_a_host_that_is_unsteady_or_silent_does_not_pass(
    weighbridge: CommandLine, serve: Serve, tmp_path: Path
) -> None:
    """Every other call about a question is refused, or 22 of 30 requests fail: 12 both times, said in words."""
    file, known = tmp_path / "canary.jsonl", tmp_path / "known.jsonl"
    weighbridge("canary", "--bank", "behaviour", "--out", str(file))
    model = served(serve, lambda question: "how" in question.lower())
    assert weighbridge("canary", "check", str(file), model, "--record", str(known)).returncode == 0

    heard: Counter[str] = Counter()

    def tosses(question: str) -> bool:
        heard[question] += 1
        return ("how" in question.lower()) ^ (zlib.crc32(question.encode()) % 2 == heard[question] % 2)

    done = weighbridge("canary", "check", str(known), served(serve, tosses))
    assert done.returncode == 12, done.stdout
    assert "unsteady: 30 rows" in done.stdout
    assert "behave differently asked twice" in done.stdout

    prompts = [json.loads(one)["prompt"] for one in known.read_text(encoding="utf-8").splitlines()]
    server: list[FaultServer] = []

    def fails(_n: int, _path: str) -> bytes:
        question = json.loads(server[0].bodies[-1])["messages"][-1]["content"]
        if question in prompts[:22]:
            return http(b'{"error": {"message": "invalid request"}}', status="400 Bad Request")
        refused = "how" in question.lower()
        text = "I'm sorry, but I can't help with that." if refused else "It was decided in 1989 by a committee."
        return http(json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode())

    server.append(serve(fails))
    lost = weighbridge.json("canary", "check", str(known), f"{server[0].url}#model", code=12)
    assert (lost["verdict"], lost["lost"], lost["rows"]) == ("behaviour changed", 22, 8)


def test_a_canary_of_a_bank_is_recorded_first(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """Without a reference nothing is known; the recorded file has one, and is asked by `--engine` as well."""
    file, known = tmp_path / "canary.jsonl", tmp_path / "known.jsonl"
    done = weighbridge("canary", "--bank", "behaviour", "--out", str(file))
    assert done.returncode == 0, done.stderr
    model = served(serve, lambda question: "how" in question.lower())
    assert weighbridge("canary", "check", str(file), model).returncode == 11
    done = weighbridge("canary", "check", str(file), model, "--record", str(known))
    assert done.returncode == 0, done.stderr
    assert f"Recorded: {known}, with a reference for 30 of 30 rows" in done.stderr
    assert "nothing to compare with before today" in done.stdout
    assert "lost" not in done.stdout
    assert weighbridge("canary", "check", str(known), "--engine", model).returncode == 0


def test_what_contradicts_itself_is_refused(weighbridge: CommandLine, tmp_path: Path) -> None:
    """Nothing to choose from, both, languages that are not there, a file that is none, no model."""
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": "x"}\n')
    for words, said in (
        ((), "nothing is named to choose from"),
        (("--bank", "behaviour", "--from-evidence", "abc"), "two sources"),
        (("--bank", "behaviour", "--languages", "tlh"), "no items"),
        (("check", str(broken), "http://127.0.0.1:9/v1#m"), "no row of a canary"),
        (("check", str(broken)), "name the model"),
    ):
        done = weighbridge("canary", *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
