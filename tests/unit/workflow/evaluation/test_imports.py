"""Stored runs of other tools, compared and kept: real files, and a suite that they are a run of."""

from __future__ import annotations

import json
import zlib
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.errors import UsageError
from weighbridge.evaluation.compare.history import read_history
from weighbridge.evaluation.suite import Suite, find_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.workflow.evaluation.imports import compare_runs, import_outcomes

FILES = Path(__file__).resolve().parents[2] / "evaluation" / "imports" / "files"
SAMPLES = FILES / "lm-eval-80" / "samples_wb_mock_2026-11-22T06-16-53.442870.jsonl"
TODAY = date(2026, 11, 22)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Return the questions of the files as a suite, in another order, with one that nobody ran."""
    rows = [json.loads(line)["doc"] for line in SAMPLES.read_text().splitlines()[:24]]
    table = [{"id": row["id"], "question": row["question"], "answer": row["target"]} for row in reversed(rows)]
    table.insert(5, {"id": "new", "question": "Never asked?", "answer": "A"})
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, table)))
    return find_suite(str(tmp_path / "mine.jsonl"))


def test_two_runs_of_lm_eval_are_compared() -> None:
    """13 of 24 beside 20 of 24, one gained, eight lost: 2 (1 + 9) / 2^9 = 0.0390625."""
    (result,) = compare_runs(FILES / "lm-eval-50", FILES / "lm-eval-80").results
    assert result.cells == (12, 1, 8, 3)
    assert result.p_value == pytest.approx(0.0390625, abs=1e-12)
    assert (result.verdict, result.differs, result.pairs.by) == ("inferior", True, "id")
    assert "letter-a-or-b" in result.notes[0]
    (other,) = compare_runs(FILES / "lm-eval-50", FILES / "lm-eval-80", metric="exact_match,letter-a-or-b").results
    assert other.left.as_marked == pytest.approx(0.25)
    assert other.right.as_marked == pytest.approx(11 / 24)


def test_two_tools_agree_on_one_model() -> None:
    """EvalScope and lm-eval ran the same model on the same questions: no flip, and a word of warning."""
    place = (FILES / "evalscope-80", FILES / "lm-eval-80")
    with pytest.raises(UsageError, match="different metrics"):
        compare_runs(*place)
    (result,) = compare_runs(*place, metric="accuracy=exact_match,strict").results
    assert (result.n, result.flips, result.verdict) == (24, (), "undecided")
    assert any("different scorers" in note for note in result.notes)


def test_two_models_of_one_promptfoo_file_are_told_by_name() -> None:
    """9 of 48 requests failed: they are missing, and stand between the data and a verdict."""
    file = FILES / "promptfoo.json"
    with pytest.raises(UsageError, match="holds runs of 2 models") as caught:
        compare_runs(file, file)
    assert "#openai:chat:mock-acc80" in str(caught.value.hint)
    (result,) = compare_runs(f"{file}#openai:chat:mock-acc50", f"{file}#openai:chat:mock-acc80").results
    assert (result.n, result.unmarked, result.verdict) == (16, 8, "undecided")
    with pytest.raises(UsageError, match="both are the same run"):
        compare_runs(f"{file}#openai:chat:mock-acc80", f"{file}#openai:chat:mock-acc80")
    with pytest.raises(UsageError, match="holds no run of"):
        compare_runs(f"{file}#nobody", f"{file}#openai:chat:mock-acc80")


def test_tasks_are_paired_by_name_and_holm_is_over_all(tmp_path: Path) -> None:
    """Two tasks of which one differs at 0.05 / 2; one that only one side has is named."""
    for side, tasks in (
        ("a", {"x": "0" * 8 + "1" * 8, "y": "1" * 16}),
        ("b", {"x": "1" * 16, "y": "1" * 16, "z": "1"}),
    ):
        rows = [
            "task,id,score",
            *(f"{task},{n},{mark}" for task, marks in tasks.items() for n, mark in enumerate(marks)),
        ]
        (tmp_path / f"{side}.csv").write_text("model," + "\n".join([rows[0], *(f"m,{row}" for row in rows[1:])]))
    compared = compare_runs(tmp_path / "a.csv", tmp_path / "b.csv")
    assert [(result.task, result.differs) for result in compared.results] == [("x", True), ("y", False)]
    assert compared.results[0].p_value == pytest.approx(2 / 2**8)
    assert compared.missing == ("`z` is in the baseline's results alone",)
    assert compared.verdict == "inferior"
    json.dumps(compared.to_json())
    with pytest.raises(UsageError, match="no task `z` in both"):
        compare_runs(tmp_path / "a.csv", tmp_path / "b.csv", task="z")


@pytest.mark.parametrize(
    ("place", "task_metric"),
    [("lm-eval-80", "exact_match,strict"), ("inspect-80.eval", "match"), ("evalscope-80", None)],
)
def test_a_run_becomes_outcomes_in_the_order_of_the_suite(
    tmp_path: Path, suite: Suite, place: str, task_metric: str | None
) -> None:
    """Whatever the tool, 20 of 24 right, the question that nobody ran unknown, and later comparisons find it."""
    with closing(SQLiteStore(tmp_path / "store.db")) as store:
        kept = import_outcomes(FILES / place, suite, "acc80", TODAY, store=store, metric=task_metric)
        marks = kept.evidence.body["marks"]
        assert (kept.size, kept.matched, kept.marked, kept.strangers, kept.unclear) == (25, 24, 24, 0, 0)
        assert (marks.count("1"), marks.count("0"), [n for n, mark in enumerate(marks) if mark == "-"]) == (
            20,
            4,
            [next(n for n, item in enumerate(suite.items) if item.id == "new")],
        )
        wrong = {item.id for item, mark in zip(suite.items, marks, strict=True) if mark == "0"}
        # by the server's own rule: right where crc32(model, item) % 100,000 < 80,000
        rule = {n: zlib.crc32(f"mock-acc80\0[item {n:05d}]".encode()) % 100_000 < 80_000 for n in range(24)}
        assert wrong == {f"s{n:05d}" for n, right in rule.items() if not right}
        KINDS["outcomes/v1"].model_validate(kept.evidence.body)
        assert kept.evidence.subject == kept.run.source.digest
        assert read_history(store, suite).ids == (kept.evidence.id,)


def test_missing_marks_stay_unknown_and_the_artefact_can_be_named(tmp_path: Path, suite: Suite) -> None:
    """Five failed requests are `-`, not 0; the subject is the model where it is pinned."""
    subject = "sha256:" + "ab" * 32
    with closing(SQLiteStore(tmp_path / "store.db")) as store:
        place = f"{FILES / 'promptfoo.json'}#openai:chat:mock-acc80"
        kept = import_outcomes(place, suite, "acc80", TODAY, store=store, subject=subject)
        assert (kept.matched, kept.marked, kept.evidence.subject) == (24, 19, subject)
        assert kept.evidence.body["marks"].count("-") == 6
        with pytest.raises(UsageError, match="is no digest"):
            import_outcomes(place, suite, "acc80", TODAY, store=store, subject="abc")


def test_a_run_of_other_questions_is_refused(tmp_path: Path, suite: Suite) -> None:
    """Nothing matched is nothing kept."""
    with closing(SQLiteStore(tmp_path / "store.db")) as store:
        with pytest.raises(UsageError, match=r"no row of .* is a question of the suite"):
            import_outcomes(FILES / "lm-eval-choice", suite, "m", TODAY, store=store, metric="acc")
        assert list(store.select(kind="outcomes/v1")) == []
