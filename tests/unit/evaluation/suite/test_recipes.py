"""The recipes over rows in the form in which each benchmark is published: made-up rows, their forms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weighbridge.errors import SuiteError
from weighbridge.evaluation.plan import forms_of
from weighbridge.evaluation.suite import find_suite

if TYPE_CHECKING:
    from pathlib import Path


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_mmlu_from_its_archive(tmp_path: Path) -> None:
    """`test/SUBJECT_test.csv` and `dev/SUBJECT_dev.csv` without headers (hendrycks/test); five shots of the subject."""
    for split, count in (("test", 3), ("dev", 5)):
        (tmp_path / split).mkdir()
        for subject in ("anatomy", "world_religions"):
            rows = "".join(f'"{subject} {split} {n}, or?",w,x,y,z,{"ABCD"[n % 4]}\n' for n in range(count))
            (tmp_path / split / f"{subject}_{split}.csv").write_text(rows)
    suite = find_suite("mmlu", tmp_path)
    assert [item.group for item in suite.items] == ["anatomy"] * 3 + ["world_religions"] * 3
    prompt = suite.prompt(suite.items[3], "completion")
    assert prompt.startswith("The following are multiple choice questions (with answers) about world religions.\n\n")
    assert (prompt.count("world_religions dev"), prompt.count("anatomy")) == (5, 0)
    assert prompt.endswith("world_religions test 0, or?\nA. w\nB. x\nC. y\nD. z\nAnswer:")


def test_mmlu_from_the_hub(tmp_path: Path) -> None:
    """`all/test-*.parquet` with question, subject, choices, answer from 0 (cais/mmlu)."""
    (tmp_path / "all").mkdir()
    for split, count in (("test", 4), ("dev", 5)):
        rows = [{"question": f"{split} {n}?", "subject": "anatomy", "choices": ["w", "x", "y", "z"], "answer": n % 4}
                for n in range(count)]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "all" / f"{split}-00000-of-00001.parquet")
    suite = find_suite("mmlu", tmp_path)
    assert [item.answer for item in suite.items] == list("ABCD")
    assert len(suite.turns(suite.items[0], "chat")) == 10


def test_the_dev_split_is_not_done_without(tmp_path: Path) -> None:
    """Without the examples it would be another benchmark under the same name."""
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "anatomy_test.csv").write_text("q?,w,x,y,z,A\n")
    with pytest.raises(SuiteError, match="takes its 5 examples from the split `dev`"):
        find_suite("mmlu", tmp_path)


def test_ceval(tmp_path: Path) -> None:
    """`val/SUBJECT_val.csv` with answers, `dev` with answers and explanations (cevalbenchmark.com)."""
    for split, count in (("val", 2), ("dev", 5)):
        (tmp_path / split).mkdir()
        tail = ",explanation" if split == "dev" else ""
        rows = "".join(f"{n},{split}{n}?,w,x,y,z,C{',why' if tail else ''}\n" for n in range(count))
        (tmp_path / split / f"law_{split}.csv").write_text(
            f"id,question,A,B,C,D,answer{tail}\n{rows}", encoding="utf-8"
        )
    suite = find_suite("ceval", tmp_path)
    assert [(item.answer, item.group) for item in suite.items] == [("C", "law")] * 2
    assert suite.prompt(suite.items[0], "completion").endswith("val0?\nA. w\nB. x\nC. y\nD. z\n答案：")  # noqa: RUF001 - Chinese


def test_mgsm(tmp_path: Path) -> None:
    """`mgsm_LANGUAGE.tsv` without header and without quoting; the language is the group."""
    (tmp_path / "mgsm_de.tsv").write_text('Er sagt "drei" und\t3\nZwei\t1,200\n', encoding="utf-8")
    (tmp_path / "mgsm_zh.tsv").write_text("一加一\t2\n", encoding="utf-8")
    suite = find_suite("mgsm", tmp_path)
    assert [(item.group, item.answer) for item in suite.items] == [("de", "3"), ("de", "1,200"), ("zh", "2")]
    assert suite.items[0].question == 'Er sagt "drei" und'


def test_mbpp(tmp_path: Path) -> None:
    """Tasks 11 to 510 are asked, 2 to 4 are the examples, as in the paper; tests stand in prompt and data."""
    rows = [
        {"text": f"Do {n}.", "code": f"def f(): return {n}", "task_id": n,
         "test_setup_code": "import math" if n == 12 else "", "test_list": [f"assert f() == {n}"]}
        for n in (*range(1, 16), 510, 511)
    ]  # fmt: skip
    lines(tmp_path / "mbpp.jsonl", rows)
    suite = find_suite("mbpp", tmp_path)
    assert [item.id for item in suite.items] == ["11", "12", "13", "14", "15", "510"]
    assert suite.items[1].data["tests"] == ["import math", "assert f() == 12"]
    prompt = suite.prompt(suite.items[0], "completion")
    assert prompt.count("[DONE]") == 3
    assert (
        "task: Do 2. Your code should pass these tests:\n\nassert f() == 2\n[BEGIN]\ndef f(): return 2\n[DONE]"
        in prompt
    )
    assert prompt.endswith("assert f() == 11\n[BEGIN]\n")


def test_ifeval(tmp_path: Path) -> None:
    """Prompts with their instructions and arguments; a chat first."""
    row = {"key": 1000, "prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    lines(tmp_path / "ifeval_input_data.jsonl", [row])
    suite = find_suite("ifeval", tmp_path)
    assert suite.items[0].data == {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    assert (suite.items[0].id, suite.items[0].question, forms_of(suite)[0]) == ("1000", "No commas.", "chat")
