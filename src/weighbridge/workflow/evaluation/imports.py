"""Runs that other tools have stored: compare two of them, and keep one as outcomes that make comparisons cheaper."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.errors import UsageError, did_you_mean
from weighbridge.evaluation.compare.outcomes import KIND, items_digest
from weighbridge.evaluation.imports import read_results
from weighbridge.evaluation.imports.imported import digest_of_question
from weighbridge.evaluation.imports.paired import compare_pairs
from weighbridge.evaluation.imports.pairs import pair_items
from weighbridge.evaluation.marks import suite_body
from weighbridge.formats.place import quote
from weighbridge.statistics.multiple import holm

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from weighbridge.engine.protocol import Form
    from weighbridge.evaluation.imports import ImportedItem, ImportedRun
    from weighbridge.evaluation.imports.paired import PairedResult, Verdict
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store

__all__ = ["ComparedRuns", "ImportedOutcomes", "compare_runs", "import_outcomes"]

_FORM = "imported"


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """The results task by task, what they say together, and why tasks of only one side are left out.

    `verdict` is noninferior where every task is (intersection-union: no correction), inferior where one is.
    """

    results: tuple[PairedResult, ...]
    missing: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """What all tasks say together."""
        found = {result.verdict for result in self.results}
        if "inferior" in found:
            return "inferior"
        return "noninferior" if found == {"noninferior"} else "undecided"

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "verdict": self.verdict,
            "tasks": [result.to_json() for result in self.results],
            "missing": list(self.missing),
        }


def compare_runs(
    left: Path | str,
    right: Path | str,
    *,
    task: str | None = None,
    metric: str | None = None,
    margin: float = 0.03,
    alpha: float = 0.05,
) -> ComparedRuns:
    """Compare two result files or folders, candidate first; `#name` behind one picks a model in it.

    `margin` is a share. Each task is compared by `metric` ("candidate's=baseline's" where the two call it by other
    names), or by the first metric that both sides have. Raises
    UsageError where nothing can be paired, or ids name different questions; DamagedFile with file and line.
    """
    ours, theirs = (_by_task(_one_model(read_results(str(place)), str(place))) for place in (left, right))
    pairs, missing = _tasks(ours, theirs, task)
    results = []
    for name, mine, others in pairs:
        try:
            results.append(_compare(mine, others, metric, margin, alpha))
        except ValueError as error:
            missing.append(f"{quote(name)} is not compared: {error}")
    if not results:
        raise UsageError("the two hold nothing that can be paired", hint="; ".join(missing[:5]) or None)
    fallen = holm([result.p_value for result in results], alpha)
    kept = (replace(result, differs=differs) for result, differs in zip(results, fallen, strict=True))
    return ComparedRuns(tuple(kept), tuple(missing))


def _one_model(runs: list[ImportedRun], place: str) -> list[ImportedRun]:
    """Refuse several models in one file: which is meant must be said."""
    models = list(dict.fromkeys(run.model for run in runs))
    if len(models) > 1:
        known = ", ".join(quote(model) for model in models[:10])
        raise UsageError(
            f"{quote(place, 4096)} holds runs of {len(models)} models: {known}", hint=f"name one: `{place}#{models[0]}`"
        )
    return runs


def _by_task(runs: Iterable[ImportedRun]) -> dict[str, list[ImportedRun]]:
    found: dict[str, list[ImportedRun]] = {}
    for run in runs:
        found.setdefault(run.task, []).append(run)
    return found


def _tasks(
    ours: dict[str, list[ImportedRun]], theirs: dict[str, list[ImportedRun]], task: str | None
) -> tuple[list[tuple[str, list[ImportedRun], list[ImportedRun]]], list[str]]:
    """Return the tasks of both sides; where each side has one alone, their names need not agree."""
    if task is not None:
        known = [*ours, *theirs]
        if task not in ours or task not in theirs:
            raise UsageError(
                f"there is no task {quote(task)} in both",
                hint=did_you_mean(task, known) or f"there are {', '.join(map(quote, dict.fromkeys(known)))}",
            )
        return [(task, ours[task], theirs[task])], []
    if len(ours) == len(theirs) == 1:
        ((name, mine),), (others,) = ours.items(), theirs.values()
        return [(name, mine, others)], []
    shared = [(name, runs, theirs[name]) for name, runs in ours.items() if name in theirs]
    sides = (("candidate", ours, theirs), ("baseline", theirs, ours))
    return shared, [
        f"{quote(name)} is in the {side}'s results alone" for side, a, b in sides for name in a if name not in b
    ]


def _compare(
    mine: Sequence[ImportedRun], others: Sequence[ImportedRun], metric: str | None, margin: float, alpha: float
) -> PairedResult:
    """Compare one task by one metric."""
    left, right = _metric(mine, others, metric)
    if (left.source.digest, left.model, left.metric) == (right.source.digest, right.model, right.metric):
        raise UsageError("both are the same run", hint="name the run of the model in use today")
    result = compare_pairs(left, right, pair_items(left, right), margin, alpha)
    more = [run.metric for run in mine if run is not left and any(run.metric == one.metric for one in others)]
    if metric is None and more:
        note = f"compared by {quote(left.metric)}; also there, with `--metric`: {', '.join(map(quote, more))}"
        return replace(result, notes=(note, *result.notes))
    return result


def _metric(
    mine: Sequence[ImportedRun], others: Sequence[ImportedRun], metric: str | None
) -> tuple[ImportedRun, ImportedRun]:
    """Return the runs by the metric named, or by the first that both have, or the only one of each."""
    if metric is not None:
        ours, _, theirs = metric.partition("=")
        left, right = (
            [run for run in runs if name in _names(run)] for runs, name in ((mine, ours), (others, theirs or ours))
        )
        if len(left) == len(right) == 1:
            return left[0], right[0]
        known = list(dict.fromkeys(run.metric for run in (*mine, *others)))
        what = "several metrics are" if left and right else "there is no metric"
        raise UsageError(f"{what} called {quote(metric)} in both", hint=f"name one of {', '.join(map(quote, known))}")
    for run in mine:
        twin = next((one for one in others if one.metric == run.metric), None)
        if twin is not None:
            return run, twin
    if len(mine) == len(others) == 1:
        return mine[0], others[0]
    raise UsageError(
        f"the two mark {quote(mine[0].task)} by different metrics: {', '.join(quote(run.metric) for run in mine)} "
        f"beside {', '.join(quote(run.metric) for run in others)}",
        hint=f"join two that mean the same: `--metric '{mine[0].metric}={others[0].metric}'`",
    )


def _names(run: ImportedRun) -> set[str]:
    """Return the names of a metric: lm-eval's also without its filter."""
    return {run.metric, run.metric.partition(",")[0]}


