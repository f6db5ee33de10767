"""Result files of other tools on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

FILES = Path(__file__).resolve().parents[1] / "unit" / "evaluation" / "imports" / "files"
SAMPLES = FILES / "lm-eval-80" / "samples_wb_mock_2026-11-22T06-16-53.442870.jsonl"


def test_two_result_files_are_compared_without_a_call(weighbridge: CommandLine) -> None:
    """The verdict, whose marks they are, the flips with both answers; the exit code is the verdict's."""
    done = weighbridge("compare", str(FILES / "lm-eval-50"), str(FILES / "lm-eval-80"))
    assert done.returncode == 12, done.stderr
    assert "INFERIOR at 3 points  -29.2 points" in done.stdout
    assert "McNemar p = 0.0391" in done.stdout
    assert "nothing was marked again here" in done.stdout
    assert "candidate: A (wrong)" in done.stdout
    document = weighbridge.json("compare", str(FILES / "lm-eval-50"), str(FILES / "lm-eval-80"), code=12)
    assert document["schema"] == "weighbridge/compare-runs/v1"
    assert document["tasks"][0]["cells"] == {"both": 12, "candidate": 1, "baseline": 8, "neither": 3}


def test_a_file_beside_a_model_and_options_for_models_are_refused(weighbridge: CommandLine, tmp_path: Path) -> None:
    """Exit code 2 and one sentence, never a guess."""
    file = str(SAMPLES)
    assert "the other is none" in weighbridge("compare", file, "hf:someone/model").stderr
    assert "compared without a call" in weighbridge("compare", file, file, "--suite", "x").stderr
    (tmp_path / "bad.jsonl").write_text('{"id": 1, "score": 1}\n{"id"')
    done = weighbridge("compare", "bad.jsonl", "bad.jsonl")
    assert (done.returncode, "line 2" in done.stderr) == (2, True)


def test_a_stored_run_becomes_evidence(weighbridge: CommandLine, tmp_path: Path) -> None:
    """Coverage is told, and the record verifies."""
    rows = [json.loads(line)["doc"] for line in SAMPLES.read_text().splitlines()[:20]]
    table = [{"id": row["id"], "question": row["question"], "answer": row["target"]} for row in rows]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, table)))
    words = ("results", "import", str(FILES / "inspect-80.eval"), "--suite", "mine.jsonl", "--model", "acc80")
    done = weighbridge(*words)
    assert done.returncode == 0, done.stderr
    assert "20 of 20 questions (100%) have a mark" in done.stdout
    assert "4 rows are no question of the suite" in done.stdout
    document = weighbridge.json(*words)
    assert (document["evidence"]["kind"], document["strangers"]) == ("outcomes/v1", 4)
    assert weighbridge("evidence", "verify").returncode == 0


def test_the_next_command_names_the_suite_as_given(weighbridge: CommandLine, tmp_path: Path) -> None:
    """The suite that was imported is found again by the words of the user."""
    rows = [json.loads(line)["doc"] for line in SAMPLES.read_text().splitlines()[:20]]
    table = [{"id": row["id"], "question": row["question"], "answer": row["target"]} for row in rows]
    (tmp_path / "Own Table.jsonl").write_text("\n".join(map(json.dumps, table)))
    words = ("results", "import", str(FILES / "inspect-80.eval"), "--model", "acc80")
    done = weighbridge(*words, "--suite", "Own Table.jsonl")
    assert "compare CANDIDATE BASELINE --suite 'Own Table.jsonl'" in done.stderr


def test_a_result_file_that_is_not_there_is_named(weighbridge: CommandLine) -> None:
    """Exit code 3, and which of the two it is."""
    done = weighbridge("compare", str(SAMPLES), "nope.csv")
    assert (done.returncode, "there is no file `nope.csv`" in done.stderr) == (3, True)


def test_one_suite_twice_is_refused(weighbridge: CommandLine) -> None:
    """Its questions would count twice."""
    done = weighbridge("evaluate", "http://127.0.0.1:9/v1#a", "--suite", "knowledge-en", "--suite", "knowledge-en")
    assert (done.returncode, "named twice" in done.stderr) == (2, True)
