"""Tell what wrote a result file, by its content, and read it; a folder is read file by file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound, UsageError, did_you_mean
from weighbridge.evaluation.imports.evalscope import is_evalscope, read_evalscope
from weighbridge.evaluation.imports.inspect_ai import is_inspect_log, read_eval, read_inspect_json
from weighbridge.evaluation.imports.lm_eval import is_lm_eval, read_lm_eval
from weighbridge.evaluation.imports.openai_evals import is_openai_evals, read_openai_evals
from weighbridge.evaluation.imports.plain import read_plain
from weighbridge.evaluation.imports.promptfoo import (
    is_promptfoo_csv,
    is_promptfoo_row,
    read_promptfoo_csv,
    read_promptfoo_json,
    read_promptfoo_jsonl,
)
from weighbridge.evaluation.imports.reading import first_object, whole_json
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.place import damaged, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.evaluation.imports.imported import ImportedRun

__all__ = ["is_results", "names_results", "read_results"]

_ENDINGS = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".eval"})
_IN_FOLDERS = ("samples_*.jsonl", "*/samples_*.jsonl", "*.eval", "reviews/*/*.jsonl", "*/reviews/*/*.jsonl")
_MOST_FILES = 2_000
_HEAD = 1 << 16
_SAYS = "read are: samples of lm-eval, logs of Inspect, reviews of EvalScope, results of promptfoo, `id,score` tables"


def is_results(reference: str) -> bool:
    """Say whether what stands for a model is a result file, or a folder of them; `#name` picks a model in it."""
    path, _ = _split(reference)
    if path.is_dir():
        return next(_in_folder(path), None) is not None
    return path.suffix.lower() in _ENDINGS and path.is_file()


def names_results(reference: str) -> bool:
    """Say whether a reference is named like a result file, be it there or not."""
    path, _ = _split(reference)
    return path.suffix.lower() in _ENDINGS and "://" not in reference


def read_results(reference: str) -> list[ImportedRun]:
    """Return all runs of a result file or folder; with `#name` behind it those of one model.

    Raises NotFound, UsageError where a folder holds two runs of one task, DamagedFile with file and line.
    """
    path, model = _split(reference)
    if not path.exists():
        raise NotFound(f"there is no file {quote(str(path), 4096)}")
    files = list(_in_folder(path)) if path.is_dir() else [path]
    if not files:
        raise NotFound(f"{quote(str(path), 4096)} holds no results of a known tool", hint=_SAYS)
    runs = [run for file in files for run in _read(file)]
    if model:
        models = sorted({run.model for run in runs})
        runs = [run for run in runs if run.model == model]
        if not runs:
            known = ", ".join(quote(name) for name in models[:10])
            raise UsageError(
                f"{quote(str(path), 4096)} holds no run of {quote(model)}",
                hint=did_you_mean(model, models) or f"it holds {known}",
            )
    _refuse_twins(runs, path)
    return runs


def _split(reference: str) -> tuple[Path, str]:
    """Part a path from the name of a model behind `#`; a file whose own name has one is that file."""
    if "#" not in reference or Path(reference).exists():
        return Path(reference), ""
    path, _, model = reference.partition("#")
    return Path(path), model


def _in_folder(folder: Path) -> Iterator[Path]:
    """Yield the result files of a folder, at most a bounded number, in the order of their names."""
    found = 0
    for pattern in _IN_FOLDERS:
        for path in sorted(folder.glob(pattern)):
            found += 1
            if found > _MOST_FILES:
                raise UsageError(f"{quote(str(folder), 4096)} holds more than {_MOST_FILES:,} result files")
            yield path


def _refuse_twins(runs: list[ImportedRun], path: Path) -> None:
    """Refuse a folder with two runs of one task: which of them counts is not for us to say."""
    seen: dict[tuple[str, str, str], ImportedRun] = {}
    for run in runs:
        twin = seen.setdefault((run.task, run.model, run.metric), run)
        if twin is not run:
            names = " and ".join(quote(one.source.path.name) for one in (twin, run))
            raise UsageError(
                f"{quote(str(path), 4096)} holds two runs of {quote(run.task)}: {names}",
                hint="name one of the two files",
            )


def _read(path: Path) -> list[ImportedRun]:
    """Read one file by what it holds."""
    with BoundedFile(path) as file:
        head = file.read(0, _HEAD)
    if not head.strip():
        raise damaged(path, "is empty", hint=_SAYS)
    if head.startswith(b"PK\x03\x04") or path.suffix.lower() == ".eval":
        return read_eval(path)
    ending = path.suffix.lower()
    if ending in {".csv", ".tsv"}:
        header = head.partition(b"\n")[0].decode("utf-8", "replace")
        return read_promptfoo_csv(path) if is_promptfoo_csv(header) else read_plain(path)
    return _of_document(path) if ending == ".json" else _of_lines(path)


def _of_lines(path: Path) -> list[ImportedRun]:
    """Read a JSONL file by its first row."""
    row = first_object(path)
    if is_lm_eval(row):
        return read_lm_eval(path)
    if is_evalscope(row):
        return read_evalscope(path)
    if is_promptfoo_row(row):
        return read_promptfoo_jsonl(path)
    if is_openai_evals(row):
        return read_openai_evals(path)
    if "model_output" in row:
        raise damaged(path, "holds predictions of EvalScope without marks", hint="give the file under `reviews/`")
    return read_plain(path)


def _of_document(path: Path) -> list[ImportedRun]:
    """Read a JSON file by its keys."""
    value = whole_json(path)
    if is_inspect_log(value):
        return read_inspect_json(path, value)
    results = value.get("results") if isinstance(value, dict) else None
    if isinstance(results, dict) and isinstance(results.get("results"), list):
        return read_promptfoo_json(path, value)
    if isinstance(results, dict) and ("lm_eval_version" in value or "n-shot" in value):
        hint = "give the `samples_*.jsonl` beside it; lm-eval writes them with `--log_samples`"
        raise damaged(path, "is the summary of lm-eval, which holds no items", hint=hint)
    return read_plain(path)
