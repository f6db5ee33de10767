"""EvalScope: `reviews/<model>/<dataset>_<subset>.jsonl`, with `predictions/<model>/` of the same name beside it.

Layout: evalscope/api/evaluator/cache.py (`ReviewResult`, `ModelResult`) and api/metric/scorer.py (`Score`,
`SampleScore`), 1.14.1. Rows stand in the order in which answers came; `group_id` joins several answers to a question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.imports.imported import Asked, Gathering, Marked, Source, to_mark
from weighbridge.evaluation.imports.reading import digest_of_file, json_lines, message_text, text_of
from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.imports.imported import ImportedRun

__all__ = ["ends_beside", "is_evalscope", "read_evalscope"]

TOOL = "evalscope"
_CUT = {
    "max_tokens": "truncated",
    "model_length": "truncated",
    "length": "truncated",
    "content_filter": "content filter",
}


def is_evalscope(row: dict[str, Any]) -> bool:
    """Say whether a first row is a review."""
    return isinstance(row.get("sample_score"), dict)


def read_evalscope(path: Path) -> list[ImportedRun]:
    """Return a run for each value that the reviews hold; without predictions beside them nothing tells cut answers."""
    gathering = Gathering(Source(path, digest_of_file(path), TOOL), repeats=True)
    ends = ends_beside(path)
    if ends is None:
        gathering.notes.append("the predictions do not lie beside the reviews: cut answers stand as they were marked")
    for number, row in json_lines(path):
        review = row.get("sample_score")
        score = review.get("score") if isinstance(review, dict) else None
        if not isinstance(review, dict) or not isinstance(score, dict):
            raise damaged(path, f"line {number} is no review")
        index = text_of(row.get("index"))
        item = review.get("group_id") if review.get("group_id") is not None else row.get("index")
        why = (ends or {}).get(index, "")
        marks = _marks(score, why)
        asked = Asked(message_text(row.get("messages") or row.get("input")), expected=text_of(row.get("target")))
        gathering.add(f"line {number}", text_of(item), asked, text_of(score.get("prediction")), marks)
    return list(gathering.runs(path.stem, path.absolute().parent.name))


def _marks(score: dict[str, Any], why: str) -> dict[str, Marked | str]:
    """Return the marks of a review, the main one first; a score that EvalScope calls unusable is none."""
    values = score.get("value")
    values = values if isinstance(values, dict) else {"score": values}
    main = score.get("main_score_name")
    unusable = text_of(score.get("status")) not in {"success", ""}
    found: dict[str, Marked | str] = {}
    for name in sorted(values, key=lambda name: name != main):
        mark = to_mark(values[name])
        if isinstance(mark, str):
            found[name] = mark
        elif unusable:
            found[name] = Marked(None, f"scoring: {text_of(score['status'])}", lost=True)
        else:
            found[name] = Marked(mark, why)
    return found


def ends_beside(reviews: Path) -> dict[str, str] | None:
    """Return why answers may not count, by index; None where no predictions lie beside the reviews."""
    folder = reviews.absolute().parent
    path = folder.parent.parent / "predictions" / folder.name / reviews.name
    if not path.is_file():
        return None
    found = {}
    for _, row in json_lines(path):
        output = row.get("model_output")
        output = output if isinstance(output, dict) else {}
        choices = output.get("choices")
        first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        why = (
            f"error: {text_of(output['error'])}" if output.get("error") else _CUT.get(text_of(first.get("stop_reason")))
        )
        if why:
            found[text_of(row.get("index"))] = why
    return found
