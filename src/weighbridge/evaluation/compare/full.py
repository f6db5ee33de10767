"""Candidate against baseline on the same questions."""

from __future__ import annotations

from typing import Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.statistics.paired import mcnemar_exact, paired_difference

__all__ = ["compare"]


def compare(candidate: Evidence, baseline: Evidence, baseline_name: str) -> Evidence | str:
    """Return `comparison/v1` from two scores, or one sentence that says why they cannot be compared.

    Only questions that both answered and that could be marked are paired; the others are counted as unscored.
    """
    ours, theirs = candidate.body, baseline.body
    if ours["suite"]["digest"] != theirs["suite"]["digest"]:
        return f"the two were asked different versions of `{ours['suite']['name']}`"
    if ours["form"] != theirs["form"]:
        return f"the prompt forms differ: `{ours['form']}` and `{theirs['form']}`"
    ways = [one.get("reading", "distribution") for one in (ours, theirs)]
    if ways[0] != ways[1]:
        return f"the choices were read in different ways: `{ways[0]}` and `{ways[1]}`"
    mine, yours = _marks(ours), _marks(theirs)
    shared = [item for item in mine if item in yours]
    cells = {(a, b): [i for i in shared if (mine[i], yours[i]) == (a, b)] for a in (True, False) for b in (True, False)}
    both, first, second, neither = (
        len(cells[key]) for key in ((True, True), (True, False), (False, True), (False, False))
    )
    difference = paired_difference(both, first, second, neither)
    if difference is None:
        return "no question was marked for both"
    asked = len({*(row["id"] for row in ours["items"]), *(row["id"] for row in theirs["items"])})
    body = {
        "suite": ours["suite"],
        "form": ours["form"],
        "baseline": baseline.subject,
        "baseline_name": baseline_name,
        "difference": {**difference.to_json(), "unscored": asked - len(shared)},
        "both": both,
        "neither": neither,
        "candidate_only": first,
        "baseline_only": second,
        "p_value": mcnemar_exact(first, second),
        "flips": sorted(cells[True, False] + cells[False, True]),
    }
    made_on = min(candidate.made_on, baseline.made_on)
    return Evidence(candidate.subject, "comparison/v1", body, (candidate.id, baseline.id), OURS, made_on)


def _marks(body: dict[str, Any]) -> dict[str, bool]:
    """Return the marked items: right or not."""
    return {row["id"]: row["mark"] == "right" for row in body["items"] if row["mark"] in {"right", "wrong"}}
