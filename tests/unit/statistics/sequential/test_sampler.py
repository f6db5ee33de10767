"""The live sampler: order of release, resumption, missing answers, budgets, both questions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from weighbridge.errors import UsageError
from weighbridge.statistics.sequential import Plan, Predictor, Sampler, Standing, make_plan, make_predictor

if TYPE_CHECKING:
    from weighbridge.statistics.sequential.features import History

N = 400


def outcomes(models: int, seed: int = 0, items: int = N) -> np.ndarray:
    """Return 0/1 scores [models, items] of a Rasch model: one difficulty an item, one ability a model."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0.8, 0.5, (models, 1)) - rng.normal(0, 2.0, items)
    return (rng.random((models, items)) < 1 / (1 + np.exp(-logit))).astype(np.uint8)


SCORES = outcomes(12)
CANDIDATE, BASELINE, HISTORY = SCORES[0], SCORES[1], SCORES[2:]


def predictor(history: History | None = HISTORY, baseline: History | None = BASELINE) -> Predictor:
    """Return the predictor of the made-up benchmark."""
    return make_predictor(N, history=history, baseline=baseline)


def fill(sampler: Sampler, portion: int = 32, order: np.random.Generator | None = None) -> Standing:
    """Ask until there is a verdict; results arrive in drawn order, or shuffled within a portion."""
    while sampler.verdict is None:
        ids, _ = sampler.next(portion)
        for item in (ids if order is None else order.permutation(ids)).tolist():
            other = float(BASELINE[item]) if sampler.plan.both else None
            sampler.record(item, float(CANDIDATE[item]), other)
    return sampler.standing()


def sampler_for(margin: float = 0.05, seed: int = 0, budget: int | None = None) -> Sampler:
    """Return a sampler with the baseline cached."""
    known = predictor()
    plan = make_plan(known, "noninferior", margin=margin, seed=seed, budget=budget)
    return Sampler(plan, known)


def test_completion_order_changes_nothing() -> None:
    """Results that arrive in any order within a portion give the verdict, calls and intervals of the drawn order."""
    reference = fill(sampler_for(seed=3))
    for seed in range(5):
        assert fill(sampler_for(seed=3), order=np.random.default_rng(seed)) == reference


def test_late_results_hold_back_later_ones() -> None:
    """Only the contiguous drawn prefix reaches the test: with the first result missing, nothing is released."""
    sampler = sampler_for(seed=1)
    ids = sampler.next(8)[0].tolist()
    for item in ids[1:]:
        sampler.record(item, float(CANDIDATE[item]))
    held = sampler.standing()
    assert (held.released, held.waiting, held.mean, sampler.in_flight) == (0, 7, None, [ids[0]])
    sampler.record(ids[0], 1.0)
    assert sampler.standing().released == 8
    assert sampler.in_flight == []


def test_draws_go_on_while_others_are_in_flight() -> None:
    """An item is never drawn twice, and every item is drawn once in the end."""
    known = predictor()
    sampler = Sampler(make_plan(known, "noninferior", margin=0.9, seed=5), known)
    assert sampler.verdict == "noninferior"  # a margin of 90 points is met before the first call
    sampler = sampler_for(margin=0.0)
    drawn: list[int] = []
    while (ids := sampler.next(7)[0]).size:
        drawn += ids.tolist()
    assert sorted(drawn) == list(range(N))
    assert sampler.in_flight == drawn


@pytest.mark.parametrize("cut", [1, 2, 40, 120])
def test_resumes_from_a_log_cut_anywhere(cut: int) -> None:
    """A sampler restored from the JSON lines of a log goes on to the same verdict, probabilities and intervals."""
    known, whole = predictor(), sampler_for(seed=9)
    expected = fill(whole, portion=16)
    lines = [json.dumps(entry) for entry in whole.log][:cut]
    again = Sampler.restore((json.loads(line) for line in lines), known)
    for item in again.in_flight:
        again.record(item, float(CANDIDATE[item]))
    assert fill(again, portion=16) == expected
    draws = [[entry for entry in sampler.log if entry["event"] == "draw"] for sampler in (whole, again)]
    assert draws[0] == draws[1]


def test_a_changed_log_is_refused() -> None:
    """Another history, another probability, an item drawn twice, a damaged entry: no state is made up."""
    sampler = sampler_for(seed=2)
    fill(sampler)
    log = sampler.log
    with pytest.raises(UsageError, match="not those of the plan"):
        Sampler.restore(log, predictor(history=HISTORY[1:]))
    draw = next(entry for entry in log if entry["event"] == "draw")
    for damaged in (
        [log[0], {**draw, "q": [value * 1.01 for value in draw["q"]]}],
        [log[0], {**draw, "ids": [draw["ids"][0]] * len(draw["ids"])}],
        [log[0], draw, draw],
        [log[0], {"event": "score"}],
        [{**log[0], "digest": "sha256:0"}],
        [],
    ):
        with pytest.raises(UsageError):
            Sampler.restore(damaged, predictor())


