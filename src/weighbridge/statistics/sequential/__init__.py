"""Decisions with few calls and a guaranteed error: betting without replacement on a finite benchmark.

    predictor = make_predictor(n_items, history=earlier_scores, baseline=baseline_scores)
    plan = make_plan(predictor, "noninferior", items=names, margin=0.03, seed=7)
    sampler = Sampler(plan, predictor)
    while sampler.verdict is None:
        ids, q = sampler.next(64)
        for item in ids.tolist():
            sampler.record(item, score(item))
    print(sampler.standing())

P(wrong verdict) <= alpha for this benchmark, at any stopping time, with any predictions, provided that the plan was
frozen before the first call, every drawn item gets a score, and outcomes do not depend on the order of the draws.
Nothing is promised about items beyond the benchmark. Construction: docs in `eprocess`.
"""

from __future__ import annotations

from weighbridge.statistics.sequential.decide import decide_better, decide_noninferior, make_plan
from weighbridge.statistics.sequential.eprocess import Draw, Draws, EProcess
from weighbridge.statistics.sequential.features import Predictor, make_predictor
from weighbridge.statistics.sequential.plan import Plan, Question, Verdict, expected_calls, items_digest
from weighbridge.statistics.sequential.sampler import Sampler
from weighbridge.statistics.sequential.verdict import Reason, Standing

__all__ = [
    "Draw",
    "Draws",
    "EProcess",
    "Plan",
    "Predictor",
    "Question",
    "Reason",
    "Sampler",
    "Standing",
    "Verdict",
    "decide_better",
    "decide_noninferior",
    "expected_calls",
    "items_digest",
    "make_plan",
    "make_predictor",
]
