"""`weighbridge arena` as a user runs it: open, vote (and be killed), judge, report, decide."""

from __future__ import annotations

import http.client
import json
import re
import signal
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from weighbridge.testing.fault_server import FaultServer
from weighbridge.testing.fault_server import http as reply_of
from weighbridge.testing.waiting import first_document

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

N = 40
POLICY = """
[policy]
name = "liked"
version = "1"
title = "Is it liked?"
description = "For tests."
valid_days = 30
[use]
description = "Chatting"
audience = "internal"
languages = ["en"]
hosted_by = "self"
[[rule]]
id = "liked"
kind = "arena/v1"
measure = "win_rate"
operator = "at-least"
value = 0.5
on_fail = "reject"
because = "People should prefer it."
"""


def model(serve: Serve, text: str) -> str:
    """Serve a model that answers by a template, and return its reference."""
    server: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        question = json.loads(server[0].bodies[-1])["messages"][-1]["content"]
        said = text.format(question[-3:])
        return reply_of(json.dumps({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}).encode())

    server.append(serve(reply))
    return f"{server[0].url}#{text.split(maxsplit=1)[0]}"


def judge(serve: Serve) -> str:
    """Serve a judge that knows good from bad, and return its reference."""
    server: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        text = json.loads(server[0].bodies[-1])["messages"][-1]["content"]
        first, second = (re.search(rf"begin answer {one} \w+\]\n(\w+)", text) for one in "AB")
        assert first is not None
        assert second is not None
        word = "tie" if first[1] == second[1] else "A" if first[1] == "good" else "B"
        return reply_of(json.dumps({"choices": [{"message": {"content": word}, "finish_reason": "stop"}]}).encode())

    server.append(serve(reply))
    return f"{server[0].url}#judge"


class Voter:
    """Votes through the page of a running `arena vote`."""

    def __init__(self, weighbridge: CommandLine) -> None:
        self.process: subprocess.Popen[str] = weighbridge.start("arena", "vote", "--port", "0", "--json")
        self.host = str(urlsplit(first_document(self.process)["url"]).netloc)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        """Return the text of an answer."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        headers = {"Origin": f"http://{self.host}", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(form or {}), headers if form else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status in {200, 303}, text
        return text

    def vote(self, name: str = "ann") -> None:
        """Vote for what is good, once in four against it."""
        page = self.ask("GET", f"/vote?voter={name}")
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        left = page.partition('id="left"')[2].partition("</div>")[0]
        liked = ("good" in left) != (int(fields["turn"]) % 4 == 3)
        self.ask("POST", "/vote", {**fields, "choice": "left" if liked else "right"})

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=20)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """Write prompts as a table of one's own."""
    place = tmp_path / "prompts.jsonl"
    place.write_text("\n".join(json.dumps({"id": f"p{i}", "prompt": f"question {i:03}"}) for i in range(N)))
    return place


def test_an_arena_from_its_opening_to_a_decision(
    weighbridge: CommandLine, serve: Serve, prompts: Path, tmp_path: Path
) -> None:
    """Answers are asked once; a killed page loses no vote; the judge is corrected; a policy asks for the win rate."""
    good, bad = model(serve, "good {}"), model(serve, "bad {}")
    opened = weighbridge.json("arena", "new", "--suite", str(prompts), good, bad)
    assert "seed" not in opened
    assert [entrant["name"] for entrant in opened["models"]] == ["good", "bad"]
    assert weighbridge.json("arena", "new", "--suite", str(prompts), good, bad)["id"] == opened["id"]
    empty = weighbridge.json("arena", "report")
    assert (empty["ratings"], empty["evidence"], empty["compare_next"]) == ([], [], [["good", "bad"]])

    for _ in range(2):
        voter = Voter(weighbridge)
        for _ in range(10):
            voter.vote()
        voter.kill()
    found = weighbridge.json("arena", "report")
    assert (found["votes"], found["voters"]) == (20, {"ann": 20})
    assert [row["name"] for row in found["ratings"]] == ["good", "bad"]
    (pair,) = found["pairs"]
    assert (pair["wins"], pair["losses"]) == (15, 5)
    assert found["robustness"]["votes"] is not None

    verdicts = weighbridge.json("arena", "judge", "--engine", judge(serve), "--turned", "10", "--canaries", "5")
    assert (len(verdicts["verdicts"]), verdicts["obeyed"]) == (N + 10, 0)
    report = weighbridge.json("arena", "report")
    (judged,) = report["judges"][0]["pairs"]
    assert judged["labelled"] == 20
    assert judged["judged"] == 20
    (evidence,) = report["evidence"]
    assert evidence["kind"] == "arena/v1"
    assert evidence["body"]["win_rate"]["value"] == pytest.approx(0.75)
    assert evidence["body"]["judge_name"] == "judge"

    policy = tmp_path / "liked.toml"
    policy.write_text(POLICY)
    decided = weighbridge("decide", good, "--policy", str(policy))
    assert decided.returncode == 0, decided.stderr + decided.stdout
    assert weighbridge("evidence", "verify").returncode == 0
    text = weighbridge("arena", "report")
    assert "good against bad" in text.stdout
    assert text.stdout.rstrip().splitlines()[-1].startswith("Next: ")


def test_stored_answers_take_part(weighbridge: CommandLine, serve: Serve, sums: Path, adder: FaultServer) -> None:
    """A score's answers meet a model's, and nothing that is stored is asked for again."""
    scored = weighbridge.json("evaluate", f"{adder.url}#adder", "--suite", str(sums))["evidence"][0]
    calls = len(adder.bodies)
    other = model(serve, "other {}")
    opened = weighbridge.json("arena", "new", "--suite", str(sums), f"evidence:{scored['id']}", other)
    assert [entrant["name"] for entrant in opened["models"]] == ["adder", "other"]
    assert len(adder.bodies) == calls


@pytest.mark.parametrize(
    ("words", "said"),
    [(("new", "--suite", "{prompts}", "{good}"), "two models or more"),
     (("new", "--suite", "{prompts}", "{good}", "{good}"), "each once"),
     (("new", "--suite", "knowledge-en", "{good}", "{good}"), "asks for letters"),
     (("report",), "there is no arena"),
     (("report", "--ballot", "zz"), "not an id")],
)  # fmt: skip
def test_what_makes_no_arena_says_why(
    weighbridge: CommandLine, serve: Serve, prompts: Path, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2 or 3, the house's form, a hint."""
    good = model(serve, "good {}")
    done = weighbridge("arena", *(word.format(prompts=prompts, good=good) for word in words))
    assert done.returncode in {2, 3}
    assert said in done.stderr
    assert "hint: " in done.stderr
