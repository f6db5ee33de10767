"""The sequential comparison on real outcomes: 51 models on CRUXEval, 41 on MATH level 5 (WildEval/ZeroEval)."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import numpy as np
import pytest

from weighbridge.statistics.sequential import Plan, Sampler, make_predictor

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
OUTCOMES = SHARED / "data/outcomes"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not OUTCOMES.is_dir(), reason="the outcomes are not here"),
]


def load(name: str) -> np.ndarray:
    """Return the scores [models, items] of one benchmark."""
    with (OUTCOMES / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    return np.array([[digit == "1" for digit in row[1]] for row in rows], dtype=np.uint8)


def decide(scores: np.ndarray, kind: str, difference: float, seed: int) -> tuple[str, float]:
    """Compare two models of like accuracy, the others as history; return the verdict and the share of calls.

    The threshold is moved so that the true difference is `difference` and the margin three points.
    """
    rng = np.random.default_rng(seed)
    means = scores.mean(axis=1)
    own = int(rng.integers(len(scores)))
    other = int(rng.choice(np.argsort(abs(means - means[own]), kind="stable")[1:9]))
    history = np.delete(scores, [own, other], axis=0)
    if kind == "shuffled":
        history = rng.permuted(history, axis=1)
    made = {"adversarial": 1 - history, "none": history[:0]}.get(kind, history)
    predictor = make_predictor(scores.shape[1], history=made, baseline=scores[other])
    plan = Plan(
        n_items=scores.shape[1],
        question="noninferior",
        tau=float(means[own]) - difference - 0.03,
        items="",
        predictions=predictor.digest,
        margin=0.03,
        seed=seed,
    )
    sampler = Sampler(plan, predictor)
    while sampler.verdict is None:
        for item in sampler.next(64)[0].tolist():
            sampler.record(item, float(scores[own, item]))
    return sampler.verdict, sampler.calls / scores.shape[1]


@pytest.mark.parametrize("name", ["crux", "mathl5"])
@pytest.mark.parametrize("kind", ["good", "shuffled", "adversarial"])
def test_wrong_clears_at_the_boundary(name: str, kind: str) -> None:
    """Candidate truly three points worse: cleared in at most 5% + 3 standard errors of the comparisons."""
    scores, runs = load(name), 12
    cleared = sum(decide(scores, kind, -0.03 - 1e-9, seed)[0] == "noninferior" for seed in range(runs))
    assert cleared / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_earlier_models_save_calls() -> None:
    """Equal models, CRUXEval: all cleared rightly or nearly so, with fewer calls for having 49 earlier models."""
    scores, runs = load("crux"), 10
    good = [decide(scores, "good", 0.0, seed) for seed in range(runs)]
    none = [decide(scores, "none", 0.0, seed) for seed in range(runs)]
    assert sum(verdict != "noninferior" for verdict, _ in good + none) <= 3  # 5% of 20, and two more
    assert np.mean([share for _, share in good]) < 0.9 * np.mean([share for _, share in none])


def test_a_real_pair_on_mmlu() -> None:
    """GPT-4 against Mixtral, 12 points apart, 14,042 items, no history: decided with under 4% of the calls each way."""
    pair = load("mmlu_pair")
    for own, expected in ((1, "noninferior"), (0, "inferior")):
        predictor = make_predictor(pair.shape[1], baseline=pair[1 - own])
        plan = Plan(
            n_items=pair.shape[1],
            question="noninferior",
            tau=float(pair[1 - own].mean()) - 0.03,
            items="",
            predictions=predictor.digest,
            margin=0.03,
            seed=3,
        )
        sampler = Sampler(plan, predictor)
        while sampler.verdict is None:
            for item in sampler.next(64)[0].tolist():
                sampler.record(item, float(pair[own, item]))
        assert sampler.verdict == expected
        assert sampler.calls < 0.04 * pair.shape[1]
