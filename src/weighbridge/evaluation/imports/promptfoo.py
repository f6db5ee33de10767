"""promptfoo: `-o results.json` (version 3), `.jsonl` with one result a line, and `.csv` with a block a provider.

Layout: files that promptfoo 0.121.20 wrote; `ResultFailureReason` of its types/index.ts: 0 none, 1 assertion, 2 error.
It counts a failed request (`failureReason` 2; 500s are not retried) among what did not pass: here it is missing.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.imports.imported import Asked, Gathering, Marked, Source, to_mark
from weighbridge.evaluation.imports.reading import digest_of_file, json_lines, text_of
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from weighbridge.evaluation.imports.imported import ImportedRun

__all__ = [
    "PROVIDER",
    "answer_of",
    "csv_fields",
    "failure_of",
    "is_promptfoo_csv",
    "is_promptfoo_row",
    "model_of",
    "read_promptfoo_csv",
    "read_promptfoo_json",
    "read_promptfoo_jsonl",
]

TOOL = "promptfoo"
_PASS, _SCORE = "pass", "score"
_ERROR = 2
_COUNTS = ("testPassCount", "testFailCount", "testErrorCount")
_MAX_CSV = 128 << 20
PROVIDER = re.compile(r"\[(?P<model>[^\]]*)\] (?P<prompt>.*)", re.DOTALL)
_STATES = {"PASS": Marked(1.0), "FAIL": Marked(0.0), "ERROR": Marked(0.0, "request failed", lost=True)}


def is_promptfoo_row(value: Any) -> bool:
    """Say whether a JSON object is one result of promptfoo."""
    return isinstance(value, dict) and "testIdx" in value and "success" in value


def read_promptfoo_json(path: Path, document: dict[str, Any]) -> list[ImportedRun]:
    """Return a run for each provider and prompt of a result file."""
    results, config = document["results"], document.get("config")
    task = text_of(config.get("description")) if isinstance(config, dict) else ""
    metadata = document.get("metadata")
    version = text_of(metadata.get("promptfooVersion")) if isinstance(metadata, dict) else ""
    rows = ((f"result {number}", row) for number, row in enumerate(results["results"], 1))
    return _runs(path, rows, task or "promptfoo", version, _stated(results.get("prompts")))


def read_promptfoo_jsonl(path: Path) -> list[ImportedRun]:
    """Return the same of a file with a result a line, which holds no version and no summary."""
    rows = ((f"line {number}", row) for number, row in json_lines(path))
    return _runs(path, rows, "promptfoo", "", {})


def _runs(
    path: Path, rows: Iterable[tuple[str, Any]], task: str, version: str, stated: dict[str, dict[str, float]]
) -> list[ImportedRun]:
    """Gather results by column: a provider with a prompt."""
    source = Source(path, digest_of_file(path), TOOL, version)
    columns: dict[str, tuple[str, str, Gathering]] = {}
    for place, row in rows:
        if not is_promptfoo_row(row):
            raise damaged(path, f"{place} is no result of promptfoo")
        key = text_of(row.get("promptIdx"))
        if key not in columns:
            columns[key] = (model_of(row), _label(row), Gathering(source, repeats=False))
        columns[key][2].add(place, text_of(row["testIdx"]), _asked(row), answer_of(row), _marks(row))
    labels = {label for _, label, _ in columns.values()}
    return [
        run
        for key, (model, label, gathering) in columns.items()
        for run in gathering.runs(f"{task}: {label}" if len(labels) > 1 else task, model, stated.get(key))
    ]


def _marks(row: dict[str, Any]) -> dict[str, Marked | str]:
    """Return whether it passed, and the score; old files without `failureReason` leave a failed request ungraded."""
    response = row.get("response")
    response = response if isinstance(response, dict) else {}
    cut = "truncated" if text_of(response.get("finishReason")) in {"length", "max_tokens"} else ""
    lost = failure_of(row)
    failed, why = lost is not None, cut if lost is None else f"request failed: {lost}"
    found: dict[str, Marked | str] = {}
    for name, value in ((_PASS, row["success"]), (_SCORE, row.get("score"))):
        mark = to_mark(value)
        found[name] = mark if isinstance(mark, str) else Marked(mark, why, lost=failed)
    return found


def failure_of(row: dict[str, Any]) -> str | None:
    """Return why a request failed, None where it did not: an assertion that does not hold is no failure."""
    response, reason = row.get("response"), row.get("failureReason")
    error = row.get("error") or (response.get("error") if isinstance(response, dict) else None)
    if reason == _ERROR or (reason is None and row.get("error") and not row.get("gradingResult")):
        return text_of(error)
    return None


def _asked(row: dict[str, Any]) -> Asked:
    """Return the question: the prompt as it was sent; what tells it apart are the variables of its test."""
    prompt, test = row.get("prompt"), row.get("testCase")
    raw = text_of(prompt.get("raw")) if isinstance(prompt, dict) else ""
    variables = row.get("vars")
    variables = variables if isinstance(variables, dict) else {}
    asserts = test.get("assert") if isinstance(test, dict) else None
    values = [one.get("value") for one in asserts if isinstance(one, dict)] if isinstance(asserts, list) else []
    texts = tuple(value for value in variables.values() if isinstance(value, str))
    question = texts[0] if len(texts) == 1 else raw
    content = _content({name: text_of(value) for name, value in variables.items()})
    return Asked(question, (), (raw, *texts), content, text_of(values) if values else "")


def _content(variables: dict[str, str]) -> str:
    """Return the variables of a test as one text: the same from JSON and CSV."""
    return "\x1f".join(f"{name}={variables[name]}" for name in sorted(variables))


def answer_of(row: dict[str, Any]) -> str:
    """Return what the provider gave out, as text."""
    response = row.get("response")
    return text_of(response.get("output")) if isinstance(response, dict) else ""


def model_of(row: dict[str, Any]) -> str:
    """Return the provider by its label, else by its id."""
    provider = row.get("provider")
    if isinstance(provider, dict):
        return text_of(provider.get("label") or provider.get("id"))
    return text_of(provider)


def _label(row: dict[str, Any]) -> str:
    prompt = row.get("prompt")
    return text_of(prompt.get("label"))[:80] if isinstance(prompt, dict) else ""


def _stated(prompts: Any) -> dict[str, dict[str, float]]:
    """Return the share passed as promptfoo counts it, errors among the rest, by column."""
    found = {}
    for number, prompt in enumerate(prompts if isinstance(prompts, list) else []):
        metrics = prompt.get("metrics") if isinstance(prompt, dict) else None
        counts: list[Any] = [metrics.get(name) for name in _COUNTS] if isinstance(metrics, dict) else []
        known: list[int] = [count for count in counts if isinstance(count, int) and count >= 0]
        total = sum(known)
        if len(known) == len(_COUNTS) and total:
            found[str(number)] = {_PASS: known[0] / total}
    return found


def is_promptfoo_csv(header: str) -> bool:
    """Say whether a CSV's first line names a provider in brackets before its status."""
    return bool(re.search(r"\[[^\]]+\] ", header)) and ",Status,Score" in header


