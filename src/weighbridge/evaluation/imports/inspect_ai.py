"""Inspect AI: `.eval` (a ZIP of `header.json` and `samples/<id>_epoch_<n>.json`) and `.json` logs.

Layout: inspect_ai/log/_log.py (`EvalLog`, `EvalSample`), seen in files of 0.3.285, whose members are Zstandard frames
(ZIP method 93): reading those takes the extra `zstd`. Marks follow `value_to_float` of scorer/_metric.py. Samples that
ended in an error have no scores and count in no metric of Inspect's; here they are missing.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.errors import ExtraMissing
from weighbridge.evaluation.imports.imported import Asked, Gathering, Marked, Source, to_mark
from weighbridge.evaluation.imports.reading import digest_of_file, json_value, message_text, text_of
from weighbridge.formats.archives.packed import Allowance, Unpacked
from weighbridge.formats.archives.zip import read_zip
from weighbridge.formats.archives.zstd import zstd_method
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.place import damaged, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from weighbridge.evaluation.imports.imported import ImportedRun
    from weighbridge.formats.archives.member import Member

__all__ = ["answer_of", "is_inspect_log", "open_eval", "read_eval", "read_inspect_json", "samples_of"]

TOOL = "inspect"
_MAX_MEMBER = 32 << 20
_MAX_TOTAL = 2 << 30
_MAX_RATIO = 500  # of all that is unpacked to the file; real logs stay below 20, and checksums read everything twice
_CUT = {"max_tokens": "truncated", "model_length": "truncated", "content_filter": "content filter"}
_GROUP = ("cluster", "group", "passage_id", "passage", "article", "story")


def is_inspect_log(value: Any) -> bool:
    """Say whether a JSON document is a log of Inspect."""
    return isinstance(value, dict) and isinstance(value.get("eval"), dict) and "task" in value["eval"]


def read_inspect_json(path: Path, log: dict[str, Any]) -> list[ImportedRun]:
    """Return the runs of a `.json` log, one for each scorer and metric value."""
    return _runs(path, log, samples_of(path, log))


def samples_of(path: Path, log: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (place, sample) of a `.json` log."""
    samples = log.get("samples")
    if not isinstance(samples, list):
        raise damaged(path, "holds no samples", hint="run Inspect without `--no-log-samples`")
    yield from ((f"sample {number}", sample) for number, sample in enumerate(samples, 1))


def read_eval(path: Path) -> list[ImportedRun]:
    """Return the runs of an `.eval` log."""
    with open_eval(path) as (header, samples):
        return _runs(path, header, samples)


@contextmanager
def open_eval(path: Path) -> Iterator[tuple[dict[str, Any], Iterator[tuple[str, Any]]]]:
    """Open an `.eval` log: its header, and (place, sample) one by one.

    Names of members are never paths here: nothing is written. Raises ExtraMissing for Zstandard without its package.
    """
    with BoundedFile(path) as file:
        allowance = Allowance(min(_MAX_TOTAL, (1 << 20) + _MAX_RATIO * file.size))
        archive = read_zip(file, allowance)
        try:
            if archive.broken:
                raise damaged(path, archive.broken[0], hint="a run that has not ended? close it with `inspect log`")
            members = {member.name: member for member in archive.members}  # of two with one name Inspect takes the last
            if "header.json" not in members:
                raise damaged(path, "has no `header.json`: it is no log of Inspect, or of a run that never ended")
            header = _value(path, members.pop("header.json"), allowance)
            if not is_inspect_log(header):
                raise damaged(path, "has a `header.json` that describes no run of Inspect")
            samples = (
                (quote(name), _value(path, member, allowance))
                for name, member in members.items()
                if name.startswith("samples/") and name.endswith(".json")
            )
            yield header, samples
        finally:
            archive.close()


def _value(path: Path, member: Member, allowance: Allowance) -> Any:
    """Unpack one member and read its JSON."""
    if member.source is None:
        if "(93)" in member.why and zstd_method() is None:
            raise ExtraMissing(
                f"{quote(str(path), 4096)} is compressed with Zstandard, as Inspect writes logs today",
                hint="install `weighbridge[zstd]`, or convert it: `inspect log convert --to json`",
            )
        raise damaged(path, f"holds {quote(member.name)}, which {member.why}")
    data = member.source.read(0, _MAX_MEMBER + 1)
    if isinstance(member.source, Unpacked):
        trouble, is_cut = member.source.trouble, member.source.is_cut
        member.source.close()
        if is_cut or allowance.left <= 0:
            raise damaged(path, f"unfolds into more than {_MAX_RATIO} times its size, or {_MAX_TOTAL >> 30} GiB")
        if trouble:
            raise damaged(path, f"holds {quote(member.name)}: {trouble}")
    if len(data) > _MAX_MEMBER:
        raise damaged(path, f"holds {quote(member.name)} of more than {_MAX_MEMBER >> 20} MiB")
    return json_value(data, f"{path}:{member.name}")


