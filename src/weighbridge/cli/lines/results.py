"""How two stored runs beside each other read on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, plain, wrapped
from weighbridge.dossier.visible import cut

if TYPE_CHECKING:
    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.imports import ImportedRun
    from weighbridge.evaluation.imports.paired import PairedResult
    from weighbridge.workflow.evaluation.imports import ComparedRuns, ImportedOutcomes

__all__ = ["outcome_lines", "run_lines", "together_lines"]

_SHOWN = 100


def run_lines(result: PairedResult, flips: int) -> list[str]:
    """Return the lines of one task: verdict, both runs, difference, what is missing, flips, and what is not said."""
    at = f"{100 * result.margin:g} points"
    head = f"{result.verdict.upper()} at {at}  {_points(result.difference, result.observed)}"
    lines = [
        line(result.task, head, f"n={result.n}, paired by {result.pairs.by}"),
        _side("candidate", result.left),
        _side("baseline", result.right),
    ]
    if result.clustered is not None:
        lines.append(line("", f"by groups: {_points(result.clustered, None)}", f"{result.groups} groups"))
    if result.cells is not None:
        both, ours, theirs, neither = result.cells
        counts = f"both right {both}, only the candidate {ours}, only the baseline {theirs}, neither {neither}"
        lines.append(line("", counts, f"McNemar p = {result.p_value:.3g}"))
    else:
        lines.append(line("", "scores between 0 and 1", f"sign test p = {result.p_value:.3g}"))
    if result.unmarked:
        low, high = 100 * (result.worst or 0), 100 * (result.best or 0)
        lines.append(line("", f"{result.unmarked} lack a mark: with them between {low:+.1f} and {high:+.1f} points"))
    if result.detectable is None:
        lines.append(line("", f"too few questions to clear any candidate at {at} with 90% power"))
    else:
        least = round(100 * result.detectable, 1) + 0.0  # no "-0.0"
        lines.append(line("", f"{result.n} questions clear {at} with 90% power from a true {least:+.1f} on"))
    for ours_said, theirs_said in result.flips[:flips]:
        sign = "gained" if (ours_said.score or 0) > (theirs_said.score or 0) else "lost"
        lines.append(line(sign, f"{ours_said.id}: {_short(ours_said.question or theirs_said.question)}"))
        expected = ours_said.expected or theirs_said.expected
        lines += [line("", f"expected {_short(expected)}")] if expected else []
        lines.append(line("", f"candidate: {_short(ours_said.text)} ({ours_said.mark})"))
        lines.append(line("", f"baseline:  {_short(theirs_said.text)} ({theirs_said.mark})"))
    return [*lines, *(text for note in result.notes for text in wrapped(f"note: {plain(note)}"))]


def together_lines(compared: ComparedRuns, alpha: float) -> list[str]:
    """Return what several tasks say together, and what was left out."""
    lines = [line("not done", sentence) for sentence in compared.missing]
    if len(compared.results) > 1:
        differ = [result.task for result in compared.results if result.differs]
        names = ", ".join(differ) or "none"
        lines.insert(0, line("together", compared.verdict.upper(), f"{len(compared.results)} tasks"))
        lines.insert(1, line("", f"the two differ, by Holm at {alpha:g}: {names}"))
    return lines


def outcome_lines(kept: ImportedOutcomes) -> list[str]:
    """Return what was imported, and how much of the suite it covers."""
    share = kept.marked / kept.size if kept.size else 0.0
    lines = [
        line("outcomes", f"{kept.marked} of {kept.size} questions ({share:.0%}) have a mark", kept.evidence.id[:19]),
        line("", f"{kept.strangers} rows are no question of the suite, {kept.unclear} could be several"),
        line("", f"marked by {kept.run.source.tool} ({kept.run.metric}), not by this suite's scorer"),
    ]
    if kept.evidence.subject == kept.run.source.digest:
        lines.append(line("", "the model is not pinned: the subject is the digest of the file"))
    return lines


def _side(name: str, run: ImportedRun) -> str:
    """Return a run on one line: what the tool counted, and what has no mark."""
    marked = "no marks" if run.as_marked is None else f"{run.as_marked:.2%} by {run.source.tool}'s {run.metric}"
    lost = sum(run.missing.values())
    first = next(iter(run.missing), "")
    missing = f"{lost} missing, first: {_short(first, 40)}" if lost else ""
    return line("", f"{name} {run.model}: {marked} of {len(run.items)}", missing)


def _points(estimate: Estimate | None, observed: float | None) -> str:
    """Write a difference of shares in points, with its interval if there is one."""
    if estimate is None:
        return f"{100 * (observed or 0):+.1f} points, no interval"
    return f"{100 * estimate.value:+.1f} points [{100 * estimate.low:+.1f}, {100 * estimate.high:+.1f}]"


def _short(text: str, most: int = _SHOWN) -> str:
    """Return the beginning of a text on one line."""
    return cut(plain(text), most)
