"""Your own table: CSV, TSV, JSON or JSONL with an id and a score a row, and what else its columns tell by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.imports.imported import Asked, Gathering, Marked, Source, to_mark
from weighbridge.evaluation.imports.reading import digest_of_file, text_of
from weighbridge.formats.place import damaged, quote

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.imports.imported import ImportedRun

__all__ = ["read_plain"]

TOOL = "table"
_NAMES = {
    "id": ("id", "item", "item_id", "question_id", "sample_id", "doc_id", "index"),
    "score": ("score", "mark", "correct", "is_correct", "passed", "pass", "acc", "accuracy", "exact_match"),
    "question": ("question", "prompt", "input", "query"),
    "expected": ("expected", "target", "reference", "gold", "answer"),
    "text": ("response", "output", "prediction", "said", "completion", "text"),
    "group": ("cluster", "group", "passage_id", "article"),
    "reason": ("error", "reason"),
    "task": ("task", "suite", "dataset"),
    "model": ("model", "model_name"),
}


def read_plain(path: Path) -> list[ImportedRun]:
    """Return a run for each task and model of a table.

    A score is 1 or 0, a share, true or false, right or wrong, pass or fail; empty is missing. Raises SuiteError and
    DamagedFile with file and line.
    """
    source = Source(path, digest_of_file(path), TOOL)
    gathered: dict[tuple[str, str], Gathering] = {}
    for row in read_rows(path, Dialect()):
        found = _cells(row.cells)
        if "id" not in found or "score" not in found:
            columns = ", ".join(quote(name, 40) for name in list(row.cells)[:12])
            hint = f"columns that are read: `id`, `score`, and if there {', '.join(list(_NAMES)[2:])}"
            raise damaged(path, f"line {row.number} has no `id` or no `score` among {columns}", hint=hint)
        mark = to_mark(found["score"])
        if isinstance(mark, str):
            raise damaged(path, f"line {row.number}: the score {mark}", hint="write 1, 0, a share between, or nothing")
        group = text_of(found.get("group"))
        asked = Asked(text_of(found.get("question")), expected=text_of(found.get("expected")), group=group)
        key = (text_of(found.get("task")) or path.stem, text_of(found.get("model")) or path.stem)
        gathering = gathered.setdefault(key, Gathering(source, repeats=False))
        reason = text_of(found.get("reason")) if mark is None else ""
        marks = {"score": Marked(mark, reason)}
        gathering.add(f"line {row.number}", text_of(found["id"]), asked, text_of(found.get("text")), marks)
    if not gathered:
        raise damaged(path, "holds no rows")
    return [run for (task, model), one in gathered.items() for run in one.runs(task, model)]


def _cells(cells: dict[str, Any]) -> dict[str, Any]:
    """Return the cells by what their columns mean: the first name of each list that the row has."""
    lower = {name.strip().lower(): value for name, value in cells.items()}
    return {
        what: lower[name]
        for what, names in _NAMES.items()
        if (name := next((n for n in names if n in lower), "")) != ""
    }
