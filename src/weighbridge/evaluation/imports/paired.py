"""What two stored runs of one task say together: difference, tests, verdict at a margin, flips, and what stays open."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.statistics.clustered import difference_estimate
from weighbridge.statistics.paired import mcnemar_exact, paired_difference
from weighbridge.statistics.power import minimum_detectable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.imports.imported import ImportedItem, ImportedRun
    from weighbridge.evaluation.imports.pairs import Pairs

__all__ = ["PairedResult", "Verdict", "compare_pairs"]

Verdict = Literal["noninferior", "inferior", "undecided"]
_WITHIN = (-1.0, 1.0)
_CLOSE = 5e-4  # of a summary's mean: tools round to three or four digits
_FEWEST_GROUPS = 2


@dataclass(frozen=True, slots=True)
class PairedResult:
    """Candidate (left) beside baseline (right) on the questions of one task that both runs hold a mark for.

    `difference` is the mean of left - right, a share, with a 95% interval for questions like these: Newcombe's of
    right and wrong marks, Miller's of other scores; `clustered` respects groups. `worst` and `best` are what the
    difference would be if every mark that one side lacks went against the candidate, or for it. `cells` are both,
    left only, right only, neither; None for scores between. `p_value` is two-sided: exact McNemar, of scores between
    the sign test. `verdict` holds at `margin` with an error of `alpha`, one-sided, missing marks counted against it.
    `differs` is Holm's answer over all tasks.
    """

    task: str
    left: ImportedRun
    right: ImportedRun
    pairs: Pairs
    margin: float
    alpha: float
    n: int
    unmarked: int
    difference: Estimate | None
    clustered: Estimate | None
    groups: int
    observed: float | None
    worst: float | None
    best: float | None
    cells: tuple[int, int, int, int] | None
    p_value: float
    verdict: Verdict
    detectable: float | None
    flips: tuple[tuple[ImportedItem, ImportedItem], ...]
    notes: tuple[str, ...] = field(default=())
    differs: bool = False

    @property
    def unpaired_share(self) -> float:
        """The share of all questions of the two runs that no pair of marks stands for."""
        total = len(self.pairs.pairs) + len(self.pairs.left_only) + len(self.pairs.right_only)
        return 1 - self.n / total if total else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "task": self.task,
            "candidate": _run_json(self.left),
            "baseline": _run_json(self.right),
            "paired_by": self.pairs.by,
            "n": self.n,
            "unmarked": self.unmarked,
            "candidate_only": len(self.pairs.left_only),
            "baseline_only": len(self.pairs.right_only),
            "unpaired_share": self.unpaired_share,
            "difference": self.difference.to_json() if self.difference else None,
            "clustered": {**self.clustered.to_json(), "groups": self.groups} if self.clustered else None,
            "observed": self.observed,
            "bounds": {"worst": self.worst, "best": self.best},
            "cells": dict(zip(("both", "candidate", "baseline", "neither"), self.cells, strict=True))
            if self.cells
            else None,
            "p_value": self.p_value,
            "differs_after_holm": self.differs,
            "margin": self.margin,
            "alpha": self.alpha,
            "verdict": self.verdict,
            "detectable": self.detectable,
            "flips": [_flip_json(*flip) for flip in self.flips],
            "notes": list(self.notes),
        }


def compare_pairs(left: ImportedRun, right: ImportedRun, pairs: Pairs, margin: float, alpha: float) -> PairedResult:
    """Compare two runs of one task, all of whose items were asked: nothing here stopped early or was looked at twice.

    Flips are losses first. Raises ValueError where no question has a mark in both.
    """
    marked = [(a, b) for a, b in pairs.pairs if a.score is not None and b.score is not None]
    if not marked:
        raise ValueError("no question has a mark in both files")
    ours, theirs = _scores(marked, 0.0, 0.0)
    groups = [a.group or b.group for a, b in marked]
    n_groups = len(set(groups))
    clusters = groups if all(groups) and _FEWEST_GROUPS <= n_groups < len(marked) else None
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    cells = _cells(ours, theirs)
    worst, best = _scores(pairs.pairs, 0.0, 1.0), _scores(pairs.pairs, 1.0, 0.0)
    flips = sorted(
        (pair for pair, d in zip(marked, differences, strict=True) if d),
        key=lambda p: (p[0].score or 0) > (p[1].score or 0),
    )
    # plus four (Agresti and Coull 1998): pairs that never differ do not show that none would
    spread = (math.fsum(d * d for d in differences) + 2) / (len(differences) + 4)
    return PairedResult(
        left.task,
        left,
        right,
        pairs,
        margin,
        alpha,
        len(marked),
        len(pairs.pairs) - len(marked),
        _estimate(ours, theirs),
        difference_estimate(ours, theirs, clusters, within=_WITHIN) if clusters else None,
        n_groups if clusters else 0,
        math.fsum(differences) / len(differences),
        _mean(worst),
        _mean(best),
        cells,
        mcnemar_exact(sum(d > 0 for d in differences), sum(d < 0 for d in differences)),
        _verdict((ours, theirs, clusters), worst, best, margin, alpha),
        minimum_detectable(len(marked), spread, margin=margin, alpha=alpha),
        tuple(flips),
        tuple(_notes(left, right, pairs, len(marked), clustered=clusters is not None)),
    )


def _scores(
    pairs: Sequence[tuple[ImportedItem, ImportedItem]], ours: float, theirs: float
) -> tuple[list[float], list[float]]:
    """Return both sides' scores, with a number for each mark that is missing."""
    return (
        [ours if a.score is None else a.score for a, _ in pairs],
        [theirs if b.score is None else b.score for _, b in pairs],
    )


