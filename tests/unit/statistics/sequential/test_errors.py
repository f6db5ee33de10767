"""The promise itself: at the boundary a wrong verdict comes with probability at most alpha, whatever the history."""

from __future__ import annotations

import math

import numpy as np
import pytest

from weighbridge.statistics.sequential import Plan, Sampler, make_predictor

N, MODELS, RUNS, ALPHA = 160, 12, 90, 0.1


def matrix() -> np.ndarray:
    """Return the scores of models of one ability on items of very different difficulty (Rasch)."""
    rng = np.random.default_rng(11)
    logit = rng.normal(1.0, 0.3, (MODELS, 1)) - rng.normal(0, 2.0, N)
    return (rng.random((MODELS, N)) < 1 / (1 + np.exp(-logit))).astype(np.uint8)


@pytest.mark.parametrize("kind", ["good", "shuffled", "adversarial", "none"])
@pytest.mark.parametrize("both", [False, True])
def test_wrong_verdicts_at_the_boundary(kind: str, both: bool) -> None:
    """Truth exactly on the threshold: false clears and false blocks at most alpha + 3 standard errors each."""
    scores = matrix()
    candidate, baseline, history = scores[0], scores[1], scores[2:]
    made = {
        "good": history,
        "shuffled": np.random.default_rng(1).permuted(history, axis=1),
        "adversarial": 1 - history,
        "none": history[:0],
    }[kind]
    predictor = make_predictor(N, history=made, baseline=None if both else baseline)
    truth = float(candidate.mean()) - (float(baseline.mean()) if both else 0.0)
    verdicts = []
    for seed in range(RUNS // (2 if both else 1)):
        plan = Plan(
            n_items=N,
            question="noninferior",
            tau=truth,
            items="",
            predictions=predictor.digest,
            both=both,
            alpha=ALPHA,
            margin=0.05,
            seed=seed,
            budget=N - 30,
        )
        sampler = Sampler(plan, predictor)
        while sampler.verdict is None:
            for item in sampler.next(80)[0].tolist():
                sampler.record(item, float(candidate[item]), float(baseline[item]) if both else None)
        verdicts.append(sampler.verdict)
    bound = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / len(verdicts))
    assert verdicts.count("noninferior") / len(verdicts) <= bound
    assert verdicts.count("inferior") / len(verdicts) <= bound
    assert verdicts.count("undecided") > 0


def test_clear_cases_are_cleared_and_blocked() -> None:
    """A truth 15 points above the threshold is noninferior and 15 below inferior, with fewer items than there are."""
    scores = matrix()
    predictor = make_predictor(N, history=scores[2:], baseline=scores[1])
    for shift, expected in ((-0.15, "noninferior"), (0.15, "inferior")):
        plan = Plan(
            n_items=N,
            question="noninferior",
            tau=float(scores[0].mean()) + shift,
            items="",
            predictions=predictor.digest,
            margin=0.05,
        )
        sampler = Sampler(plan, predictor)
        while sampler.verdict is None:
            for item in sampler.next(10)[0].tolist():
                sampler.record(item, float(scores[0][item]))
        assert sampler.verdict == expected
        assert sampler.standing().calls < N / 2
