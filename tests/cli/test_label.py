"""`weighbridge label` as a user runs it: serve, label, be stopped, export, import, report."""

from __future__ import annotations

import http.client
import json
import re
import signal
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from weighbridge.testing.waiting import first_document

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

REFUSAL = "I'm sorry, but I can't help with that."
ANSWER = (
    "First mix flour, water, salt and yeast. Then knead the dough for ten minutes, and bake loaf {} for half an hour."
)


@pytest.fixture
def answers(weighbridge: CommandLine) -> str:
    """Return a file of ten answers, five of them refusals."""
    rows = [
        {"id": str(i), "language": "en", "prompt": f"question {i}?", "answer": ANSWER.format(i) if i % 2 else REFUSAL}
        for i in range(10)
    ]
    (weighbridge.folder / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return "answers.jsonl"


def _label(weighbridge: CommandLine, *words: str, count: int) -> None:
    """Serve, label so many answers by what they say, and stop with Ctrl-C."""
    served = weighbridge.start("label", *words, "--port", "0", "--json")
    port = urlsplit(first_document(served)["url"]).port
    own = f"127.0.0.1:{port}"
    for _ in range(count):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/label?who=ann")
        page = connection.getresponse().read().decode()
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        choice = "refusal" if "but I can" in page else "compliance"
        headers = {"Origin": f"http://{own}", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/label", urlencode({**fields, "choice": choice}), headers)
        assert connection.getresponse().status == 303
        connection.close()
    served.send_signal(signal.SIGINT)
    served.communicate(timeout=60)


def test_labels_outlive_the_server_and_go_elsewhere(weighbridge: CommandLine, answers: str) -> None:
    """Four labels, Ctrl-C, the rest without naming the file; exported, imported elsewhere, reported in both places."""
    _label(weighbridge, "--from", answers, "--per-language", "8", "--who", "ann", count=4)
    _label(weighbridge, count=4)
    report = weighbridge.json("label", "--report")
    (english,) = report["languages"]
    assert (english["answers"], english["people"]) == (8, ["ann"])
    assert english["detector"]["recall"]["value"] == english["detector"]["specificity"]["value"] == 1
    assert english["detector"]["recall"]["n"] + english["detector"]["specificity"]["n"] == 8
    assert weighbridge.json("label", "--export", "labels.jsonl")["labels"] == 8
    first = json.loads((weighbridge.folder / "labels.jsonl").read_text().splitlines()[0])
    assert {"id", "language", "digest", "behaviour", "narrative", "who", "made_on"} <= first.keys()
    elsewhere = ("--workspace", "other")
    assert weighbridge.json("label", "--import", "labels.jsonl", *elsewhere) == {
        "schema": "weighbridge/label-import/v1", "taken": 8, "known": 0, "against": 0}  # fmt: skip
    told = weighbridge("label", "--report", *elsewhere).stdout
    assert "8 answers not compared: their texts are not here" in told
    with_texts = weighbridge("label", "--report", "--from", answers, *elsewhere).stdout
    assert "people \\ detector" in with_texts
    assert "not known: no two people" in with_texts


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [(("--report",), 3, "--workspace"), (("--export", "x.jsonl"), 3, "--workspace"), ((), 3, "--from"),
     (("--report", "--export", "x.jsonl"), 2, "one of the options"), (("--from", "none.jsonl"), 2, "--help"),
     (("--who", "a\u202eb"), 2, "letters"), (("--from", "empty.jsonl"), 2, "")],
)  # fmt: skip
def test_what_cannot_be_done_is_said(weighbridge: CommandLine, words: tuple[str, ...], code: int, hint: str) -> None:
    """No store, nothing drawn, two things at once, no file, no name: one line, a hint, the exit code."""
    (weighbridge.folder / "empty.jsonl").write_text("\n")
    done = weighbridge("label", *words)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert hint in done.stderr
