"""`weighbridge evaluate --batch-out` and `--batch-in`: a vendor's batch instead of live calls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.cli.conftest import CommandLine

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

N = 12


def sums(folder: Path) -> str:
    """Write sums as a table of one's own."""
    place = folder / "sums.jsonl"
    place.write_text("\n".join(json.dumps({"question": f"{i}+1=", "answer": str(i + 1)}) for i in range(N)))
    return str(place)


def served(serve: Serve) -> FaultServer:
    """Serve a model that adds."""
    server: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        return http(json.dumps(answer(json.loads(server[0].bodies[-1]))).encode())

    server.append(serve(reply))
    return server[0]


def answer(body: dict[str, object]) -> dict[str, object]:
    """Return the right sum as OpenAI's API gives it."""
    messages = body["messages"]
    assert isinstance(messages, list)
    question = str(messages[-1]["content"])
    text = str(int(question.partition("+")[0]) + 1)
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def test_a_batch_is_written_answered_elsewhere_and_taken(
    weighbridge: CommandLine, serve: Serve, tmp_path: Path
) -> None:
    """The lines are OpenAI's; of twelve results one failed and one is a stranger's: one question is asked live."""
    server, suite, out = served(serve), sums(tmp_path), tmp_path / "batch.jsonl"
    asked = ("evaluate", f"{server.url}#m", "--suite", suite)
    done = weighbridge(*asked, "--batch-out", str(out))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    live = len(server.bodies)
    assert len(lines) + live == N  # finding out the form answered a question
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert all(len(line["custom_id"]) <= 64 for line in lines)

    results: list[dict[str, object]] = [
        {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": answer(line["body"])}}
        for line in lines
    ]
    results[0] = {"custom_id": lines[0]["custom_id"], "response": None, "error": {"message": "expired"}}
    results.append({"custom_id": "of-somebody-else", "response": {"status_code": 200, "body": {}}})
    taken = tmp_path / "results.jsonl"
    taken.write_text("\n".join(map(json.dumps, results)))
    done = weighbridge(*asked, "--batch-in", str(taken), "--json")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)["evidence"][0]["body"]
    assert body["accuracy"]["value"] == 1
    assert (body["calls"]["asked"], body["calls"]["calls"]) == (N, 1)
    assert "expired" in done.stderr
    assert "1 of its lines" in done.stderr
    assert "name the model" not in done.stderr


def test_results_of_another_model_or_unreadable_are_told(
    weighbridge: CommandLine, serve: Serve, tmp_path: Path
) -> None:
    """Three answers name another model, two a date; two bodies hold no answer: not taken, counted, asked live."""
    asked, lines, taken = handed_in(weighbridge, serve, tmp_path)
    bodies = [answer(line["body"]) for line in lines]
    for body in bodies[:3]:
        body["model"] = "other-7b"
    for body in bodies[3:5]:
        body["model"] = "m-2026-01-31"
    bodies[5] = {"object": "list"}
    bodies[6] = {"choices": "none"}
    write_results(taken, zip(lines, bodies, strict=True))
    done = weighbridge(*asked, "--batch-in", str(taken), "--json")
    assert done.returncode == 0, done.stderr
    assert f"{len(lines) - 2} answers were taken" in done.stderr
    assert "3 of the answers name the model `other-7b`" in done.stderr
    assert "m-2026" not in done.stderr
    assert "of 2 without an answer: the answer holds no choice" in done.stderr
    calls = json.loads(done.stdout)["evidence"][0]["body"]["calls"]
    assert (calls["asked"], calls["calls"]) == (N, 2)


def test_one_request_with_two_answers_is_refused(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """Another answer to the same request: which one counts nobody knows; the same one again is no contradiction."""
    asked, lines, taken = handed_in(weighbridge, serve, tmp_path)
    right = [(line, answer(line["body"])) for line in lines]
    wrong = answer({"messages": [{"content": "99+1="}]})
    write_results(taken, [*right, (lines[2], wrong)])
    done = weighbridge(*asked, "--batch-in", str(taken))
    assert done.returncode == 2, done.stdout
    assert lines[2]["custom_id"] in done.stderr
    assert "answered twice" in done.stderr
    write_results(taken, [*right, (lines[2], {**answer(lines[2]["body"]), "id": "again"})])
    done = weighbridge(*asked, "--batch-in", str(taken), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["evidence"][0]["body"]["accuracy"]["value"] == 1


def handed_in(
    weighbridge: CommandLine, serve: Serve, folder: Path
) -> tuple[tuple[str, ...], list[dict[str, Any]], Path]:
    """Write a batch; return the command that asks, the batch's lines, and where its results may lie."""
    out = folder / "batch.jsonl"
    asked = ("evaluate", f"{served(serve).url}#m", "--suite", sums(folder))
    done = weighbridge(*asked, "--batch-out", str(out))
    assert done.returncode == 0, done.stderr
    return asked, [json.loads(line) for line in out.read_text().splitlines()], folder / "results.jsonl"


def write_results(place: Path, answered: Iterable[tuple[dict[str, Any], dict[str, object]]]) -> None:
    """Write results in OpenAI's format."""
    place.write_text(
        "\n".join(
            json.dumps({"custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}})
            for line, body in answered
        )
    )