def _runs(path: Path, log: dict[str, Any], samples: Iterable[tuple[str, Any]]) -> list[ImportedRun]:
    """Read all samples and return a run for each score."""
    spec = log["eval"]
    packages = spec.get("packages")
    version = text_of(packages.get("inspect_ai")) if isinstance(packages, dict) else ""
    gathering = Gathering(Source(path, digest_of_file(path), TOOL, version), repeats=True)
    scorers = [row["name"] for row in _dicts(spec.get("scorers")) if isinstance(row.get("name"), str)]
    rows = [_row(path, place, sample) for place, sample in samples]
    names = dict.fromkeys(name for row in rows for name in row.marks) or dict.fromkeys(scorers)
    for row in rows:
        absent = Marked(None, row.why or "not scored")
        gathering.add(row.place, row.id, row.asked, row.text, {name: row.marks.get(name, absent) for name in names})
    if text_of(log.get("status")) not in {"success", ""}:
        gathering.notes.append(f"the run ended as {quote(text_of(log.get('status')))}, not whole")
    settings = {"task version": text_of(spec.get("task_version"))}
    return list(gathering.runs(text_of(spec.get("task")), text_of(spec.get("model")), _stated(log), settings))


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    id: str
    asked: Asked
    text: str
    marks: dict[str, Marked | str]
    why: str


def _row(path: Path, place: str, sample: Any) -> _Row:
    """Read one sample: events, messages between and tracebacks are left alone."""
    if not isinstance(sample, dict) or "id" not in sample:
        raise damaged(path, f"{place} is no sample")
    attached = sample.get("attachments")
    attached = attached if isinstance(attached, dict) else {}
    choices, metadata, output = sample.get("choices"), sample.get("metadata"), sample.get("output")
    metadata = metadata if isinstance(metadata, dict) else {}
    asked = Asked(
        message_text(sample.get("input"), "user", attached),
        tuple(map(text_of, choices)) if isinstance(choices, list) else (),
        expected=text_of(sample.get("target")),
        group=next((text_of(metadata[name]) for name in _GROUP if metadata.get(name)), ""),
    )
    why = _why(sample, output)
    scores = sample.get("scores")
    marks = dict(_marks(scores, why)) if isinstance(scores, dict) else {}
    return _Row(place, text_of(sample["id"]), asked, answer_of(output, attached), marks, why)


def _why(sample: dict[str, Any], output: Any) -> str:
    """Return why a mark of this sample may not count, "" where nothing speaks against it."""
    error = sample.get("error")
    if error:
        return f"error: {text_of(error.get('message') if isinstance(error, dict) else error)}"
    limit = sample.get("limit")
    if isinstance(limit, dict):
        return f"limit reached: {text_of(limit.get('type'))}"
    choices = _dicts(output.get("choices") if isinstance(output, dict) else None)
    return _CUT.get(text_of(choices[0].get("stop_reason")), "") if choices else ""


def _marks(scores: dict[str, Any], why: str) -> Iterator[tuple[str, Marked | str]]:
    """Yield the marks of a sample by scorer, of a scorer of several values by `<scorer>.<name>`."""
    for scorer, score in scores.items():
        value = score.get("value") if isinstance(score, dict) else score
        values = value.items() if isinstance(value, dict) else [("", value)]
        for name, one in values:
            mark = to_mark(one)
            yield f"{scorer}.{name}" if name else scorer, mark if isinstance(mark, str) else Marked(mark, why)


def answer_of(output: Any, attached: dict[str, Any]) -> str:
    """Return what the model said last."""
    if not isinstance(output, dict):
        return ""
    if isinstance(output.get("completion"), str):
        return message_text(output["completion"], "assistant", attached)
    choices = _dicts(output.get("choices"))
    return message_text([choices[0].get("message")], "assistant", attached) if choices else ""


def _stated(log: dict[str, Any]) -> dict[str, float]:
    """Return the means that Inspect wrote down, by scorer."""
    results = log.get("results")
    found: dict[str, float] = {}
    for score in _dicts(results.get("scores") if isinstance(results, dict) else None):
        metrics = score.get("metrics")
        for name in ("accuracy", "mean"):
            metric = metrics.get(name) if isinstance(metrics, dict) else None
            if isinstance(metric, dict) and isinstance(metric.get("value"), int | float):
                found.setdefault(text_of(score.get("name")), float(metric["value"]))
    return found


def _dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, [] for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
