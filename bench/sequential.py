"""What a decision costs in calls, and how often it is wrong: non-inferiority with a margin of three points.

    python bench/sequential.py --repetitions 40 [--data ../shared/data/outcomes] [--populations mmlu-size ...]

A column is the true difference between candidate and baseline in points; at -3 the truth lies on the threshold and
"noninferior" is the error. A cell is the mean share of the calls of a full run (the baseline's scores are cached), its
standard error in brackets, and after a slash the share of wrong verdicts. Differences are set by moving the
threshold relative to the candidate's exact score, as the finite benchmark has it.

Simulated: 2PL in two dimensions, with guessing on the MMLU-sized set. Real, with --data: every repetition takes
another candidate and a baseline of like accuracy, the other models are the history. Seeded: the same command prints
the same figures.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from weighbridge.statistics.sequential import Draws, EProcess, Plan, Predictor, Sampler, make_predictor
from weighbridge.statistics.sequential.drawing import draw
from weighbridge.statistics.sequential.eprocess import weigh
from weighbridge.statistics.sequential.forecast import Forecast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from weighbridge.statistics.sequential.features import History

COLUMNS = (-10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10)
TRUE = -3  # the column where the truth is the threshold
Result = tuple[str, float]  # verdict, share of the calls
MARGIN, ALPHA, EARLIER, PORTION = 0.03, 0.05, 40, 64
STREAM = 0xBE7C  # apart from the seeds of the populations
PAIRED = "paired betting, no history"


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison: candidate and baseline [N], earlier models [J, N]."""

    candidate: NDArray[np.uint8]
    baseline: NDArray[np.uint8]
    history: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A 2PL population: items, accuracy of the two models, spread of the difficulties, chance of a guess."""

    n_items: int
    accuracy: float
    spread: float
    guess: float

    def cases(self, repetitions: int) -> Iterator[Case]:
        """Yield one fresh population a repetition."""
        for seed in range(repetitions):
            rng = np.random.default_rng(seed)
            slope = np.exp(rng.normal(0.2, 0.35, self.n_items))
            second, difficulty = rng.normal(0, 0.6, self.n_items), rng.normal(0, self.spread, self.n_items)
            goals = np.clip(self.accuracy + rng.normal(0, 0.08, EARLIER), 0.3, 0.97)
            rows = []
            for goal in (self.accuracy, self.accuracy, *goals):
                taste = rng.normal()
                low, high = -12.0, 12.0
                for _ in range(30):  # the ability that gives this accuracy
                    ability = (low + high) / 2
                    logit = slope * (ability - difficulty) + second * taste
                    p = self.guess + (1 - self.guess) / (1 + np.exp(-logit))
                    low, high = (ability, high) if p.mean() < goal else (low, ability)
                rows.append((rng.random(self.n_items) < p).astype(np.uint8))
            yield Case(rows[0], rows[1], np.array(rows[2:]))


@dataclass(frozen=True, slots=True)
class Real:
    """Recorded outcomes of many models."""

    scores: NDArray[np.uint8]

    def cases(self, repetitions: int) -> Iterator[Case]:
        """Yield another candidate and a baseline near it in accuracy."""
        means = self.scores.mean(axis=1)
        for seed in range(repetitions):
            rng = np.random.default_rng(seed)
            own = int(rng.integers(len(means)))
            other = int(rng.choice(np.argsort(abs(means - means[own]), kind="stable")[1:9]))
            yield Case(self.scores[own], self.scores[other], np.delete(self.scores, [own, other], axis=0))


SIMULATED = {
    "mmlu-size": Simulated(14_042, 0.70, 2.9, 0.2),  # item correlation 0.41, discordance 25%
    "gsm8k-size": Simulated(1_319, 0.85, 3.6, 0.0),  # paired betting needs a third of it, as of the real GSM8K
    "gsm8k-size, less alike": Simulated(1_319, 0.85, 2.2, 0.0),  # item correlation 0.42, discordance 15%
}


def load(path: Path) -> Real:
    """Read one row a model, one digit an item."""
    with path.open(encoding="utf-8", newline="") as lines:
        return Real(np.array([[digit == "1" for digit in row[1]] for row in list(csv.reader(lines))[1:]], np.uint8))


def paired(case: Case, differences: NDArray[np.float64], seed: int) -> list[Result]:
    """Bet on b - a, drawn uniformly without replacement, with the running variance and no predictions."""
    order = np.random.default_rng((STREAM, seed)).permutation(len(case.candidate))
    y = (case.candidate.astype(np.float64) - case.baseline.astype(np.float64))[order]
    n, mean = len(y), y.mean()
    left = n - np.arange(n, dtype=float)
    before = 8.0 + np.concatenate(([0.0], (y**2).cumsum()[:-1]))  # a variance of 0.25 for 32 draws
    zero, one = np.zeros(n), np.ones(n)
    draws = Draws(y, zero, 1 / left, left, zero, before / (32 + np.arange(n)), zero, -one, one)
    path = EProcess(n, mean - differences - MARGIN, weigh(MARGIN)).extend(draws)
    found = []
    for k, difference in enumerate(differences.tolist()):
        over = np.flatnonzero((path.up[:, k] >= 1 / ALPHA) | (path.down[:, k] >= 1 / ALPHA))
        if over.size:
            up = path.up[over[0], k] >= 1 / ALPHA
            found.append(("noninferior" if up else "inferior", (int(over[0]) + 1) / n))
        else:
            found.append(("noninferior" if difference > -MARGIN else "inferior", 1.0))
    return found


def ours(case: Case, predictor: Predictor, differences: NDArray[np.float64], seed: int) -> list[Result]:
    """Run the sampler's arithmetic, portions of 64, at all thresholds at once: the draws do not depend on them."""
    n = len(case.candidate)
    taus = float(case.candidate.mean()) - differences - MARGIN
    plan = Plan(n_items=n, question="noninferior", tau=0.5, items="", predictions=predictor.digest, seed=seed)
    forecast, test = Forecast(plan, predictor), EProcess(n, taus, weigh(MARGIN))
    left, found = np.ones(n, dtype=np.bool_), [("", 0.0)] * len(taus)
    for start in range(0, n, PORTION):
        call = draw(forecast.outlook.weight, np.flatnonzero(left), min(PORTION, n - start), seed, start)
        left[call.ids] = False
        scores = case.candidate[call.ids].astype(np.float64)
        seen = test.seen + scores.cumsum()
        path = test.extend(Draws.of([forecast.see(call, k, (y, 0.0)) for k, y in enumerate(scores.tolist())]))
        rest = n - start - np.arange(1, len(scores) + 1)
        up = (path.up >= 1 / ALPHA) | (seen[:, None] > n * taus + 1e-9 * n)
        down = (path.down >= 1 / ALPHA) | ((seen + rest)[:, None] <= n * taus + 1e-9 * n)
        for k in np.flatnonzero((up | down).any(axis=0)).tolist():
            if not found[k][0]:
                first = int((up | down)[:, k].argmax())
                found[k] = ("noninferior" if up[first, k] else "inferior"), (start + first + 1) / n
        if all(verdict for verdict, _ in found):
            break
    return found


