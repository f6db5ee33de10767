"""lm-evaluation-harness: `samples_<task>_<time>.jsonl` of `--log_samples`, with `results_<time>.json` beside it.

Layout: lm_eval/result_schema.py (`SampleResult`) and loggers/evaluation_tracker.py, 0.4.13. One row a document and
filter; its metrics are keys of the row. Neither finish reasons nor failed requests are kept: a failed request ends the
whole run, and an answer cut by the token limit cannot be told from a wrong one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile
from weighbridge.evaluation.imports.imported import Asked, Gathering, Marked, Source, to_mark
from weighbridge.evaluation.imports.reading import digest_of_file, json_lines, message_text, text_of, whole_json
from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.imports.imported import ImportedRun

__all__ = ["asked_of", "is_lm_eval", "model_of", "read_lm_eval", "sent_prompt"]

TOOL = "lm-eval"
_NAME = re.compile(r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT[\d.-]+)")
_FIXED = frozenset({"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter"}) | {
    "metrics",
    "doc_hash",
    "prompt_hash",
    "target_hash",
}
_QUESTION = ("question", "query", "problem", "prompt", "input", "goal", "ctx", "sentence", "text")
_GROUP = ("cluster", "group", "passage_id", "passage", "article", "story")
_FALLING = frozenset({"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "brier_score", "ter", "wer"})
_BLIND = "lm-eval keeps no finish reasons: answers cut by the token limit stand as its scorer marked them"


def is_lm_eval(row: dict[str, Any]) -> bool:
    """Say whether a first row is of this format."""
    return "doc_id" in row and ("resps" in row or "filtered_resps" in row or "doc" in row)


def read_lm_eval(path: Path) -> list[ImportedRun]:
    """Return a run for each metric and filter, named `<metric>,<filter>` as in lm-eval's own summary."""
    named = _NAME.fullmatch(path.name.removesuffix(".jsonl"))
    task = named["task"] if named else path.stem
    summary = _summary(path.with_name(f"results_{named['time']}.json")) if named else {}
    gathering = Gathering(
        Source(path, digest_of_file(path), TOOL, text_of(summary.get("lm_eval_version"))), repeats=False
    )
    gathering.notes.append(_BLIND)
    falling = {name for name, rising in _part(summary, "higher_is_better", task).items() if rising is False}
    for number, row in json_lines(path):
        if "doc_id" not in row:
            raise damaged(path, f"line {number} has no `doc_id`")
        asked, text = asked_of(row), text_of(row.get("filtered_resps"))
        gathering.add(f"line {number}", text_of(row["doc_id"]), asked, text, _marks(row, falling | _FALLING))
    model = _model(path, summary)
    stated = {
        name: float(value)
        for name, value in _part(summary, "results", task).items()
        if isinstance(value, int | float) and "_stderr" not in name
    }
    settings = {
        name: text_of(summary[name][task])
        for name in ("versions", "n-shot")
        if isinstance(summary.get(name), dict) and task in summary[name]
    }
    return list(gathering.runs(task, model, stated, settings))


def model_of(path: Path) -> str:
    """Return the model of a file of samples: as the summary beside it names it, else as its folder is called."""
    named = _NAME.fullmatch(path.name.removesuffix(".jsonl"))
    return _model(path, _summary(path.with_name(f"results_{named['time']}.json")) if named else {})


def _model(path: Path, summary: dict[str, Any]) -> str:
    return text_of(summary.get("model_name") or summary.get("model_source")) or path.absolute().parent.name


def _summary(path: Path) -> dict[str, Any]:
    """Return the summary of the run, {} where none lies beside the samples."""
    if not path.is_file():
        return {}
    value = whole_json(path)
    if not isinstance(value, dict):
        raise damaged(path, "is no summary of lm-eval")
    return value


def _part(summary: dict[str, Any], name: str, task: str) -> dict[str, Any]:
    """Return what the summary says of a task."""
    part = summary.get(name)
    found = part.get(task) if isinstance(part, dict) else None
    return found if isinstance(found, dict) else {}


def _marks(row: dict[str, Any], falling: set[str] | frozenset[str]) -> dict[str, Marked | str]:
    """Return the marks of a row by `<metric>,<filter>`."""
    named = row.get("metrics")
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    found: dict[str, Marked | str] = {}
    for name in names or [name for name in row if name not in _FIXED]:
        mark = "is better where it is lower" if name in falling else to_mark(row.get(name))
        found[f"{name},{text_of(row.get('filter')) or 'none'}"] = mark if isinstance(mark, str) else Marked(mark)
    return found


def asked_of(row: dict[str, Any]) -> Asked:
    """Return the question of a row: by the usual names in the document, and the prompt that was sent."""
    doc = row.get("doc")
    doc = doc if isinstance(doc, dict) else {}
    question = next((doc[name] for name in _QUESTION if isinstance(doc.get(name), str)), "")
    choices = doc.get("choices")
    choices = choices.get("text") if isinstance(choices, dict) else choices  # AI2 ARC keeps texts beside labels
    group = next((text_of(doc[name]) for name in _GROUP if doc.get(name)), "")
    return Asked(
        question,
        tuple(map(text_of, choices)) if isinstance(choices, list) else (),
        (sent,) if (sent := sent_prompt(row)[0]) else (),
        json.dumps(doc, sort_keys=True) if doc else text_of(row.get("doc_hash")),
        text_of(row.get("target")),
        group,
    )


def sent_prompt(row: dict[str, Any]) -> tuple[str, bool]:
    """Return the prompt that was sent, and whether as a chat: then its last user message, which is JSON in a text."""
    arguments = row.get("arguments")
    if isinstance(arguments, list):  # as versions before 0.4.3 wrote it
        first: Any = dict(zip(("arg_0", "arg_1"), arguments[0], strict=False)) if _is_filled(arguments) else None
    else:
        first = arguments.get("gen_args_0") if isinstance(arguments, dict) else None
    sent = text_of(first.get("arg_0")) if isinstance(first, dict) else ""
    if not sent.startswith('[{"role"'):
        return sent, False
    try:
        return message_text(json.loads(sent)), True
    except (ValueError, RecursionError) as error:
        raise DamagedFile(f"the prompt of document {text_of(row['doc_id'])} is no chat: {error}") from error


def _is_filled(arguments: list[Any]) -> bool:
    return bool(arguments) and isinstance(arguments[0], list)