def test_an_exhausted_sampler_is_the_full_run() -> None:
    """Against itself a model is neither better nor worse: all items are asked, and the interval is the mean."""
    known = predictor(baseline=CANDIDATE)
    end = fill(Sampler(make_plan(known, "better", seed=1), known))
    assert (end.verdict, end.reason, end.calls) == ("undecided", "exhausted", N)
    assert end.mean is not None
    assert [end.mean.value, end.mean.low, end.mean.high] == pytest.approx([CANDIDATE.mean()] * 3)


def test_a_budget_ends_undecided() -> None:
    """Nothing is drawn beyond the budget; what cannot be decided by then is undecided, with its interval."""
    sampler = sampler_for(margin=0.0, budget=20)
    end = fill(sampler)
    assert (end.verdict, end.reason, end.calls, end.drawn) == ("undecided", "budget", 20, 20)
    assert sampler.next(5)[0].size == 0
    assert end.difference is not None
    assert end.difference.low < end.difference.value < end.difference.high


def test_missing_answers_count_as_wrong_and_are_said() -> None:
    """An answer that never came scores 0, is in the log, and opens the gap between worst and best."""
    known = predictor()
    sampler, plain = (Sampler(make_plan(known, "noninferior", margin=0.05, seed=4), known) for _ in range(2))
    for item in sampler.next(64)[0].tolist():
        sampler.record(item, None if item % 8 == 0 else float(CANDIDATE[item]))
    for item in plain.next(64)[0].tolist():
        plain.record(item, 0.0 if item % 8 == 0 else float(CANDIDATE[item]))
    lost, whole = sampler.standing(), plain.standing()
    assert lost.missing == sum(item % 8 == 0 for item in sampler._order) > 0
    assert (lost.mean, lost.evidence_for) == (whole.mean, whole.evidence_for)
    assert lost.mean is not None
    assert lost.worst == lost.mean.value
    assert lost.best is not None
    assert lost.best > lost.mean.value
    assert whole.best == whole.worst
    assert [entry["candidate"] for entry in sampler.log if entry["event"] == "score"].count(None) == lost.missing


def test_both_models_asked() -> None:
    """Without a cached baseline the score is the difference, in -1 to 1, and the mean is it."""
    known = make_predictor(N, history=HISTORY)
    sampler = Sampler(make_plan(known, "better", seed=1), known)
    assert sampler.plan.both
    end = fill(sampler)
    truth = float(CANDIDATE.mean()) - float(BASELINE.mean())
    assert end.mean == end.difference
    assert end.mean is not None
    assert end.mean.low - 1e-9 <= truth <= end.mean.high + 1e-9
    assert end.verdict in ("better" if truth > 0 else "worse", "undecided")


def test_what_cannot_be_recorded_is_refused() -> None:
    """Items not drawn, second scores, scores outside 0 to 1 or not a number, a baseline that is cached."""
    sampler = sampler_for()
    item = int(sampler.next(1)[0][0])
    for bad in (2.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="0 to 1"):
            sampler.record(item, bad)
    with pytest.raises(UsageError, match="baseline"):
        sampler.record(item, 1.0, 1.0)
    with pytest.raises(UsageError, match="not drawn"):
        sampler.record((item + 1) % N, 1.0)
    with pytest.raises(UsageError, match="not drawn"):
        sampler.record(N, 1.0)
    sampler.record(item, 1.0)
    with pytest.raises(UsageError, match="twice"):
        sampler.record(item, 1.0)


def test_the_plan_is_what_its_digest_names() -> None:
    """A plan survives JSON; any change to it changes the digest; a plan of other values is refused."""
    plan = sampler_for(seed=6).plan
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert again.digest == plan.digest
    for change in ({"margin": 0.02}, {"seed": 7}, {"items": "x"}, {"alpha": 0.01}, {"predictions": "x"}):
        assert Plan.from_json({**plan.to_json(), **change}).digest != plan.digest
    wrong: list[tuple[str, object]] = [
        ("alpha", 0),
        ("n_items", True),
        ("tau", float("nan")),
        ("question", "x"),
        ("extra", 1),
        ("tau", "x"),
    ]
    for field, value in wrong:
        with pytest.raises(UsageError):
            Plan.from_json({**plan.to_json(), field: value})
