"""`weighbridge suites`, and a table of one's own, as a user meets them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

    from weighbridge.testing.fault_server import FaultServer

ROW = {"question": "Two and two?", "answer": "2+2=4\n#### 4"}


@pytest.fixture
def shelved(weighbridge: CommandLine, tmp_path: Path) -> CommandLine:
    """Return the command line with a shelf of its own and one question of GSM8K's form in `data`."""
    weighbridge.env["WEIGHBRIDGE_SUITES"] = str(tmp_path / "shelf")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.jsonl").write_text(json.dumps(ROW) + "\n")
    return weighbridge


def test_from_a_list_to_a_suite_that_is_here(shelved: CommandLine) -> None:
    """List, show without data, add, show with data, check, and list again."""
    listed = {row["name"]: row["state"] for row in shelved.json("suites", "list")["suites"]}
    assert (listed["gsm8k"], listed["knowledge-en"]) == ("no data", "ships")
    assert shelved.json("suites", "show", "gsm8k")["questions"] is None
    added = shelved.json("suites", "add", "gsm8k", "data")
    assert (added["questions"], added["licence"], list(added["files"])) == (1, "MIT", ["test.jsonl"])
    shown = shelved("suites", "show", "gsm8k")
    assert shown.returncode == 0
    assert "Two and two?" in shown.stdout
    assert added["digest"] in shown.stdout
    assert "1 questions give wide intervals" in shelved("suites", "check", "gsm8k").stdout
    assert {row["name"]: row["state"] for row in shelved.json("suites", "list")["suites"]}["gsm8k"] == "here"


def test_errors_say_what_to_do(shelved: CommandLine) -> None:
    """A recipe without data, a licence that was not accepted, data for a suite that ships, and no network."""
    missing = shelved("evaluate", "demo", "--suite", "humaneval", "--dry-run")
    assert missing.returncode == 3
    assert "weighbridge suites fetch humaneval" in missing.stderr
    refused = shelved("suites", "fetch", "gsm8k")
    assert refused.returncode == 2
    assert "--accept MIT" in refused.stderr
    assert shelved("evaluate", "demo", "--suite", "latency", "--data", "data", "--dry-run").returncode == 2
    assert shelved("evaluate", "demo", "--data", "data", "--dry-run").returncode == 2
    offline = shelved("suites", "fetch", "gsm8k", "--accept", "MIT", WEIGHBRIDGE_OFFLINE="1")
    assert offline.returncode == 3
    assert "stay offline" in offline.stderr


def test_a_table_of_ones_own_is_asked_in_one_line(weighbridge: CommandLine, adder: FaultServer, tmp_path: Path) -> None:
    """The guess is told on stderr, the score comes from the answers, an unclear table is an error with a way out."""
    rows = [{"question": f"{n}+1=", "answer": f"sum {n + 1}"} for n in range(12)]
    item = 'item.question = "question"\nitem.answer = { column = "answer", after = "sum " }\n'
    text = '[data]\nfiles = "sums.jsonl"\n' + item
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "sums.toml").write_text(
        'suite = { name = "mine", scorer = "exact" }\nprompt = { chat = "$question" }\n' + text
    )
    found = weighbridge.json("evaluate", f"{adder.url}#m", "--suite", "sums.toml")
    (evidence,) = found["evidence"]
    assert (evidence["body"]["accuracy"]["value"], evidence["body"]["accuracy"]["n"]) == (1.0, 12)
    told = weighbridge("evaluate", f"{adder.url}#m", "--suite", "sums.jsonl", "--dry-run")
    assert "`question` is taken for the question, `answer` for the answer; 12 questions" in told.stderr
    (tmp_path / "odd.csv").write_text("frage,antwort\n1,2\n")
    odd = weighbridge("evaluate", f"{adder.url}#m", "--suite", "odd.csv")
    assert odd.returncode == 2
    assert 'files = "odd.csv"' in odd.stderr
