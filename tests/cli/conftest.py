"""The command line as a user runs it: a process, its streams and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.testing.fault_server import FaultServer, http
from weighbridge.testing.forked import run_forked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

WEIGHBRIDGE = [sys.executable, "-m", "weighbridge"]
_PILOT = """
[policy]
name = "pilot"
version = "1"
title = "Pilot"
valid_days = 30
[use]
description = "A trial"
audience = "internal"
[[rule]]
id = "no-critical-findings"
kind = "files/v1"
measure = "findings_by_severity.critical"
operator = "at-most"
value = 0
on_fail = "reject"
because = "It can harm the machine."
"""


class CommandLine:
    """Runs `weighbridge` in a folder of its own, with nothing of the user's environment that it reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("WEIGHBRIDGE_")}
        self.env |= {"XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1", "COLUMNS": "100"}

    def __call__(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; a traceback is always a failure."""
        done = run_forked(words, self.folder, {**self.env, **env}, timeout=120)
        assert "Traceback" not in done.stderr
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a process without waiting."""
        return subprocess.Popen(
            [*WEIGHBRIDGE, *words],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run with --json and return the document."""
        done = self(*words, "--json")
        assert done.returncode == code, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert str(document["schema"]).startswith("weighbridge/")
        return document

    def adopt_mirror(self) -> tuple[str, dict[str, Any]]:
        """Mirror a model and adopt it by the policy `pilot`; return the mirror's path and the decision."""
        (self.folder / "model").mkdir()
        (self.folder / "model" / "config.json").write_text("{}")
        (self.folder / "policy.toml").write_text(_PILOT)
        mirror = str(self.json("mirror", "model", "--to", "mirrors")["path"])
        return mirror, self.json("decide", mirror, "--policy", "policy.toml")["decision"]


@pytest.fixture
def weighbridge(tmp_path: Path) -> CommandLine:
    """Return the command line in a fresh folder."""
    return CommandLine(tmp_path)


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """Write a suite of 40 sums in a folder."""
    folder = tmp_path / "sums"
    folder.mkdir()
    (folder / "suite.toml").write_text(
        '[suite]\nname = "sums"\nversion = "1"\ntitle = "Sums"\nmeasures = "score/v1"\nlanguage = "en"\n'
        'licence = "Apache-2.0"\nsource = "ours"\nscorer = "exact"\nmax_tokens = 8\n[prompt]\nchat = "$question"\n'
    )
    rows = ({"id": f"q{i}", "question": f"{i}+1=", "answer": str(i + 1)} for i in range(40))
    (folder / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


@pytest.fixture
def added() -> Callable[[FaultServer], bytes]:
    """Return a function that answers the request that came last with the right sum."""
    return _added


@pytest.fixture
def adder(serve: Serve) -> FaultServer:
    """Start a server that adds up rightly."""

    def reply(_n: int, _path: str) -> bytes:
        return _added(server)

    server = serve(reply)
    return server


def _added(server: FaultServer) -> bytes:
    """Answer the request that came last with the right sum; only chat is offered."""
    body = json.loads(server.bodies[-1] or b"{}")
    if "messages" not in body:
        return http(b'{"error": {"message": "no such path"}}', status="404 Not Found")
    question = body["messages"][-1]["content"]
    number = question.removesuffix("+1=")
    text = str(int(number) + 1) if number.isdecimal() else "ok"
    return http(json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode())


POLICY = """
[policy]
name = "sums"
version = "1"
title = "Can it add?"
description = "For tests."
valid_days = 30
[use]
description = "Adding up"
audience = "internal"
languages = ["en"]
hosted_by = "self"
[[rule]]
id = "adds"
kind = "score/v1"
where = { "suite.name" = "sums" }
measure = "accuracy"
operator = "at-least"
value = 0.8
on_fail = "reject"
because = "A calculator must add."
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Write a policy that asks for the sums."""
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path
