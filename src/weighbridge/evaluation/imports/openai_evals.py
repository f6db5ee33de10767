"""OpenAI Evals: the JSONL that `oaieval` records: a `spec`, events by sample, a `final_report`.

Layout: openai/evals evals/record.py (`LocalRecorder`, `Event`), commit 00414586. A `match` event holds the mark; other
evals record `metrics` by sample. A sample with no mark at all, or with an `error` event alone, is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.imports.imported import Asked, Gathering, Marked, Source, to_mark
from weighbridge.evaluation.imports.reading import digest_of_file, json_lines, message_text, text_of
from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.imports.imported import ImportedRun

__all__ = ["is_openai_evals", "read_openai_evals"]

TOOL = "openai-evals"


@dataclass(slots=True)
class _Sample:
    """What the events of one sample say."""

    asked: Asked = field(default_factory=Asked)
    text: str = ""
    marks: list[tuple[str, dict[str, Marked | str]]] = field(default_factory=list)
    why: str = ""


def is_openai_evals(row: dict[str, Any]) -> bool:
    """Say whether a first row is the specification of a run, or an event of one."""
    return isinstance(row.get("spec"), dict) or {"run_id", "event_id", "type", "data"} <= row.keys()


def read_openai_evals(path: Path) -> list[ImportedRun]:
    """Return the run of a log: `match`, or each metric that is recorded by sample."""
    spec: dict[str, Any] = {}
    stated: dict[str, float] = {}
    samples: dict[str, _Sample] = {}
    for number, row in json_lines(path):
        report = row.get("final_report")
        if isinstance(row.get("spec"), dict):
            spec = row["spec"]
        elif isinstance(report, dict):
            stated = {"match": float(report["accuracy"])} if isinstance(report.get("accuracy"), int | float) else {}
        elif isinstance(row.get("data"), dict) and "type" in row:
            _hear(
                samples.setdefault(text_of(row.get("sample_id")), _Sample()), f"line {number}", row["type"], row["data"]
            )
        elif "type" not in row:
            raise damaged(path, f"line {number} is no event")
    gathering = Gathering(Source(path, digest_of_file(path), TOOL), repeats=True)
    names = dict.fromkeys(name for one in samples.values() for _, marks in one.marks for name in marks)
    for name, one in samples.items():
        absent: dict[str, Marked | str] = {metric: Marked(None, one.why or "not scored") for metric in names}
        for place, marks in one.marks or (("", absent),):
            gathering.add(place, name, one.asked, one.text, marks)
    model = text_of(spec.get("completion_fns") or spec.get("model_name"))
    return list(gathering.runs(text_of(spec.get("base_eval") or spec.get("eval_name")) or path.stem, model, stated))


def _hear(sample: _Sample, place: str, kind: Any, data: dict[str, Any]) -> None:
    """Take in one event."""
    if kind == "sampling":
        sample.asked = Asked(message_text(data.get("prompt")), expected=sample.asked.expected)
        sample.text = text_of(data.get("sampled"))
    elif kind == "match":
        if data.get("expected") is not None:
            asked = sample.asked
            sample.asked = Asked(asked.question, expected=text_of(data["expected"]))
        sample.marks.append((place, {"match": _mark(data.get("correct"))}))
    elif kind == "metrics":
        sample.marks.append((place, {text_of(name): _mark(value) for name, value in data.items()}))
    elif kind == "error":
        sample.why = f"error: {text_of(data.get('message') or data.get('type'))}"


def _mark(value: Any) -> Marked | str:
    mark = to_mark(value)
    return mark if isinstance(mark, str) else Marked(mark)
