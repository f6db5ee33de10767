"""Result files are a stranger's: bounded, one reading only, and every refusal names file and line."""

from __future__ import annotations

import json
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.evaluation.imports import inspect_ai as inspect_ai_module
from weighbridge.evaluation.imports import is_results, read_results

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HEADER = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m", "scorers": [{"name": "match"}]}}


def sample(item: str, value: object = "C", **more: object) -> dict[str, object]:
    """Return a sample of Inspect with one score."""
    return {"id": item, "epoch": 1, "input": f"question {item}", "scores": {"match": {"value": value}}, **more}


def eval_file(path: Path, members: Mapping[str, object], method: int = zipfile.ZIP_DEFLATED) -> str:
    """Write members as an `.eval` file."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, value in members.items():
            archive.writestr(name, value if isinstance(value, str | bytes) else json.dumps(value))
    return str(path)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.jsonl", "", "is empty"),
        ("a.jsonl", "\n \n", "is empty"),
        ("a.jsonl", '{"doc_id": 0, "resps": [], "filter": "none", "acc": 1}\n{"doc_id": 1,', "line 2"),
        ("a.jsonl", '{"doc_id": 0, "resps": [], "filter": "none", "acc": 1}\n[1]', "line 2 is no JSON object"),
        ("a.jsonl", '{"doc_id": 0, "resps": [], "acc": 1}\n{"doc_id": 0, "resps": [], "acc": 0}', "a second time"),
        ("a.jsonl", '{"doc_id": 0, "resps": [], "acc": 1}\n{"acc": 0}', "line 2 has no `doc_id`"),
        ("a.jsonl", '{"doc_id": 0, "resps": [], "bleu": 31}', "holds no marks in [0, 1]"),
        ("a.jsonl", '{"doc_id": 0, "doc_id": 1, "resps": []}', "twice"),
        ("a.jsonl", '{"doc_id": 0, "resps": ' + "[" * 5000 + "]" * 5000 + "}", "nested"),
        ("a.jsonl", '{"doc_id": 0, "resps": [], "arguments": {"gen_args_0": {"arg_0": "[{\\"role\\""}}}', "is no chat"),
        ("a.jsonl", '{"index": 0, "model_output": {}}', "without marks"),
        (
            "a.jsonl",
            '{"index": 0, "sample_score": {"score": {"value": {"acc": 1}}}}\n{"index": 1}',
            "line 2 is no review",
        ),
        ("a.jsonl", '{"testIdx": 0, "success": true}\n{"testIdx": 1}', "line 2 is no result"),
        ("a.jsonl", '{"spec": {}}\n{"oops": 1}', "line 2 is no event"),
        ("a.jsonl", '{"id": 1, "score": 1}\n{"id": 2, "score": 7}', "line 2: the score has values outside"),
        ("a.jsonl", '{"name": 1, "points": 1}', "no `id` or no `score`"),
        ("a.csv", "id,score\n1,1\n2\n", "line 3 has 1 fields"),
        ("a.csv", "id,score\n1,maybe\n", "line 2: the score has the value `maybe`"),
        ("a.csv", "Description,q,[m] {{q}},Status,Score\n,a,x,MAYBE,1\n", "line 2 has a status"),
        ("a.csv", "Description,q,[m] {{q}},Status,Score\n,a,x,PASS\n", "line 2 has 4 fields"),
        ("a.json", '{"eval": {"task": "t"}}', "holds no samples"),
        ("a.json", '{"eval": {"task": "t"}, "samples": [3]}', "is no sample"),
        ("a.json", '{"results": {"t": {"acc,none": 1}}, "lm_eval_version": "0.4.13"}', "holds no items"),
        ("a.json", '{"results": {"results": [{"testIdx": 1}]}}', "is no result of promptfoo"),
        ("a.json", "{}", "no list of rows"),
        ("a.json", "3", "no list of rows"),
        ("a.eval", "not a zip", "no central directory"),
    ],
)
def test_a_file_that_cannot_be_read_one_way_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    """Exit code 2, never a traceback or half a run."""
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as caught:
        read_results(str(tmp_path / name))
    assert says in caught.value.message
    assert name in caught.value.message or "is no chat" in says


@pytest.mark.parametrize(
    ("name", "text", "mark"),
    [
        ("a.json", json.dumps({**HEADER, "status": [], "samples": [sample("x", "C", output=[], error={})]}), "right"),
        ("a.json", json.dumps({**HEADER, "samples": [sample("x", None, target={}, choices=3)]}), "missing: not scored"),
        (
            "a.jsonl",
            '{"index": 0, "sample_score": {"score": {"value": {"acc": 1}, "status": {}}}}',
            "missing: scoring: {}",
        ),
        ("a.jsonl", '{"testIdx": [], "success": true, "response": {"finishReason": []}, "failureReason": {}}', "right"),
        ("a.jsonl", '{"doc_id": null, "resps": 3, "filter": {}, "acc": 1, "metrics": ["acc", []]}', "right"),
    ],
)
def test_values_of_other_kinds_than_expected_do_no_harm(tmp_path: Path, name: str, text: str, mark: str) -> None:
    """A list where a word should stand, an object where a number should: found by changing real files at random."""
    (tmp_path / name).write_text(text)
    run, *_ = read_results(str(tmp_path / name))
    assert [item.mark for item in run.items.values()] == [mark]


def test_an_eval_file_without_zstandard_is_read_too(tmp_path: Path) -> None:
    """Older versions of Inspect used deflate; names of members are never used as paths."""
    members = {"header.json": HEADER, "samples/../../../etc/x_epoch_1.json": sample("x")}
    with pytest.raises(UsageError, match="lies outside the folder"):
        read_results(eval_file(tmp_path / "a.eval", members))
    good = eval_file(tmp_path / "b.eval", {"samples/x_epoch_1.json": sample("x"), "header.json": HEADER})
    (run,) = read_results(good)
    assert (run.task, run.items["x"].mark) == ("t", "right")


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    """A member of 40 MiB of zeros in 40 kB: the file unfolds into more than its size allows."""
    bomb = b'{"id": "' + b"0" * (40 << 20) + b'"}'
    path = eval_file(tmp_path / "bomb.eval", {"header.json": HEADER, "samples/a_epoch_1.json": bomb})
    with pytest.raises(UsageError, match=r"unfolds into more than|of more than 32 MiB"):
        read_results(path)


def test_many_members_that_unfold_together_are_refused(tmp_path: Path) -> None:
    """Each stays below the bound of a member; all of them do not stay below the bound of the file."""
    text = json.dumps(sample("x", padding="0" * (5 << 20)))
    members = {"header.json": HEADER} | {f"samples/{n}_epoch_1.json": text for n in range(8)}
    with pytest.raises(UsageError, match="unfolds into more than"):
        read_results(eval_file(tmp_path / "many.eval", members))


def test_without_zstandard_the_user_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspect of today writes method 93; without the package that is said, with the way out."""
    path = tmp_path / "a.eval"
    eval_file(path, {"header.json": HEADER}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    struct.pack_into("<H", data, 8, 93)
    struct.pack_into("<H", data, central + 10, 93)
    path.write_bytes(data)
    monkeypatch.setattr("weighbridge.formats.archives.zip.zstd_method", lambda: None)
    monkeypatch.setattr(inspect_ai_module, "zstd_method", lambda: None)
    with pytest.raises(UsageError, match="Zstandard") as caught:
        read_results(str(path))
    assert "weighbridge[zstd]" in str(caught.value.hint)


def test_repeats_must_ask_the_same_question(tmp_path: Path) -> None:
    """Two samples of one id with different inputs are not two answers to one question."""
    log = {**HEADER, "samples": [sample("x"), {**sample("x"), "input": "another"}]}
    (tmp_path / "a.json").write_text(json.dumps(log))
    with pytest.raises(UsageError, match="another question than before"):
        read_results(str(tmp_path / "a.json"))


def test_a_folder_with_two_runs_of_one_task_is_refused(tmp_path: Path) -> None:
    """lm-eval adds a file a run: which one counts is for the user to say."""
    for time in ("2026-01-01T00-00-00.1", "2026-01-02T00-00-00.1"):
        (tmp_path / f"samples_t_{time}.jsonl").write_text('{"doc_id": 0, "resps": [], "filter": "f", "acc": 1}')
    with pytest.raises(UsageError, match="holds two runs of `t`"):
        read_results(str(tmp_path))


def test_what_is_no_result_is_told_apart(tmp_path: Path) -> None:
    """Models are files and folders, too; a pipe or a device is never opened as a result."""
    (tmp_path / "model.gguf").write_text("GGUF")
    assert not is_results(str(tmp_path / "model.gguf"))
    assert not is_results(str(tmp_path))
    assert not is_results("hf:someone/model")
    (tmp_path / "a.jsonl").write_text("{}")
    assert is_results(str(tmp_path / "a.jsonl"))
    assert is_results(f"{tmp_path / 'a.jsonl'}#some-model")
    with pytest.raises(WeighbridgeError):
        read_results(str(tmp_path / "gone.jsonl"))