@dataclass(frozen=True, slots=True)
class ImportedOutcomes:
    """An imported run of a suite as `outcomes/v1`, and how much of the suite it covers.

    `matched` counts items of the suite with a row, `marked` those with a mark of right or wrong. `strangers` are rows
    that no question of the suite stands for, `unclear` such that stand for several or twice.
    """

    evidence: Evidence
    run: ImportedRun
    size: int
    matched: int
    marked: int
    strangers: int
    unclear: int


def import_outcomes(
    place: Path | str,
    suite: Suite,
    model: str,
    on: date,
    *,
    store: Store,
    subject: str | None = None,
    task: str | None = None,
    metric: str | None = None,
) -> ImportedOutcomes:
    """Keep a run of a suite that another tool stored: later comparisons learn from it which questions are hard.

    Rows are matched by the text of the question (and its choices where the file has them), or by the whole prompt.
    The subject is the digest of the source file unless the artefact is named. Raises UsageError where nothing matches.
    """
    if subject is not None and re.fullmatch(r"sha256:[0-9a-f]{64}", subject) is None:
        raise UsageError(f"{quote(subject)} is no digest", hint="it is written `sha256:` and 64 hex digits")
    runs = _one_model(read_results(str(place)), str(place))
    by_task = _by_task(runs)
    if task is None and len(by_task) > 1:
        raise UsageError(
            f"{quote(str(place), 4096)} holds {len(by_task)} tasks", hint=f"name one: {', '.join(by_task)}"
        )
    if task is not None and task not in by_task:
        raise UsageError(f"there is no task {quote(task)}", hint=f"there are {', '.join(by_task)}")
    mine = by_task[task] if task is not None else next(iter(by_task.values()))
    run, _ = _metric(mine, mine, metric)
    rows, strangers, unclear = _matched(run, suite)
    if not rows:
        raise UsageError(
            f"no row of {quote(str(place), 4096)} is a question of the suite `{suite.name}`",
            hint="rows are matched by the words of the question: does the file hold them, and is it this suite?",
        )
    marks = "".join(_sign(rows.get(number)) for number in range(len(suite.items)))
    body = {
        "suite": suite_body(suite),
        "form": _FORM,
        "scorer": f"{run.source.tool} {run.source.version} {run.metric}: {model}"[:200],
        "items": items_digest(suite),
        "marks": marks,
    }
    evidence = Evidence(subject or run.source.digest, KIND, body, (run.source.digest,), OURS, on)
    store.add(evidence)
    marked = sum(sign != "-" for sign in marks)
    return ImportedOutcomes(evidence, run, len(suite.items), len(rows), marked, strangers, unclear)


def _sign(item: ImportedItem | None) -> str:
    """Return one character of `outcomes/v1`; shares between right and wrong are not known to be either."""
    return {1.0: "1", 0.0: "0"}.get(item.score, "-") if item is not None and item.score is not None else "-"


def _matched(run: ImportedRun, suite: Suite) -> tuple[dict[int, ImportedItem], int, int]:
    """Return rows by the place of their question in the suite, and how many were strangers or unclear."""
    places = _places(suite)
    found: list[tuple[int, ImportedItem]] = []
    strangers = unclear = 0
    for item in run.items.values():
        hits = [places[digest] for digest in item.questions if digest in places]
        if not hits:
            strangers += 1
        elif sole := next((hit for hit in hits if len(hit) == 1), None):
            found.append((next(iter(sole)), item))
        else:
            unclear += 1
    counts = Counter(number for number, _ in found)
    once = {number: item for number, item in found if counts[number] == 1}
    return once, strangers, unclear + len(found) - len(once)


def _places(suite: Suite) -> dict[str, set[int]]:
    """Return the places of the suite's items by digest: of question, of question and choices, of rendered prompts."""
    found: dict[str, set[int]] = {}
    forms: list[Form] = [form for form in ("chat", "completion") if form in suite.forms]
    for number, item in enumerate(suite.items):
        texts = {digest_of_question(item.question), digest_of_question(item.question, item.choices)}
        for digest in texts | {digest_of_question(suite.prompt(item, form)) for form in forms}:
            found.setdefault(digest, set()).add(number)
    return found
