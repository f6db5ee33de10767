"""`weighbridge compare` as a user runs it, against servers whose accuracy is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

N = 300


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Write 300 sums as a file of one's own."""
    place = tmp_path / "many.jsonl"
    place.write_text("\n".join(json.dumps({"question": f"{i}+1=", "answer": str(i + 1)}) for i in range(N)))
    return place


def model(serve: Serve, every: int) -> str:
    """Serve a model that is wrong on every `every`-th sum, and return its reference."""
    server: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        question = json.loads(server[0].bodies[-1])["messages"][-1]["content"]
        number = int(question.partition("+")[0])
        text = "no" if number % every == 0 else str(number + 1)
        return http(json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode())

    server.append(serve(reply))
    return f"{server[0].url}#one-in-{every}"


def test_a_worse_model_is_inferior_and_says_which_questions_it_lost(
    weighbridge: CommandLine, serve: Serve, many: Path
) -> None:
    """Exit code 12, the verdict first, the flips with both answers, and fewer calls than two whole runs."""
    done = weighbridge("compare", model(serve, 2), model(serve, 20), "--suite", str(many), "--in-flight", "1")
    assert done.returncode == 12, done.stderr
    assert "INFERIOR" in done.stdout
    assert "candidate: no" in done.stdout
    assert "of 600 calls" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("Next: ")


def test_the_stored_run_of_the_baseline_is_used_and_the_plan_is_kept(
    weighbridge: CommandLine, serve: Serve, many: Path
) -> None:
    """Only the candidate is asked; the comparison names the plan, and a policy can ask for the verdict."""
    good, same = model(serve, 20), model(serve, 20)
    weighbridge("evaluate", good, "--suite", str(many))
    words = ("compare", same, good, "--suite", str(many), "--margin", "8", "--in-flight", "1")
    (comparison,) = weighbridge.json(*words)["comparisons"]
    ended = comparison["body"]["sequential"]
    assert (ended["verdict"], ended["baseline_stored"], ended["full_calls"]) == ("noninferior", True, N)
    assert ended["calls"] < N / 2
    plans = [row for row in weighbridge.json("evidence", "list")["evidence"] if row["kind"] == "plan/v1"]
    assert [row["id"] for row in plans] == [comparison["inputs"][0]]
    assert weighbridge.json(*words)["comparisons"][0]["id"] == comparison["id"]
    assert weighbridge("evidence", "verify").returncode == 0


def test_a_dry_run_says_what_it_would_take(weighbridge: CommandLine, serve: Serve, many: Path) -> None:
    """More questions the nearer the truth lies to the threshold, and none is asked."""
    reference = model(serve, 3)
    document = weighbridge.json("compare", reference, model(serve, 4), "--suite", str(many), "--dry-run")
    (suite,) = document["suites"]
    drawn = [suite["drawn_by_gap"][gap] for gap in ("0.01", "0.03", "0.1")]
    assert drawn == sorted(drawn, reverse=True)
    assert drawn[0] <= N


def test_whole_runs_give_the_paired_difference(weighbridge: CommandLine, serve: Serve, many: Path) -> None:
    """--full asks everything of both: 150 of 300 against 285 of 300 right is a known difference, and inferior."""
    words = ("compare", model(serve, 2), model(serve, 20), "--suite", str(many), "--full")
    document = weighbridge.json(*words, code=12)
    (comparison,) = document["comparisons"]
    assert comparison["body"]["difference"]["value"] == pytest.approx((150 - 285) / 300)
    assert "sequential" not in comparison["body"]


def test_a_model_is_not_compared_with_itself(weighbridge: CommandLine, serve: Serve, many: Path) -> None:
    """The same address twice is a slip of the hand, also by another name of this machine: exit code 2."""
    reference = model(serve, 2)
    for other in (reference, reference.replace("127.0.0.1", "localhost"), reference.replace("127.0.0.1", "[::1]")):
        done = weighbridge("compare", reference, other, "--suite", str(many))
        assert done.returncode == 2
        assert "are the same artefact" in done.stderr


def test_options_that_contradict_each_other_are_refused(weighbridge: CommandLine, many: Path) -> None:
    """What would silently do nothing is an error: exit code 2, before anything is asked."""
    words = ("compare", "http://127.0.0.1:9/v1#a", "http://127.0.0.1:9/v1#b", "--suite", str(many))
    for more in (
        ("--full", "--better"),
        ("--full", "--budget", "5"),
        ("--better", "--margin", "2"),
        ("--suite", str(many)),
    ):
        assert weighbridge(*words, *more).returncode == 2


def test_a_dry_run_of_a_choice_suite_asks_next_to_nothing(weighbridge: CommandLine, serve: Serve) -> None:
    """Where the prompt form has to be tried, both engines are started for that."""
    words = ("compare", model(serve, 3), model(serve, 4), "--suite", "knowledge-en", "--dry-run")
    assert weighbridge.json(*words)["suites"][0]["questions"] == 120


def test_an_address_where_nothing_answers_is_said(weighbridge: CommandLine, many: Path) -> None:
    """Both models behind one dead address: exit code 3, not a failure of ours."""
    done = weighbridge("compare", "http://127.0.0.1:9/v1#a", "http://127.0.0.1:9/v1#b", "--suite", str(many))
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
