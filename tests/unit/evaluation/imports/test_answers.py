"""Whole answers of files that other tools wrote: what was said, how it ended, and by whom."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.evaluation.imports.answers import of_model, read_rows_of_any

FILES = Path(__file__).parent / "files"
LM_EVAL = "lm-eval-80/samples_wb_mock_2026-11-22T06-16-53.442870.jsonl"
LONG = "I cannot help with that. " * 60  # readers of scores keep 400 characters of it


def cells(path: Path) -> list[dict[str, Any]]:
    """Read a file."""
    return [row.cells for row in read_rows_of_any(path)]


def written(folder: Path, name: str, *rows: object) -> Path:
    """Write rows as JSONL, or one value as JSON."""
    place = folder / name
    place.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("name", "model", "rows", "failed"),
    [
        (LM_EVAL, "mock-acc80", 24, 0),  # two filters a document: one answer each
        ("inspect-80.eval", "openai-api/mock/mock-acc80", 24, 0),
        ("inspect-faulty.eval", "openai-api/mock/mock-acc80", 24, 2),
        ("inspect-epochs.eval", "openai-api/mock/mock-acc80", 10, 0),
        ("inspect.json", "openai-api/mock/mock-acc80", 6, 0),
        ("evalscope-80/reviews/mock-acc80/wb_mock_wb.jsonl", "mock-acc80", 24, 0),
        ("evalscope-80/predictions/mock-acc80/wb_mock_wb.jsonl", "mock-acc80", 24, 0),
        ("promptfoo.json", "openai:chat:mock-acc80", 24, 5),
        ("promptfoo.csv", "openai:chat:mock-acc80", 24, 5),
        ("promptfoo.json", "openai:chat:mock-acc50", 24, 4),
        ("promptfoo.csv", "openai:chat:mock-acc50", 24, 4),
    ],
)
def test_files_of_the_tools_give_every_answer(name: str, model: str, rows: int, failed: int) -> None:
    """As many answers as were asked for, failed requests apart, each with the whole question and one letter."""
    found = [one for one in cells(FILES / name) if one["model"] == model]
    assert len(found) == rows
    assert sum(bool(one["error"]) and not one["answer"] for one in found) == failed
    assert {one["answer"] for one in found} <= {"A", "B", "C", "D", ""}
    assert all(one["prompt"].startswith("[item 0") and one["prompt"].endswith("letter only.") for one in found)


def test_epochs_say_that_they_are_draws() -> None:
    """Inspect counts them from 1: five samples in two epochs."""
    found = [(one["id"], one["epoch"]) for one in cells(FILES / "inspect-epochs.eval")]
    assert len(set(found)) == len(found) == 10
    assert {epoch for _, epoch in found} == {1, 2}


def test_the_tools_tell_the_same_answers() -> None:
    """One server of fixed answers was asked by every tool: question by question they agree."""
    told = [
        {one["prompt"]: one["answer"] for one in cells(FILES / name) if one["model"].endswith("acc80")}
        for name in (LM_EVAL, "inspect-80.eval", "evalscope-80/predictions/mock-acc80/wb_mock_wb.jsonl")
    ]
    assert told[0] == told[1] == told[2]
    foo = {one["prompt"]: one["answer"] for one in cells(FILES / "promptfoo.csv") if one["model"].endswith("acc80")}
    assert all(told[0][prompt] == answer for prompt, answer in foo.items() if answer)


def test_cut_samples_of_inspect_end_by_length() -> None:
    """Two solvers set `stop_reason = "max_tokens"` (README of the files)."""
    ends = {one["id"]: one["finish_reason"] for one in cells(FILES / "inspect-faulty.eval")}
    assert {name for name, end in ends.items() if end == "length"} == {"s00005", "s00006"}


def test_log_likelihoods_are_no_answers() -> None:
    """A multiple-choice task of lm-eval holds none, and that is said with its line."""
    with pytest.raises(UsageError, match="line 1 holds log-likelihoods"):
        cells(FILES / "lm-eval-choice/samples_wb_mc_2026-11-22T06-17-27.227155.jsonl")


def test_lm_eval_gives_the_raw_answer_and_what_its_document_says(tmp_path: Path) -> None:
    """`resps` whole, not what a filter left; repeats are rows; language and class come from the document."""
    row = {
        "doc_id": 4,
        "doc": {"id": "x-1", "question": "How?", "language": "de", "class": "safe", "topic": "jars"},
        "arguments": [["Q: a\nA: b\n\nQ: How?\nA:", {"until": ["\n"]}]],
        "resps": [[LONG, ""]],
        "filtered_resps": ["[invalid]"],
        "filter": "strict",
    }
    found = cells(written(tmp_path, "samples_t.jsonl", row, {**row, "filter": "flexible"}))
    assert [(one["answer"], one["draw"]) for one in found] == [(LONG, 0), ("", 1)]
    assert {name: found[0][name] for name in ("id", "prompt", "language", "class", "topic")} == {
        "id": "x-1", "prompt": "How?", "language": "de", "class": "safe", "topic": "jars",
    }  # fmt: skip


def test_inspect_keeps_reasoning_apart_and_resolves_attachments(tmp_path: Path) -> None:
    """Parts of type `reasoning` are no answer; `attachment://` stands for a long text; a filter is a finish reason."""
    said = [{"type": "reasoning", "reasoning": "Hmm."}, {"type": "text", "text": "Left."}]
    output = {"completion": "Left.", "choices": [{"message": {"content": said}, "stop_reason": "stop"}]}
    filtered = {"completion": "", "choices": [{"message": {"content": ""}, "stop_reason": "content_filter"}]}
    log = {
        "eval": {"task": "t", "model": "lab/m"},
        "samples": [
            {"id": 1, "epoch": 1, "input": "attachment://ab", "attachments": {"ab": LONG}, "output": output,
             "metadata": {"language": "Python", "topic": "jars"}},
            {"id": 2, "epoch": 1, "input": [{"role": "user", "content": "How?"}], "output": filtered},
            {"id": 3, "epoch": 1, "input": "Why?", "output": output, "limit": {"type": "token", "limit": 9}},
        ],
    }  # fmt: skip
    one, two, three = cells(written(tmp_path, "log.json", log))
    assert (one["prompt"], one["answer"], one["reasoning"], one["model"]) == (LONG, "Left.", "Hmm.", "lab/m")
    assert one["topic"] == "jars"
    assert "language" not in one  # `Python` is no language that people speak
    assert (two["prompt"], two["finish_reason"]) == ("How?", "content_filter")
    assert three["finish_reason"] == "length"


def test_promptfoo_tells_failures_from_assertions_and_filters(tmp_path: Path) -> None:
    """An assertion that does not hold is an answer; a guardrail without output is a filter; a chat is its last turn."""
    chat = json.dumps([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "How?"}])
    base = {"success": False, "promptIdx": 0, "provider": {"id": "p", "label": "mine"}, "vars": {"q": "How?"}}
    rows = [
        {**base, "testIdx": 0, "prompt": {"raw": chat}, "response": {"output": LONG, "finishReason": "stop"},
         "error": "Expected output to be kind", "failureReason": 1},
        {**base, "testIdx": 1, "prompt": {"raw": chat}, "response": {"output": "no", "finishReason": "length"}},
        {**base, "testIdx": 2, "prompt": {"raw": "B?"}, "response": {"guardrails": {"flagged": True}}},
        {**base, "testIdx": 3, "prompt": {"raw": "C?"}, "error": "API error: 500", "failureReason": 2},
        {**base, "testIdx": 0, "promptIdx": 1, "prompt": {"raw": "Say: How?"}, "response": {"output": {"a": 1}}},
    ]  # fmt: skip
    found = cells(written(tmp_path, "r.jsonl", *rows))
    assert [one["id"] for one in found][:4] == ["0", "0", "2", "3"]  # the same prompt again is a draw of it
    assert found[4]["id"] not in {"0", "2", "3"}
    assert (found[0]["prompt"], found[0]["answer"], found[0]["error"], found[0]["model"]) == ("How?", LONG, "", "mine")
    assert [one["finish_reason"] for one in found[1:3]] == ["length", "content_filter"]
    assert found[3]["error"] == "API error: 500"
    assert found[4]["answer"] == '{"a": 1}'


def test_a_template_of_promptfoo_is_filled_once(tmp_path: Path) -> None:
    """A variable that holds another one's name stays as it is."""
    place = tmp_path / "r.csv"
    place.write_text("a,b,[m] Say {{a}} to {{ b }},Status,Score\n{{b}},x,fine,PASS,1\n", encoding="utf-8")
    assert cells(place)[0]["prompt"] == "Say {{b}} to x"


