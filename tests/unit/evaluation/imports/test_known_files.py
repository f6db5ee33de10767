"""Files that the tools themselves wrote: their printed accuracy is ours (`files/README.md` says how they were made)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from weighbridge.evaluation.imports import ImportedRun, read_results

FILES = Path(__file__).parent / "files"


def runs(name: str) -> dict[tuple[str, str], ImportedRun]:
    """Read a file by model and metric."""
    return {(run.model, run.metric): run for run in read_results(str(FILES / name))}


@pytest.mark.parametrize(
    ("name", "model", "metric", "printed", "items"),
    [
        ("lm-eval-80", "mock-acc80", "exact_match,strict", 0.8333, 24),
        ("lm-eval-80", "mock-acc80", "exact_match,letter-a-or-b", 0.4583, 24),
        ("lm-eval-50", "mock-acc50", "exact_match,strict", 0.5417, 24),
        ("lm-eval-50", "mock-acc50", "exact_match,letter-a-or-b", 0.25, 24),
        ("lm-eval-choice", "qdpv68r5", "acc,none", 0.4, 10),
        ("lm-eval-choice", "qdpv68r5", "acc_norm,none", 0.3, 10),
        ("inspect-80.eval", "openai-api/mock/mock-acc80", "match", 0.833, 24),
        ("inspect-faulty.eval", "openai-api/mock/mock-acc80", "match", 0.818, 24),
        ("inspect-faulty.eval", "openai-api/mock/mock-acc80", "includes", 0.818, 24),
        ("inspect-epochs.eval", "openai-api/mock/mock-acc80", "match", 0.8, 5),
        ("inspect.json", "openai-api/mock/mock-acc80", "match", 0.833, 6),
        ("evalscope-80", "mock-acc80", "accuracy", 0.8333, 24),
        ("promptfoo.json", "openai:chat:mock-acc80", "pass", 16 / 24, 24),
        ("promptfoo.json", "openai:chat:mock-acc50", "pass", 10 / 24, 24),
        ("promptfoo.csv", "openai:chat:mock-acc80", "pass", 16 / 24, 24),
        ("promptfoo.csv", "openai:chat:mock-acc50", "pass", 10 / 24, 24),
    ],
)
def test_the_printed_accuracy_is_reproduced(name: str, model: str, metric: str, printed: float, items: int) -> None:
    """To the digits that the tool printed, and equal to the summary that it wrote where there is one."""
    run = runs(name)[model, metric]
    assert len(run.items) == items
    assert run.as_marked == pytest.approx(printed, abs=5e-4)
    if run.stated is not None:
        assert run.as_marked == pytest.approx(run.stated, abs=1e-12)
    assert run.source.digest.startswith("sha256:")


def test_every_tool_tells_the_same_questions_and_answers() -> None:
    """The same 24 questions were asked: digests of the questions agree across tools, and so do the marks."""
    seen = {
        name: {item.questions[0]: item.mark for item in next(iter(runs(name).values())).items.values()}
        for name in ("lm-eval-80", "inspect-80.eval", "evalscope-80")
    }
    assert seen["lm-eval-80"] == seen["inspect-80.eval"] == seen["evalscope-80"]


def test_versions_and_tasks_are_read() -> None:
    """What the files say of themselves."""
    found = {name: next(iter(runs(name).values())) for name in ("lm-eval-80", "inspect-80.eval", "promptfoo.json")}
    assert [run.source.version for run in found.values()] == ["0.4.13", "0.3.285", "0.121.20"]
    assert [run.task for run in found.values()] == ["wb_mock", "wb_mock", "promptfoo"]


def test_failed_requests_of_promptfoo_are_missing_and_not_wrong() -> None:
    """9 of the 48 were 500s; the others passed in 26 of 39 cases."""
    found = runs("promptfoo.json")
    pair = [found[f"openai:chat:mock-acc{n}", "pass"] for n in (80, 50)]
    assert [sum(run.missing.values()) for run in pair] == [5, 4]
    assert all(reason.startswith("request failed: API error: 500") for run in pair for reason in run.missing)
    assert sum(item.score == 1 for run in pair for item in run.items.values()) == 26
    assert sum(item.score == 0 for run in pair for item in run.items.values()) == 13
    lines = runs("promptfoo.jsonl")["openai:chat:mock-acc80", "pass"]
    assert {name: item.mark for name, item in lines.items.items()}.items() <= {
        name: item.mark for name, item in pair[0].items.items()
    }.items()


def test_json_and_csv_of_promptfoo_name_the_same_tests() -> None:
    """The same content digests, so that one format can be compared with the other."""
    pair = [runs(name)["openai:chat:mock-acc80", "pass"].items for name in ("promptfoo.json", "promptfoo.csv")]
    assert {name: item.content for name, item in pair[0].items()} == {
        name: item.content for name, item in pair[1].items()
    }


def test_samples_of_inspect_that_failed_are_missing() -> None:
    """The solver raised on two; an answer that was cut but right stays right."""
    run = runs("inspect-faulty.eval")["openai-api/mock/mock-acc80", "match"]
    assert run.missing == {"error: RuntimeError('the server went away')": 2}
    assert [run.items[name].score for name in ("s00003", "s00005", "s00006", "s00007")] == [None, 1.0, 1.0, None]
    assert run.items["s00005"].expected == "C"


def test_a_cut_answer_that_was_marked_wrong_is_missing(tmp_path: Path) -> None:
    """Inspect keeps the stop reason: what the token limit cut may be right, but is not known to be wrong."""
    log = json.loads((FILES / "inspect.json").read_text())
    wrong = next(one for one in log["samples"] if one["scores"]["match"]["value"] == "I")
    wrong["output"]["choices"][0]["stop_reason"] = "max_tokens"
    (tmp_path / "log.json").write_text(json.dumps(log))
    (run,) = read_results(str(tmp_path / "log.json"))
    assert run.items[wrong["id"]].mark == "missing: truncated"
    assert (run.as_marked, run.missing) == (run.stated, {"truncated": 1})


def test_cut_and_failed_answers_of_evalscope_come_from_the_predictions(tmp_path: Path) -> None:
    """The reviews alone do not tell: the predictions beside them do, and a score may be called unusable."""
    for kind in ("reviews", "predictions"):
        (tmp_path / kind / "m").mkdir(parents=True)
    reviews = [
        {
            "index": n,
            "target": ["A"],
            "messages": [{"role": "user", "content": f"q{n}"}],
            "sample_score": {
                "score": {"value": {"acc": 0.0}, "status": status, "prediction": "B"},
                "sample_id": n,
                "group_id": n,
            },
        }
        for n, status in enumerate(("success", "success", "judge_error"))
    ]
    ends = [{"index": 0, "model_output": {"choices": [{"stop_reason": "max_tokens"}]}}]
    (tmp_path / "reviews" / "m" / "t.jsonl").write_text("\n".join(map(json.dumps, reviews)))
    (tmp_path / "predictions" / "m" / "t.jsonl").write_text("\n".join(map(json.dumps, ends)))
    (run,) = read_results(str(tmp_path))
    assert [item.mark for item in run.items.values()] == [
        "missing: truncated",
        "wrong",
        "missing: scoring: judge_error",
    ]


def test_the_record_of_openai_evals_is_read(tmp_path: Path) -> None:
    """Events as `LocalRecorder` writes them (openai/evals, evals/record.py): spec, sampling, match, error, report."""
    rows: list[dict[str, object]] = [
        {"spec": {"completion_fns": ["gpt-x"], "base_eval": "sums", "eval_name": "sums.dev.v0"}}
    ]
    for n, correct in enumerate((True, False, None)):
        common: dict[str, object] = {
            "run_id": "r",
            "event_id": n,
            "sample_id": f"sums.dev.{n}",
            "created_by": "",
            "created_at": "",
        }
        prompt = [{"role": "system", "content": "add"}, {"role": "user", "content": f"{n}+1="}]
        rows.append({**common, "type": "sampling", "data": {"prompt": prompt, "sampled": [str(n + 1)]}})
        if correct is None:
            rows.append({**common, "type": "error", "data": {"type": "Timeout", "message": "no answer"}})
        else:
            rows.append(
                {**common, "type": "match", "data": {"correct": correct, "expected": str(n + 1), "picked": "x"}}
            )
    rows.append({"final_report": {"accuracy": 0.5}})
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (run,) = read_results(str(tmp_path / "log.jsonl"))
    assert (run.task, run.model, run.metric, run.stated, run.as_marked) == ("sums", "gpt-x", "match", 0.5, 0.5)
    assert [item.mark for item in run.items.values()] == ["right", "wrong", "missing: error: no answer"]
    assert (run.items["sums.dev.1"].question, run.items["sums.dev.1"].expected) == ("1+1=", "2")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id,score,question\n1,1,a\n2,wrong,b\n3,0.25,c\n4,,d\n"),
        ("a.tsv", "Item\tCorrect\tprompt\n1\ttrue\ta\n2\tFalse\tb\n3\t0.25\tc\n4\tNaN\td\n"),
        ("a.jsonl", '{"id":1,"score":true}\n{"id":2,"score":0}\n{"id":3,"score":0.25}\n{"id":4,"score":null}\n'),
        ("a.json", '[{"id":1,"score":1},{"id":2,"score":"fail"},{"id":3,"score":"0.25"},{"id":4,"score":"n/a"}]'),
    ],
)
def test_a_table_of_your_own_is_read(tmp_path: Path, name: str, text: str) -> None:
    """An id and a score; marks in words or numbers, shares between, and nothing for what is missing."""
    (tmp_path / name).write_text(text)
    (run,) = read_results(str(tmp_path / name))
    assert [item.score for item in run.items.values()] == [1.0, 0.0, 0.25, None]
    assert run.as_marked is not None
    assert math.isclose(run.as_marked, 1.25 / 3)


def test_a_metric_that_falls_or_leaves_the_unit_interval_is_no_mark(tmp_path: Path) -> None:
    """Perplexity is better where it is lower, BLEU goes to 100: neither is paired as if it were a share right."""
    rows = [
        {
            "doc_id": n,
            "doc": {"question": f"q{n}"},
            "filter": "none",
            "resps": [],
            "acc": n % 2,
            "bleu": 12.5 * n,
            "wer": 0.5,
        }
        for n in range(3)
    ]
    (tmp_path / "samples.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (run,) = read_results(str(tmp_path / "samples.jsonl"))
    assert run.metric == "acc,none"
    assert any("`bleu,none` is left out" in note for note in run.notes)
    assert any("`wer,none` is left out: is better where it is lower" in note for note in run.notes)
