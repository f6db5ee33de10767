"""What a comparison that stopped early found, as the body of `comparison/v1`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from weighbridge.core.estimate import Estimate
from weighbridge.evaluation.marks import answer_digest, said_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.evaluation.marks import Mark
    from weighbridge.statistics.sequential import Plan, Standing

__all__ = ["Pair", "beyond", "found_body"]

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
    def baseline_unmarked(self) -> bool:
        """Whether the baseline's answer has no mark."""
        return self.baseline not in (_RIGHT, _WRONG)

    @property
    def unmarked(self) -> bool:
        """Whether one of the answers has no mark."""
        return self.baseline_unmarked or self.mine.label not in (_RIGHT, _WRONG)

    @property
    def difference(self) -> int:
        """The candidate's score minus the baseline's, as the test takes them: no mark is against the candidate."""
        return int(self.mine.label == _RIGHT) - int(self.baseline_unmarked or self.baseline == _RIGHT)


def found_body(plan: Plan, standing: Standing, pairs: Sequence[Pair], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of `comparison/v1`.

    `told` holds what only the caller knows: suite, form, baseline, calls, history, and the share of a stored baseline
    that has no mark.
    """
    counts = {(a, b): 0 for a in (_RIGHT, _WRONG) for b in (_RIGHT, _WRONG)}
    for pair in pairs:
        if (pair.mine.label, pair.baseline) in counts:
            counts[pair.mine.label, pair.baseline] += 1
    if standing.difference is None:
        raise ValueError("a comparison without a single outcome has nothing to say")
    rise, fall = _doubt(standing, pairs, told["baseline_unmarked"])
    finite = replace(standing.difference, high=min(1.0, standing.difference.high + rise + fall))
    return {
        "suite": told["suite"],
        "form": told["form"],
        "baseline": told["baseline"],
        "baseline_name": told["baseline_name"],
        "difference": beyond(finite, pairs, plan.n_items).to_json(),
        "both": counts[_RIGHT, _RIGHT],
        "neither": counts[_WRONG, _WRONG],
        "candidate_only": counts[_RIGHT, _WRONG],
        "baseline_only": counts[_WRONG, _RIGHT],
        "p_value": None,
        "flips": sorted(pair.mine.item.id for pair in pairs if pair.flipped),
        "sequential": {
            "verdict": _verdict(plan, standing, rise + fall),
            "question": plan.question,
            "reason": standing.reason,
            "margin": plan.margin,
            "alpha": plan.alpha,
            "log_e_up": math.log(max(standing.evidence_for, 1e-300)),
            "log_e_down": math.log(max(standing.evidence_against, 1e-300)),
            "drawn": len(pairs),
            "missing": sum(pair.unmarked for pair in pairs),
            "calls": told["calls"],
            "full_calls": told["full_calls"],
            "history": told["history"],
            "baseline_stored": not plan.both,
            "finite": finite.to_json(),
        },
        "drawn": [_drawn(pair) for pair in pairs],
    }


def _verdict(plan: Plan, standing: Standing, doubt: float) -> str | None:
    """Return the verdict; none against the candidate that answers without a mark could have turned.

    The test itself takes such answers as wrong for the candidate and right for the baseline, so a verdict in its favour
    stands.
    """
    if standing.verdict not in plan.names:
        return None
    turned = standing.verdict == plan.names[1] and standing.mean and standing.mean.value + doubt >= plan.tau
    return None if doubt and turned else standing.verdict


def _doubt(standing: Standing, pairs: Sequence[Pair], stored: float) -> tuple[float, float]:
    """Return how far the difference could rise had the candidate's unmarked answers been right, the baseline's wrong.

    `stored` is the share of a stored baseline that has no mark.
    """
    rise = (standing.best or 0.0) - standing.mean.value if standing.mean else 0.0
    weights = _weights(pairs)
    drawn = math.fsum(w for w, pair in zip(weights, pairs, strict=True) if pair.baseline_unmarked)
    return max(0.0, rise), stored or drawn / math.fsum(weights)


def _weights(pairs: Sequence[Pair]) -> list[float]:
    """Return the inverse probabilities of the draws."""
    return [1 / (pair.q * pair.left) for pair in pairs]


def beyond(finite: Estimate, pairs: Sequence[Pair], n_items: int) -> Estimate:
    """Return the difference on questions like these: the items are themselves a sample.

    The half widths of the interval for these items, joined in quadrature with the adjusted Wald half width of a paired
    difference over N items (Bonett and Price, J. Educ. Behav. Stat. 37, 2012), which is never zero.
    """
    weights = _weights(pairs)
    total = math.fsum(weights)
    gained, lost = (
        math.fsum(w for w, pair in zip(weights, pairs, strict=True) if pair.difference == sign) / total
        for sign in (1, -1)
    )
    first, second = ((n_items * share + 1) / (n_items + 2) for share in (gained, lost))
    z = NormalDist().inv_cdf(0.5 + finite.level / 2)
    spread = z * math.sqrt((first + second - (first - second) ** 2) / (n_items + 2))
    low = finite.value - math.hypot(finite.value - finite.low, spread)
    high = finite.value + math.hypot(finite.high - finite.value, spread)
    method = "betting without replacement, and sampling of the items (Bonett-Price)"
    return Estimate(finite.value, max(-1.0, low), min(1.0, high), len(pairs), method, finite.level)


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
