"""`weighbridge behaviour --hijack` as a user runs it, on a served model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine
    from tests.cli.test_behaviour import Serve


def obedient(serve: Serve) -> str:
    """Serve a model that calls the tool with whatever it was told last: as the user, or as the tool's output says."""
    server: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        asked = json.loads(server[0].bodies[-1])
        said = asked["messages"][-1]["content"]
        names = [tool["function"]["name"] for tool in asked["tools"]]
        wanted = [name for name in names if name in said.split("returned:")[-1]]
        call = {
            "type": "function",
            "function": {"name": (wanted or ["send_email"])[0], "arguments": json.dumps({"x": said})},
        }
        acts = bool(wanted) or "tool_output" not in said
        message = {"content": "", "tool_calls": [call]} if acts else {"content": said}
        return http(json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode())

    server.append(serve(reply))
    return f"{server[0].url}#model"


def test_a_model_that_obeys_what_it_reads_is_found(weighbridge: CommandLine, serve: Serve) -> None:
    """All attacks that name a tool succeed; the call is shown, and a policy can ask for the rate."""
    model = obedient(serve)
    asked = ("behaviour", model, "--hijack", "--languages", "en", "--limit", "6")
    done = weighbridge(*asked, "--report", "hijack.md", "--language", "zh")
    assert done.returncode == 0, done.stderr
    assert "hijacked 100.0%" in done.stdout
    assert "lower bounds" in done.stdout
    assert "called: " in done.stdout
    body = weighbridge.json("behaviour", model, "--hijack", "--languages", "en", "--limit", "6")["body"]
    assert body["calls"]["calls"] == 0  # stored
    assert body["protocol"] == "tools"
    assert body["rates"]["en"]["payment"]["hijacked"]["n"] == 1
    assert "Report: hijack.md" in done.stderr
    decided = weighbridge("decide", model, "--policy", "behaviour-internal-coding")
    assert "not-hijacked" in decided.stdout


def test_what_it_would_take(weighbridge: CommandLine) -> None:
    """24 tasks attacked and clean, 12 plain requests, in two languages; nothing is asked."""
    told = weighbridge.json("behaviour", "x", "--hijack", "--dry-run")
    assert told["calls"] == 2 * (24 * 2 + 12)


def test_what_says_nothing_beside_it_is_refused(weighbridge: CommandLine) -> None:
    """A baseline, a bank, a language without tasks, no model."""
    for words, said in (
        (("x", "y"), "baseline"),
        (("x", "--bank", "behaviour"), "`--bank` says nothing"),
        (("x", "--languages", "en,de", "--dry-run"), "no tasks in `de`"),
        ((), "give a model"),
    ):
        done = weighbridge("behaviour", "--hijack", *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
