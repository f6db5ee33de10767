"""`weighbridge precision` and `weighbridge contamination` as a user runs them, against scripted servers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from weighbridge.cli.contamination import contamination_lines
from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import CommandLine

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]


def served(serve: Serve, name: str, share: float, tokens: int = 7) -> str:
    """Serve a model that gives " the" this probability after any text, and return its reference."""
    server: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        asked = json.loads(server[0].bodies[-1])
        move = 0.01 if len(asked["prompt"]) % 2 else 0.0  # or no position would differ from another
        table = {" the": math.log(share + move), " a": math.log(0.9 - share - move)}
        choice = {"text": " the", "finish_reason": "length", "logprobs": {"top_logprobs": [table]}}
        usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
        return http(json.dumps({"choices": [choice], "usage": usage}).encode())

    server.append(serve(reply))
    return f"{server[0].url}#{name}"


def test_a_quantized_model_is_measured_beside_its_original(weighbridge: CommandLine, serve: Serve) -> None:
    """By hand: cells 0.5, 0.4, 0.1 against 0.3, 0.6, 0.1; every likeliest token flips; the original repeats itself."""
    document = weighbridge.json("precision", served(serve, "q4", 0.3), served(serve, "f16", 0.5))
    body = document["precision"]["body"]
    even = 0.5 * math.log(0.5 / 0.3) + 0.4 * math.log(0.4 / 0.6)
    odd = 0.51 * math.log(0.51 / 0.31) + 0.39 * math.log(0.39 / 0.59)
    assert min(even, odd) < body["kl"]["value"] < max(even, odd)
    assert body["flips"]["value"] == 1.0
    assert (body["noise_identical"], body["differs"]) == (208, True)
    assert "equal counts" in body["tokenizer"]


def test_the_lines_say_what_is_noise(weighbridge: CommandLine, serve: Serve) -> None:
    """Two servers of the same figures: the same to the last digit; the last line is the next command."""
    done = weighbridge("precision", served(serve, "q8", 0.5), served(serve, "f16", 0.5))
    assert done.returncode == 0, done.stderr
    assert "the same distribution to the last digit at all 208 positions" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("Next: ")


def test_models_of_different_tokenizers_are_refused(weighbridge: CommandLine, serve: Serve) -> None:
    """Exit code 2, and which command to take instead."""
    done = weighbridge("precision", served(serve, "a", 0.3, tokens=8), served(serve, "b", 0.5))
    assert done.returncode == 2
    assert "tokenizers differ" in done.stderr
    assert "weighbridge compare" in done.stderr


def test_the_same_model_twice_is_a_slip(weighbridge: CommandLine, serve: Serve) -> None:
    """The original is asked twice in any case."""
    reference = served(serve, "a", 0.3)
    done = weighbridge("precision", reference, reference)
    assert done.returncode == 2
    assert "are the same artefact" in done.stderr


def test_a_suite_is_probed_for_hints(weighbridge: CommandLine, serve: Serve) -> None:
    """A server that always says the same knows nothing by heart: no hint, and every probe with its p-value."""
    server: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        asked = json.loads(server[0].bodies[-1])
        table = {" A": math.log(0.4), " B": math.log(0.3), " C": math.log(0.2), " D": math.log(0.05)}
        choice = {"text": " A", "finish_reason": "length"} | (
            {"logprobs": {"top_logprobs": [table]}} if asked.get("logprobs") else {}
        )
        return http(json.dumps({"choices": [choice]}).encode())

    server.append(serve(reply))
    words = ("contamination", f"{server[0].url}#model", "--suite", "knowledge-en", "--limit", "40")
    (found,) = weighbridge.json(*words)["contamination"]
    assert found["body"]["hinting"] == []
    assert {probe["probe"] for probe in found["body"]["probes"]} == {"verbatim", "missing-option", "order"}
    assert all(probe["p_value"] > 0.05 for probe in found["body"]["probes"])
    done = weighbridge(*words)
    assert "NO HINT" in done.stdout
    assert "none is no proof either" in done.stdout
    assert weighbridge("evidence", "verify").returncode == 0


def test_few_questions_are_too_little_to_say() -> None:
    """Most probes not made, or few questions: not "no hint", which would sound like a finding."""
    estimate = {"value": 0.0, "low": 0.0, "high": 0.3, "n": 60}
    probe = {"probe": "verbatim", "control": None, "found": estimate, "adjusted": 1.0, "hints": False}
    body = {"suite": {"name": "s"}, "hinting": [], "probes": [probe] * 2, "not_done": {}}
    assert "NO HINT" in "\n".join(contamination_lines(body))
    few = {**body, "probes": [{**probe, "found": {**estimate, "n": 12}}]}
    for little in (few, {**body, "not_done": {"a": "x", "b": "y", "c": "z"}}):
        assert "TOO LITTLE TO SAY" in "\n".join(contamination_lines(little))


def test_a_loss_on_a_suite_is_an_exit_code(weighbridge: CommandLine, serve: Serve) -> None:
    """Neither model ever says a letter: nobody knows, so 11; `--no-verdict-code` leaves with 0."""
    words = ("precision", served(serve, "a", 0.3), served(serve, "b", 0.3), "--suite", "knowledge-en")
    assert "12 worse on one, 11 undecided" in weighbridge("precision", "--help").stdout
    assert weighbridge(*words).returncode == 11
    assert weighbridge(*words, "--no-verdict-code").returncode == 0
