"""The benchmark's fast driver is the sampler: same verdicts after the same calls."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from weighbridge.statistics.sequential import Plan, Sampler, make_predictor

BENCH = Path(__file__).resolve().parents[4] / "bench" / "sequential.py"


@pytest.mark.parametrize("seed", [0, 1])
def test_all_columns_at_once_are_the_sampler_run_for_each(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For truths far from the threshold, near it and on it: the driver's verdicts and calls are the sampler's."""
    spec = importlib.util.spec_from_file_location("bench_sequential", BENCH)
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_sequential", bench)
    spec.loader.exec_module(bench)
    case = next(bench.Simulated(300, 0.7, 2.5, 0.1).cases(1))
    predictor = make_predictor(300, history=case.history, baseline=case.baseline)
    differences = np.array([-0.2, -0.05, -0.03, 0.0, 0.1])
    expected = []
    for difference in differences.tolist():
        plan = Plan(
            n_items=300,
            question="noninferior",
            tau=float(case.candidate.mean()) - difference - bench.MARGIN,
            items="",
            predictions=predictor.digest,
            margin=bench.MARGIN,
            seed=seed,
        )
        sampler = Sampler(plan, predictor)
        while sampler.verdict is None:
            for item in sampler.next(bench.PORTION)[0].tolist():
                sampler.record(item, float(case.candidate[item]))
        expected.append((sampler.verdict, sampler.calls / 300))
    assert bench.ours(case, predictor, differences, seed) == expected
