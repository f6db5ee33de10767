"""The recipes over the real data sets: counts as their publishers state them, and answers checked by hand."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from weighbridge.engine.protocol import EngineIdentity
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.suite import Suite, find_suite

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "data" / "evals"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")]


def by_id(suite: Suite, ending: str) -> str:
    """Return the answer of one item."""
    (found,) = [item.answer for item in suite.items if item.id == ending]
    return found


def test_gsm8k_is_whole() -> None:
    """1,319 problems (Cobbe et al. 2021); the answer stands behind `####`, thousands with their comma."""
    suite = find_suite("gsm8k", DATA / "gsm8k")
    assert len(suite.items) == 1319
    assert suite.items[0].question.startswith("Janet")
    assert [suite.items[n].answer for n in (0, 1, 2)] == ["18", "3", "70000"]
    assert all(item.answer.replace(",", "").replace(".", "").removeprefix("-").isdigit() for item in suite.items)
    assert suite.notices == ()


def test_mmlu_redux_keeps_what_people_found_sound() -> None:
    """38 subjects of 100; 3,503 ok in three spellings, and 88 of 91 wrong keys corrected (counted with grep)."""
    suite = find_suite("mmlu-redux", DATA / "mmlu-redux")
    counts = Counter(item.group for item in suite.items)
    assert (len(suite.items), len(counts), max(counts.values())) == (3503 + 88, 38, 100)
    assert "keeps 3591 of 3800 rows" in suite.notices[0]
    assert all(len(item.choices) == 4 for item in suite.items)
    assert by_id(suite, "mmlu_anatomy-2") == "D"  # narcolepsy, key 3
    with (DATA / "mmlu-redux" / "mmlu_college_chemistry.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        fixed = next(row for row in reader if row["error_type"].lower() == "wrong groundtruth")
    (item,) = [one for one in suite.items if one.question == fixed["question"] and one.group == "college_chemistry"]
    assert (fixed["answer"], fixed["correct_answer"], item.answer) == ("1", "C", "C")


def test_gaokao_asks_what_has_one_right_answer() -> None:
    """AGIEval's counts, less 35 questions of physics and 7 of mathematics that have several right answers."""
    suite = find_suite("gaokao", DATA / "agieval-gaokao")
    assert Counter(item.group for item in suite.items) == {
        "geography": 199, "history": 235, "biology": 210, "chemistry": 207, "physics": 200 - 35, "mathqa": 351 - 7,
    }  # fmt: skip
    assert by_id(suite, "gaokao-geography-1") == "A"
    assert suite.items[0].choices[0].startswith("(1)(2)(3)都是由氨基酸")
    assert not any(choice.lstrip().startswith(("(A)", "A．", "B．")) for item in suite.items for choice in item.choices)  # noqa: RUF001 - as the data set writes


def test_humaneval_is_whole() -> None:
    """164 problems (Chen et al. 2021) from the packed file, with tests and entry points."""
    suite = find_suite("humaneval", DATA / "human-eval")
    assert len(suite.items) == 164
    assert suite.items[0].id == "HumanEval/0"
    assert all(f"def {item.data['entry_point']}(" in item.data["prompt"] for item in suite.items)
    assert all("def check(candidate)" in item.data["test"] for item in suite.items)


def test_truthfulqa_mixes_the_best_answer_with_the_false_ones() -> None:
    """817 questions (Lin et al. 2022); the right letter is the best answer, and is spread as chance would."""
    suite = find_suite("truthfulqa", DATA / "truthfulqa")
    with (DATA / "truthfulqa" / "TruthfulQA.csv").open(encoding="utf-8", newline="") as file:
        best = {row["Question"].strip(): row["Best Answer"].strip() for row in csv.DictReader(file)}
    assert len(suite.items) == 817
    assert all(best[item.question.strip()] == item.choices[ord(item.answer) - 65] for item in suite.items)
    expected = sum(1 / len(item.choices) for item in suite.items)
    assert suite.chance == pytest.approx(expected / 817, abs=1e-4)
    assert (
        abs(sum(item.answer == "A" for item in suite.items) - expected) < 3 * (expected * (1 - expected / 817)) ** 0.5
    )


@pytest.mark.parametrize(
    ("name", "folder"), [("gsm8k", "gsm8k"), ("mmlu-redux", "mmlu-redux"), ("truthfulqa", "truthfulqa")]
)
def test_plans_of_real_suites_share_one_prefix(name: str, folder: str) -> None:
    """All requests begin alike, so that one of them fills the cache for the others; no recipe stands twice."""
    suite = find_suite(name, DATA / folder)
    plan = make_plan(suite, "sha256:x", EngineIdentity("e", "m"), "completion", limit=300)
    prefix = plan.requests[0].text.partition(plan.items[0].question)[0]
    assert plan.heads == (0,)
    assert len(prefix) > 300
    assert all(request.text.startswith(prefix) for request in plan.requests)
    assert len(set(plan.recipes)) == 300