def _mean(sides: tuple[list[float], list[float]]) -> float:
    return (math.fsum(sides[0]) - math.fsum(sides[1])) / len(sides[0])


def _cells(ours: list[float], theirs: list[float]) -> tuple[int, int, int, int] | None:
    """Return the fourfold table (both, left only, right only, neither), None for scores between 0 and 1."""
    if not {*ours, *theirs} <= {0.0, 1.0}:
        return None
    counts = Counter(zip(ours, theirs, strict=True))
    return counts[1.0, 1.0], counts[1.0, 0.0], counts[0.0, 1.0], counts[0.0, 0.0]


def _estimate(ours: list[float], theirs: list[float], level: float = 0.95) -> Estimate | None:
    """Return the paired difference with its interval; None for scores between that never differ."""
    cells = _cells(ours, theirs)
    if cells is not None:
        return paired_difference(*cells, level=level)
    return difference_estimate(ours, theirs, within=_WITHIN, level=level)


def _verdict(
    sides: tuple[list[float], list[float], list[str] | None],
    worst: tuple[list[float], list[float]],
    best: tuple[list[float], list[float]],
    margin: float,
    alpha: float,
) -> Verdict:
    """Say what holds at the margin, by one-sided bounds, whatever became of the marks that are missing."""
    ours, theirs, clusters = sides
    level = 1 - 2 * alpha
    low, high = _estimate(*worst, level=level), _estimate(*best, level=level)
    wide = difference_estimate(ours, theirs, clusters, within=_WITHIN, level=level) if clusters else None
    if low is None or high is None or (clusters and wide is None):
        return "undecided"
    if min(low.low, wide.low if wide else low.low) > -margin:
        return "noninferior"
    return "inferior" if max(high.high, wide.high if wide else high.high) <= -margin else "undecided"


def _notes(left: ImportedRun, right: ImportedRun, pairs: Pairs, n: int, *, clustered: bool) -> list[str]:
    """Return what limits the comparison, and what it cannot say."""
    marks = " and ".join(dict.fromkeys(f"{run.source.tool} ({run.metric})" for run in (left, right)))
    notes = [f"the marks are those of {marks}: nothing was marked again here", *_unlike(left, right)]
    if pairs.unchecked:
        notes.append(f"{pairs.unchecked} questions are not in the files: those pairs rest on the ids alone")
    if other := _relabelled(left, right, pairs):
        notes.append(f"{other} questions have another expected answer in the other file")
    if pairs.left_only or pairs.right_only:
        counts = f"{len(pairs.left_only)} only in the candidate's, {len(pairs.right_only)} only in the baseline's"
        notes.append(f"questions that one file alone holds say nothing here: {counts}")
    if n < len(pairs.pairs):
        notes.append(f"{len(pairs.pairs) - n} questions lack a mark: they count against either verdict")
    for side, run in (("candidate", left), ("baseline", right)):
        notes.extend(f"{side}: {note}" for note in run.notes)
        if run.stated is not None and run.as_marked is not None and abs(run.stated - run.as_marked) > _CLOSE:
            notes.append(f"{side}: the tool's own summary says {run.stated:.4f}, its items {run.as_marked:.4f}")
    groups = "" if clustered else "; none of them are known to belong together"
    return [*notes, f"one run each: the intervals are for questions like these, not for other draws of answers{groups}"]


def _unlike(left: ImportedRun, right: ImportedRun) -> list[str]:
    """Say where the two runs were not made alike."""
    if (left.source.tool, left.metric) != (right.source.tool, right.metric):
        return ["the two were marked by different scorers: a difference may be theirs, not the models'"]
    found = []
    if left.source.version and right.source.version and left.source.version != right.source.version:
        versions = f"{left.source.version} and {right.source.version}"
        found.append(f"versions of the tool differ ({versions}): so may its prompts and its marks")
    names = sorted({*left.settings, *right.settings})
    differ = [name for name in names if left.settings.get(name) != right.settings.get(name)]
    found.extend(f"`{name}` differs: {left.settings.get(name)} and {right.settings.get(name)}" for name in differ)
    return found


def _relabelled(left: ImportedRun, right: ImportedRun, pairs: Pairs) -> int:
    """Count pairs of one tool whose expected answers differ; two tools write the same answer differently."""
    if left.source.tool != right.source.tool:
        return 0
    return sum(bool(a.expected and b.expected and a.expected != b.expected) for a, b in pairs.pairs)


def _run_json(run: ImportedRun) -> dict[str, Any]:
    return {
        "model": run.model,
        "metric": run.metric,
        "tool": run.source.tool,
        "version": run.source.version,
        "file": str(run.source.path),
        "digest": run.source.digest,
        "items": len(run.items),
        "as_marked": run.as_marked,
        "stated": run.stated,
        "missing": run.missing,
    }


def _flip_json(ours: ImportedItem, theirs: ImportedItem) -> dict[str, Any]:
    return {
        "id": ours.id,
        "baseline_id": theirs.id,
        "question": ours.question or theirs.question,
        "expected": ours.expected or theirs.expected,
        "candidate": ours.mark,
        "baseline": theirs.mark,
        "said": ours.text,
        "baseline_said": theirs.text,
    }
