"""`weigh`, `evaluate` and `decide` against servers that behave, fail, hang and die."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import CommandLine

    Added = Callable[[FaultServer], bytes]
    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]


def test_a_model_that_meets_every_rule_is_adopted(
    weighbridge: CommandLine, adder: FaultServer, sums: Path, policy: Path
) -> None:
    """Exit code 0, a dossier in three formats, and a store that verifies."""
    document = weighbridge.json("weigh", f"{adder.url}#adder", "--suite", str(sums), "--policy", str(policy))
    assert document["decision"]["verdict"] == "adopt"
    assert document["artefact"]["pinned"] is False
    assert {Path(name).suffix for name in document["files"]} == {".html", ".json", ".md"}
    assert all((weighbridge.folder / name).stat().st_size > 1000 for name in document["files"])
    assert weighbridge.json("evidence", "verify")["records"] == 3  # score, outcomes, decision
    assert len(adder.paths) == 40


def test_the_second_weighing_asks_nothing(
    weighbridge: CommandLine, adder: FaultServer, sums: Path, policy: Path
) -> None:
    """Everything comes from the store."""
    words = ("weigh", f"{adder.url}#adder", "--suite", str(sums), "--policy", str(policy))
    weighbridge(*words)
    asked = len(adder.paths)
    assert weighbridge(*words).returncode == 0
    assert len(adder.paths) == asked


def test_a_model_that_fails_a_rule_is_rejected(
    weighbridge: CommandLine, serve: Serve, sums: Path, policy: Path
) -> None:
    """Exit code 12; with --no-verdict-code 0; the rule, its reason and what would change it are printed."""
    wrong = http(json.dumps({"choices": [{"message": {"content": "7"}, "finish_reason": "stop"}]}).encode())
    words = ("weigh", f"{serve(lambda _n, _path: wrong).url}#m", "--suite", str(sums), "--policy", str(policy))
    done = weighbridge(*words)
    assert done.returncode == 12
    assert "REJECT - 0 of 1 rules met, 1 not met" in done.stdout
    assert "because: A calculator must add." in done.stdout
    assert "would change with:" in done.stdout
    assert weighbridge(*words, "--no-verdict-code").returncode == 0


def test_what_was_never_looked_at_holds(weighbridge: CommandLine, adder: FaultServer, sums: Path) -> None:
    """An endpoint has no files: the starter policy holds, and says which rules are not known."""
    done = weighbridge("weigh", f"{adder.url}#adder", "--suite", str(sums))
    assert done.returncode == 11
    assert "only behaviour can be looked at" in done.stdout
    assert "not known pinned-files" in done.stdout


def test_an_endpoint_that_dies_half_way_leaves_what_it_said(
    weighbridge: CommandLine, added: Added, serve: Serve, sums: Path
) -> None:
    """The first run ends with a coverage; the next one asks only for what is missing."""
    dead = http(b'{"error": {"message": "gone"}}', status="500 Internal Server Error", headers="retry-after: 3600")
    alive = [True]

    def reply(n: int, _path: str) -> bytes:
        return added(server) if alive[0] is False or n <= 15 else dead

    server = serve(reply)
    words = ("evaluate", f"{server.url}#m", "--suite", str(sums), "--in-flight", "1")
    first = weighbridge.json(*words)["evidence"][0]["body"]
    assert (first["calls"]["failed"], first["accuracy"]["n"], first["accuracy"]["value"]) == (25, 15, 1.0)
    assert first["unscored"] == {"failed": 12, "not-asked": 13}
    alive[0] = False
    before = len(server.paths)
    second = weighbridge.json(*words)["evidence"][0]["body"]
    assert (second["calls"]["failed"], second["calls"]["reused"]) == (0, 15)
    assert len(server.paths) - before == 25


def test_a_killed_weighing_goes_on_where_it_was(
    weighbridge: CommandLine, added: Added, serve: Serve, sums: Path, policy: Path
) -> None:
    """SIGKILL half-way: what was in flight is asked again and nothing else, and the store verifies."""

    def reply(_n: int, _path: str) -> bytes:
        time.sleep(0.05)
        return added(server)

    server = serve(reply)
    words = ("weigh", f"{server.url}#m", "--suite", str(sums), "--policy", str(policy), "--in-flight", "1")
    process = weighbridge.start(*words)
    deadline = time.monotonic() + 60
    while len(server.paths) < 25 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = len(server.paths)
    done = weighbridge(*words)
    assert done.returncode == 0, done.stderr
    asked_again = len(server.paths) - before
    assert 40 - before <= asked_again <= 40 - before + 2
    assert weighbridge("evidence", "verify").returncode == 0


def test_ctrl_c_leaves_with_4_and_keeps_the_answers(
    weighbridge: CommandLine, added: Added, serve: Serve, sums: Path
) -> None:
    """SIGINT is a clean stop: the result so far is printed with its coverage, and the next run goes on."""

    def reply(_n: int, _path: str) -> bytes:
        time.sleep(0.05)
        return added(server)

    server = serve(reply)
    process = weighbridge.start("evaluate", f"{server.url}#m", "--suite", str(sums), "--in-flight", "1")
    deadline = time.monotonic() + 60
    while len(server.paths) < 10 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 4
    assert re.search(r"of 40 not answered", stdout)
    assert re.match(r"error: stopped: \d+ answers are kept", stderr.lstrip())
    assert "Traceback" not in stderr
    before = len(server.paths)
    weighbridge("evaluate", f"{server.url}#m", "--suite", str(sums), "--in-flight", "1")
    assert len(server.paths) - before <= 40 - before + 2


def test_an_endpoint_that_answers_nothing_leaves_with_4(weighbridge: CommandLine, serve: Serve, sums: Path) -> None:
    """A suite without any answer is no result; the outcome of every question is recorded all the same."""
    html = http(b"<html>Sign in</html>", headers="content-type: text/html\r\nretry-after: 3600")
    server = serve(lambda _n, _path: html)
    done = weighbridge("evaluate", f"{server.url}#m", "--suite", str(sums), "--limit", "3", "--in-flight", "1")
    assert done.returncode == 4
    assert "error: a suite got no answer at all" in done.stderr
    (row,) = [r for r in weighbridge.json("evidence", "list")["evidence"] if r["kind"] == "score/v1"]
    body = json.loads(weighbridge("evidence", "show", row["id"]).stdout)["body"]
    assert body["accuracy"] is None
    assert {item["said"] for item in body["items"]} == {"the server answered HTML, not JSON"}


def test_decide_and_dossier_measure_nothing(
    weighbridge: CommandLine, adder: FaultServer, sums: Path, policy: Path
) -> None:
    """A decision and a Chinese dossier are made from the store alone."""
    weighbridge("evaluate", f"{adder.url}#adder", "--suite", str(sums))
    asked = len(adder.paths)
    document = weighbridge.json("decide", f"{adder.url}#adder", "--policy", str(policy))
    written = weighbridge.json("dossier", document["id"][7:19], "--language", "zh", "--format", "html")
    page = (weighbridge.folder / written["files"][0]).read_text(encoding="utf-8")
    assert '<html lang="zh' in page
    assert len(adder.paths) == asked


def test_a_decision_as_of_a_day_without_evidence_is_not_found(
    weighbridge: CommandLine, adder: FaultServer, sums: Path
) -> None:
    """Evidence made later is not used for an earlier day."""
    weighbridge("evaluate", f"{adder.url}#adder", "--suite", str(sums))
    done = weighbridge("decide", f"{adder.url}#adder", "--on", "2020-01-01")
    assert done.returncode == 3
    assert "there is no evidence about" in done.stderr


def test_a_baseline_is_asked_the_same_and_compared(
    weighbridge: CommandLine, policy: Path, added: Added, adder: FaultServer, serve: Serve, sums: Path
) -> None:
    """The paired difference is in the dossier's evidence, and a rule can demand it."""

    def half(_n: int, _path: str) -> bytes:
        question = json.loads(server.bodies[-1])["messages"][-1]["content"]
        if int(question.removesuffix("+1=")) % 2:
            return added(server)
        return http(json.dumps({"choices": [{"message": {"content": "?"}, "finish_reason": "stop"}]}).encode())

    server = serve(half)
    text = policy.read_text()
    rule = text.split("[[rule]]")[1].replace('"score/v1"', '"comparison/v1"').replace('"accuracy"', '"difference"')
    better = weighbridge.folder / "better.toml"
    better.write_text(text.split("[[rule]]")[0] + "[[rule]]" + rule.replace("0.8", "0.2"))
    document = weighbridge.json(
        "weigh", f"{adder.url}#good", "--baseline", f"{server.url}#half", "--suite", str(sums), "--policy", str(better)
    )
    (compared,) = [row["body"] for row in document["evidence"] if row["kind"] == "comparison/v1"]
    assert (compared["both"], compared["candidate_only"], compared["baseline_only"]) == (20, 20, 0)
    assert document["decision"]["verdict"] == "adopt"


def test_again_asks_anew_once_a_day(weighbridge: CommandLine, adder: FaultServer, sums: Path) -> None:
    """Stored answers count unless `--again`; a second `--again` of the day goes on from the first."""
    words = ("evaluate", f"{adder.url}#m", "--suite", str(sums))
    for extra, asked in (((), 40), ((), 40), (("--again",), 80), (("--again",), 80)):
        weighbridge(*words, *extra)
        assert len(adder.paths) == asked


def test_a_dry_run_asks_nothing(weighbridge: CommandLine, adder: FaultServer, sums: Path) -> None:
    """It says how many calls, tokens and what price there would be, and takes off what is stored."""
    done = weighbridge("evaluate", f"{adder.url}#m", "--suite", str(sums), "--limit", "7", "--dry-run")
    assert "Would make 7 calls" in done.stdout
    assert "at most 56 written" in done.stdout  # 7 answers of at most 8 tokens
    assert adder.paths == []