def read_promptfoo_csv(path: Path) -> list[ImportedRun]:
    """Return a run for each provider; a CSV holds no rendered prompt, so its variables are the question."""
    source, columns = Source(path, digest_of_file(path), TOOL), {}
    header: list[str] = []
    for number, (line, fields) in enumerate(csv_fields(path)):
        if not header:
            header = fields
            columns = {
                at: PROVIDER.fullmatch(name) for at, name in enumerate(header[:-1]) if header[at + 1] == "Status"
            }
            gathered = {at: Gathering(source, repeats=False) for at, found in columns.items() if found}
            first = min(gathered, default=0)
            continue
        if len(fields) != len(header):
            raise damaged(path, f"line {line} has {len(fields)} fields, and there are {len(header)} columns")
        variables = {header[at]: fields[at] for at in range(first) if header[at] not in {"Description", "__expected"}}
        texts = tuple(variables.values())
        asked = Asked(texts[0] if len(texts) == 1 else "", (), texts, _content(variables))
        for at, gathering in gathered.items():
            state = _STATES.get(fields[at + 1])
            if state is None:
                raise damaged(path, f"line {line} has a status that is none of {', '.join(_STATES)}")
            gathering.add(f"line {line}", str(number - 1), asked, fields[at], {_PASS: state})
    if not header or not gathered:
        raise damaged(path, "names no provider")
    return [run for at, one in gathered.items() for run in one.runs("promptfoo", columns[at]["model"])]  # type: ignore[index]


def csv_fields(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of a CSV file."""
    try:
        text = read_small(path, _MAX_CSV).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        yield from ((reader.line_num, fields) for fields in reader if fields)
    except UnicodeDecodeError as error:
        raise damaged(path, f"is not UTF-8 at byte {error.start}") from error
    except csv.Error as error:
        raise damaged(path, f"line {reader.line_num} is no row of a table: {error}") from error
