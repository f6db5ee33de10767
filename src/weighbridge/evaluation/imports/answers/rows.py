"""Tell what wrote a file of answers, by its content, and read it row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import UsageError, did_you_mean
from weighbridge.evaluation.datasets.cell import said
from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.imports.answers.chats import chat_rows
from weighbridge.evaluation.imports.answers.logs import (
    evalscope_rows,
    inspect_rows,
    lm_eval_rows,
    promptfoo_csv_rows,
    promptfoo_rows,
)
from weighbridge.evaluation.imports.evalscope import is_evalscope
from weighbridge.evaluation.imports.inspect_ai import is_inspect_log
from weighbridge.evaluation.imports.lm_eval import is_lm_eval
from weighbridge.evaluation.imports.promptfoo import is_promptfoo_csv, is_promptfoo_row
from weighbridge.evaluation.imports.reading import first_object, whole_json
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.place import damaged, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from weighbridge.evaluation.datasets.table import Row

__all__ = ["of_model", "read_rows_of_any"]

_HEAD = 1 << 16
_ZIP = b"PK\x03\x04"
_MOST_MODELS = 20
_UNNAMED = ""


def read_rows_of_any(path: Path) -> Iterator[Row]:
    """Yield the answers of a file of lm-eval, Inspect, promptfoo or EvalScope, of logs of chats, or of a table.

    The cells of a tool's rows are id, prompt, answer, finish_reason, error and model, and language, class, topic,
    about, form and reasoning where they are known; those of a table are its columns in lower case. Raises DamagedFile
    and SuiteError with file and line, ExtraMissing for Zstandard or Parquet without its package.
    """
    with BoundedFile(path) as file:
        head = file.read(0, _HEAD)
    kind = path.suffix.lower()
    if kind == ".eval" or head.startswith(_ZIP):
        return inspect_rows(path)
    found: Iterator[Row] | None = None
    if kind in {".jsonl", ".ndjson"}:
        found = _of_lines(path)
    elif kind == ".json":
        found = _of_document(path)
    elif kind in {".csv", ".tsv"} and is_promptfoo_csv(head.partition(b"\n")[0].decode("utf-8", "replace")):
        found = promptfoo_csv_rows(path)
    return (
        found
        if found is not None
        else (one for row in read_rows(path, Dialect(of_models=True)) for one in chat_rows(row))
    )


def _of_lines(path: Path) -> Iterator[Row] | None:
    """Read a JSONL file of a tool, told by its first row; None for any other."""
    row = first_object(path)
    if is_lm_eval(row):
        return lm_eval_rows(path)
    if is_evalscope(row) or isinstance(row.get("model_output"), dict):
        return evalscope_rows(path)
    return promptfoo_rows(path) if is_promptfoo_row(row) else None


def _of_document(path: Path) -> Iterator[Row] | None:
    """Read a JSON file of a tool, told by its keys; None for any other."""
    value = whole_json(path)
    results = value.get("results") if isinstance(value, dict) else None
    if is_inspect_log(value):
        return inspect_rows(path, value)
    if isinstance(results, dict) and isinstance(results.get("results"), list):
        return promptfoo_rows(path, value)
    if isinstance(results, dict) and ("lm_eval_version" in value or "n-shot" in value):
        hint = "give the `samples_*.jsonl` beside it; lm-eval writes them with `--log_samples`"
        raise damaged(path, "is the summary of lm-eval, which holds no answers", hint=hint)
    return None


def of_model(rows: Iterable[Row], wanted: str | None, where: str) -> Iterator[Row]:
    """Yield the rows of one model; without a name all of them, if they are of one.

    Raises UsageError where they are of several and none is named, or none is of the one named.
    """
    models: dict[str, None] = {}
    kept = 0
    for row in rows:
        name = said(row.cells.get("model", row.cells.get("model_name"))).strip() or _UNNAMED
        if len(models) <= _MOST_MODELS:
            models[name] = None
        if wanted is None and len(models) > 1:
            continue  # the names of the others are still wanted
        if wanted is None or name == wanted:
            kept += 1
            yield row
    known = ", ".join(quote(name) if name else "(no name)" for name in list(models)[:_MOST_MODELS])
    if wanted is None and len(models) > 1:
        raise UsageError(f"{where} holds answers of several models", hint=f"name one with `--model`: {known}")
    if wanted is not None and not kept:
        hint = did_you_mean(wanted, list(models)) or f"it holds {known}"
        raise UsageError(f"{where} holds no answer of {quote(wanted)}", hint=hint)
