"""What a decision costs in calls, and how often it is wrong: non-inferiority with a margin of three points.

    python bench/sequential.py --repetitions 40 [--data ../shared/data/outcomes] [--populations mmlu-size ...]

A column is the true difference between candidate and baseline in points; at -3 the truth lies on the threshold and
"noninferior" is the error. A cell is the mean share of the calls of a full run (the baseline's scores are cached),
then, after a slash, the share of wrong verdicts where a verdict can be wrong. Differences are set by moving the
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
from weighbridge.statistics.sequential.eprocess import weigh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

COLUMNS = (-10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10)
MARGIN, ALPHA, EARLIER, PORTION = 0.03, 0.05, 40, 64
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
    "gsm8k-size": Simulated(1_319, 0.85, 3.2, 0.0),  # 0.55, 11%
    "gsm8k-size, less alike": Simulated(1_319, 0.85, 2.2, 0.0),  # 0.42, 15%
}


def load(path: Path) -> Real:
    """Read one row a model, one digit an item."""
    with path.open(encoding="utf-8", newline="") as lines:
        return Real(np.array([[digit == "1" for digit in row[1]] for row in list(csv.reader(lines))[1:]], np.uint8))


def paired(case: Case, difference: float, seed: int) -> tuple[str, float]:
    """Bet on b - a, drawn uniformly without replacement, with the running variance and no predictions."""
    order = np.random.default_rng(seed).permutation(len(case.candidate))
    y = (case.candidate.astype(np.float64) - case.baseline.astype(np.float64))[order]
    n, mean = len(y), y.mean()
    test = EProcess(n, np.array([mean - difference - MARGIN]), weigh(MARGIN))
    squares, needed = 8.0, -np.log(ALPHA)  # a variance of 0.25 for 32 draws
    for start in range(0, n, 16):
        part: NDArray[np.float64] = y[start : start + 16]
        left = n - np.arange(start, start + len(part), dtype=float)
        flat = np.ones(len(part))
        variance = flat * squares / (32 + start)
        path = test.extend(Draws(part, 0 * flat, 1 / left, left, 0 * flat, variance, -flat, flat))
        squares += float((part**2).sum())
        over = np.flatnonzero((path.up[:, 0] >= needed) | (path.down[:, 0] >= needed))
        if over.size:
            up = path.up[over[0], 0] >= needed
            return ("noninferior" if up else "inferior"), (start + int(over[0]) + 1) / n
    return ("noninferior" if difference > -MARGIN else "inferior"), 1.0


def ours(case: Case, predictor: Predictor, difference: float, seed: int) -> tuple[str, float]:
    """Run the sampler, portions of 64."""
    n = len(case.candidate)
    tau = float(case.candidate.mean()) - difference - MARGIN
    digest = predictor.digest
    plan = Plan(n_items=n, question="noninferior", tau=tau, items="", predictions=digest, margin=MARGIN, seed=seed)
    sampler = Sampler(plan, predictor)
    while sampler.verdict is None:
        for item in sampler.next(PORTION)[0][::-1].tolist():  # backwards: released together, in drawn order
            sampler.record(item, float(case.candidate[item]))
    return sampler.verdict, sampler.calls / n


def predictors(case: Case, seed: int) -> dict[str, Predictor]:
    """Return the predictors from all histories that are compared."""
    rng, n = np.random.default_rng(seed), len(case.candidate)
    made: dict[str, NDArray[np.uint8] | None] = {"ours, no history": None}
    if len(case.history):
        made["ours, history"] = case.history
        made["ours, history shuffled"] = rng.permuted(case.history, axis=1)
        made["ours, history reversed"] = 1 - case.history
    return {name: make_predictor(n, history=rows, baseline=case.baseline) for name, rows in made.items()}


def measure(population: Simulated | Real, repetitions: int, columns: list[int]) -> dict[str, dict[int, list[float]]]:
    """Return calls (shares) and, as 2 more where it is wrong, the verdict of every repetition by method and column."""
    found: dict[str, dict[int, list[float]]] = {}
    for seed, case in enumerate(population.cases(repetitions)):
        made = predictors(case, seed)
        for points in columns:
            difference = points / 100 + (-1e-9 if points == -3 else 0.0)
            results = {PAIRED: paired(case, difference, seed)}
            results.update({name: ours(case, one, difference, seed) for name, one in made.items()})
            for name, (verdict, share) in results.items():
                wrong = verdict == ("inferior" if points > -3 else "noninferior")
                found.setdefault(name, {}).setdefault(points, []).append(share + 2 * wrong)
    return found


def show(name: str, found: dict[str, dict[int, list[float]]], columns: list[int]) -> None:
    """Print one table."""
    print(f"\n{name}\n\n| method | " + " | ".join(f"{points:+d}" for points in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    print("| full run" + " | 1" * len(columns) + " |")
    for method, row in found.items():
        cells = []
        for points in columns:
            shares = [value % 2 if value != 2 else 0.0 for value in row[points]]
            wrong = sum(value >= 2 for value in row[points]) / len(shares)
            cells.append(f"{statistics.mean(shares):.3f}" + (f" / {wrong:.1%}" if wrong or points == -3 else ""))
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
