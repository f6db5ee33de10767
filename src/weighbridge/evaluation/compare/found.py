"""What a comparison that stopped early found, as the body of `comparison/v1`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from weighbridge.core.estimate import Estimate
from weighbridge.evaluation.marks import answer_digest, said_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.evaluation.marks import Mark
    from weighbridge.statistics.sequential import Plan, Standing

__all__ = ["Pair", "found_body", "population"]

_LEVEL = 0.95
_MAX_SAID = 400
_RIGHT, _WRONG = "right", "wrong"


@dataclass(frozen=True, slots=True)
class Pair:
    """One item that the test has seen, both marks, and the probability it was drawn with among `left` items."""

    mine: Mark
    baseline: str
    baseline_said: str
    q: float
    left: int

    @property
    def flipped(self) -> bool:
        """Whether only one of the two is right."""
        return {self.mine.label, self.baseline} == {_RIGHT, _WRONG}

    @property
    def difference(self) -> int:
        """The candidate's score minus the baseline's; what has no mark scores 0."""
        return int(self.mine.label == _RIGHT) - int(self.baseline == _RIGHT)


def found_body(plan: Plan, standing: Standing, pairs: Sequence[Pair], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body; `told` holds what only the caller knows: suite, form, baseline, calls, history."""
    counts = {(a, b): 0 for a in (_RIGHT, _WRONG) for b in (_RIGHT, _WRONG)}
    for pair in pairs:
        if (pair.mine.label, pair.baseline) in counts:
            counts[pair.mine.label, pair.baseline] += 1
    difference = standing.difference
    if difference is None:
        raise ValueError("a comparison without a single outcome has nothing to say")
    reach = population(difference, pairs, plan.n_items)
    return {
        "suite": told["suite"],
        "form": told["form"],
        "baseline": told["baseline"],
        "baseline_name": told["baseline_name"],
        "difference": difference.to_json(),
        "both": counts[_RIGHT, _RIGHT],
        "neither": counts[_WRONG, _WRONG],
        "candidate_only": counts[_RIGHT, _WRONG],
        "baseline_only": counts[_WRONG, _RIGHT],
        "p_value": None,
        "flips": sorted(pair.mine.item.id for pair in pairs if pair.flipped),
        "sequential": {
            "verdict": _verdict(plan, standing),
            "reason": standing.reason,
            "margin": plan.margin,
            "alpha": plan.alpha,
            "log_e_up": math.log(max(standing.evidence_for, 1e-300)),
            "log_e_down": math.log(max(standing.evidence_against, 1e-300)),
            "drawn": len(pairs),
            "missing": standing.missing,
            "calls": told["calls"],
            "full_calls": told["full_calls"],
            "history": told["history"],
            "baseline_stored": not plan.both,
            "population": reach.to_json() if reach else None,
        },
        "drawn": [_drawn(pair) for pair in pairs],
    }


def _verdict(plan: Plan, standing: Standing) -> str:
    """Return the verdict, but none against the candidate that answers which never came could have turned."""
    verdict = standing.verdict or "undecided"
    turned = verdict == plan.names[1] and standing.best is not None and standing.best >= plan.tau
    return "undecided" if standing.missing and turned else verdict


def population(difference: Estimate, pairs: Sequence[Pair], n_items: int) -> Estimate | None:
    """Return the difference with the interval for questions like these: the items are themselves a sample.

    The confidence sequence's half widths joined in quadrature with z sd / sqrt(N), sd that of the paired differences
    (Miller, arXiv 2411.00640), weighted by the inverse of their probabilities. None with fewer than two items.
    """
    if len(pairs) < 2:  # noqa: PLR2004 - a variance needs two
        return None
    weights = [1 / (pair.q * pair.left) for pair in pairs]
    total = math.fsum(weights)
    mean = math.fsum(w * pair.difference for w, pair in zip(weights, pairs, strict=True)) / total
    squares = math.fsum(w * (pair.difference - mean) ** 2 for w, pair in zip(weights, pairs, strict=True))
    spread = NormalDist().inv_cdf(0.5 + _LEVEL / 2) * math.sqrt(squares / total / n_items)
    low = difference.value - math.hypot(difference.value - difference.low, spread)
    high = difference.value + math.hypot(difference.high - difference.value, spread)
    method = "confidence sequence and sampling of the items (Miller 2024)"
    return Estimate(difference.value, max(-1.0, low), min(1.0, high), len(pairs), method, difference.level)


def _drawn(pair: Pair) -> dict[str, Any]:
    """Return one item as it stands in evidence; texts only where the two differ."""
    mine = pair.mine
    row: dict[str, Any] = {
        "id": mine.item.id,
        "candidate": mine.label,
        "baseline": pair.baseline,
        "completion": mine.recipe,
        "answer": answer_digest(mine.completion),
    }
    if pair.flipped:
        row |= {
            "question": mine.item.question[:_MAX_SAID],
            "expected": mine.item.answer[:_MAX_SAID],
            "said": said_of(mine),
            "baseline_said": pair.baseline_said[:_MAX_SAID],
        }
    return row