def predictors(case: Case, seed: int) -> dict[str, Predictor]:
    """Return the predictors from all histories that are compared."""
    rng, n = np.random.default_rng((STREAM, seed, 1)), len(case.candidate)
    made: dict[str, History | None] = {"ours, no history": None}
    if len(case.history):
        made["ours, history"] = case.history
        few = rng.permutation(len(case.history))[:10]
        for count in (1, 3, 10):
            made[f"ours, {count} earlier"] = case.history[few[:count]]
        seen = rng.random((len(few), n)) < 0.1
        made["ours, 10 earlier, a tenth seen"] = np.where(seen, case.history[few], np.nan)
        made["ours, history shuffled"] = rng.permuted(case.history, axis=1)
        made["ours, history reversed"] = 1 - case.history
    return {name: make_predictor(n, history=rows, baseline=case.baseline) for name, rows in made.items()}


def measure(population: Simulated | Real, repetitions: int, columns: list[int]) -> dict[str, list[list[Result]]]:
    """Return what every repetition found in every column, by method."""
    found: dict[str, list[list[Result]]] = {}
    differences = np.array([points / 100 + (-1e-9 if points == TRUE else 0.0) for points in columns])
    for seed, case in enumerate(population.cases(repetitions)):
        found.setdefault(PAIRED, []).append(paired(case, differences, seed))
        for name, predictor in predictors(case, seed).items():
            found.setdefault(name, []).append(ours(case, predictor, differences, seed))
    return found


def show(name: str, found: dict[str, list[list[Result]]], columns: list[int]) -> None:
    """Print one table."""
    print(f"\n{name}\n\n| method | " + " | ".join(f"{points:+d}" for points in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for method, rows in found.items():
        cells = []
        for points, results in zip(columns, zip(*rows, strict=True), strict=True):
            shares = [share for _, share in results]
            error = statistics.stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else 0.0
            wrong = sum(verdict == ("inferior" if points > TRUE else "noninferior") for verdict, _ in results)
            rate = f" / {wrong / len(shares):.1%}" if wrong or points == TRUE else ""
            cells.append(f"{statistics.mean(shares):.3f} ({error:.3f})" + rate)
        print(f"| {method} | " + " | ".join(cells) + " |", flush=True)


def speed() -> None:
    """Print the time of one draw of 64 and of the 64 results, at MMLU's size."""
    case = next(SIMULATED["mmlu-size"].cases(1))
    start = time.perf_counter()
    predictor = make_predictor(14_042, history=case.history, baseline=case.baseline)
    made = time.perf_counter() - start
    plan = Plan(n_items=14_042, question="noninferior", tau=0.7, items="", predictions=predictor.digest, seed=1)
    sampler = Sampler(plan, predictor)
    drawn: list[float] = []
    recorded: list[float] = []
    while sampler.verdict is None and len(drawn) < 50:
        start = time.perf_counter()
        ids = sampler.next(PORTION)[0].tolist()
        drawn.append(time.perf_counter() - start)
        start = time.perf_counter()
        for item in ids:
            sampler.record(item, float(case.candidate[item]))
        recorded.append(time.perf_counter() - start)
    middle = [1000 * statistics.median(values) for values in (drawn, recorded)]
    print(f"14,042 items: predictor {1000 * made:.0f} ms; next(64) {middle[0]:.2f} ms, 64 records {middle[1]:.1f} ms")


def main() -> None:
    """Measure the populations asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--columns", type=int, nargs="+", default=list(COLUMNS))
    parser.add_argument("--populations", nargs="+")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    speed()
    known: dict[str, Simulated | Real] = dict(SIMULATED)
    if options.data:
        known |= {name: load(options.data / f"{name}.csv") for name in ("crux", "mathl5", "mmlu_pair")}
    for name in options.populations or known:
        show(name, measure(known[name], options.repetitions, options.columns), options.columns)


if __name__ == "__main__":
    main()