CHAT = [{"role": "system", "content": "s"}, {"role": "user", "content": "How?"}]
OPENAI = {
    "model": "gpt-x",
    "choices": [{"message": {"role": "assistant", "content": "Left.", "reasoning_content": "Hmm."},
                 "finish_reason": "stop"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"messages": CHAT, "response": "Left."}, {"prompt": "How?", "response": "Left."}),
        ({"messages": [*CHAT, {"role": "assistant", "content": "Left."}]}, {"prompt": "How?", "answer": "Left."}),
        (
            {"messages": CHAT, "response": OPENAI},
            {"prompt": "How?", "answer": "Left.", "reasoning": "Hmm.", "model": "gpt-x", "finish_reason": "stop"},
        ),
        ({"request": {"messages": CHAT, "model": "m"}, "response": {"choices": [{"text": "A"}]}},
         {"prompt": "How?", "answer": "A", "model": "m"}),
        ({"prompt": "How?", **OPENAI}, {"prompt": "How?", "answer": "Left."}),
        (
            {"custom_id": "7", "messages": CHAT, "response": {"status_code": 200, "body": OPENAI}, "error": None},
            {"id": "7", "answer": "Left."},
        ),
        (
            {"messages": CHAT, "response": {"status_code": 400, "body": {"error": {"code": "content_filter"}}}},
            {"answer": "", "finish_reason": "content_filter"},
        ),
        ({"messages": CHAT, "response": {"choices": [{"message": {"content": None, "refusal": "No."}}]}},
         {"answer": "No."}),
        (
            {"input": CHAT, "output": [{"type": "reasoning", "summary": []},
                                       {"type": "message", "content": [{"type": "output_text", "text": "Left."}]}]},
            {"prompt": "How?", "answer": "Left."},
        ),
        (
            {"messages": CHAT, "response": {"content": [{"type": "thinking", "thinking": "Hmm."},
                                                        {"type": "text", "text": "Le"}], "stop_reason": "max_tokens"}},
            {"answer": "Le", "reasoning": "Hmm.", "finish_reason": "max_tokens"},
        ),
        ({"Prompt": json.dumps(CHAT), "Completion": "Left."}, {"prompt": "How?", "completion": "Left."}),
        ({"prompt": "How?", "answer": {"note": 1}}, {"prompt": "How?", "answer": {"note": 1}}),
    ],
)  # fmt: skip
def test_logs_of_chats_are_rows(tmp_path: Path, row: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Messages with a reply in them or beside them, as text or as an API gives it."""
    (found,) = cells(written(tmp_path, "chat.jsonl", row))
    assert {name: found.get(name) for name in wanted} == wanted


def test_several_choices_are_several_answers(tmp_path: Path) -> None:
    """`n = 2` gives two rows of one question."""
    choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in ("a", "b")]
    found = cells(written(tmp_path, "chat.jsonl", {"id": "1", "messages": CHAT, "response": {"choices": choices}}))
    assert [(one["id"], one["answer"]) for one in found] == [("1", "a"), ("1", "b")]


def test_of_several_models_one_must_be_named(tmp_path: Path) -> None:
    """Without a name all are named; with a wrong one the nearest is."""
    rows = [{"prompt": "How?", "answer": "Left.", "model": model} for model in ("alpha", "beta", "beta")]
    place = written(tmp_path, "rows.jsonl", *rows)
    with pytest.raises(UsageError) as caught:
        list(of_model(read_rows_of_any(place), None, "rows.jsonl"))
    assert caught.value.hint is not None
    assert "alpha" in caught.value.hint
    assert "beta" in caught.value.hint
    assert len(list(of_model(read_rows_of_any(place), "beta", "rows.jsonl"))) == 2
    with pytest.raises(UsageError, match="no answer of `betta`"):
        list(of_model(read_rows_of_any(place), "betta", "rows.jsonl"))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.jsonl", '{"doc_id": 0, "resps": [["x"]]}\n{"resps": 1}', "line 2 has no `doc_id`"),
        ("a.jsonl", '{"doc_id": 0, "resps": [["x"]]}\n{"doc_id": 1, "resps": [[["-1", "True"]]]}', "line 2 holds log"),
        (
            "a.jsonl",
            '{"doc_id": 0, "resps": [["x"]], "arguments": {"gen_args_0": {"arg_0": "[{\\"role\\""}}}',
            "line 1",
        ),
        ("a.jsonl", '{"doc_id": 0, "resps": [["x"]]}\n{"doc_id": 1,', "line 2"),
        ("a.jsonl", '{"index": 0, "model_output": {}}\n{"index": 1}', "line 2 is neither"),
        ("a.jsonl", '{"testIdx": 0, "success": true}\n{"testIdx": 1}', "line 2 is no result"),
        ("a.jsonl", '{"prompt": "a", "answer": "b"}\n[1]', "line 2"),
        ("a.jsonl", '{"prompt": "[{\\"role\\": 1", "answer": "b"}', "line 1"),
        ("a.csv", "q,[m] {{q}},Status,Score\na,x,PASS\n", "line 2 has 3 fields"),
        ("a.json", '{"eval": {"task": "t"}, "samples": [3]}', "is no sample"),
        ("a.json", '{"eval": {"task": "t"}}', "holds no samples"),
        ("a.json", '{"results": {"t": {}}, "lm_eval_version": "0.4.13"}', "holds no answers"),
        ("a.eval", "not a zip", "no central directory"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, name: str, text: str, says: str) -> None:
    """An error of the house with the file's name, never a traceback or half a file in silence."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(WeighbridgeError) as caught:
        cells(tmp_path / name)
    assert says in caught.value.message
    assert name in caught.value.message


def test_a_member_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    """A bomb in an `.eval` file stops at the allowance of its reader."""
    place = tmp_path / "bomb.eval"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": {"task": "t", "model": "m"}}))
        archive.writestr("samples/1.json", json.dumps({"id": 1, "input": " " * (40 << 20)}))
    with pytest.raises(WeighbridgeError, match=r"bomb\.eval"):
        cells(place)
