"""Bradley-Terry ratings of many votes beside evalica: point fit, bootstraps, and what the two agree on.

    OPENBLAS_NUM_THREADS=1 python bench/bradley_terry.py [--votes 1000000] [--models 100] [--resamples 100]
                                                         [--rounds 3] [--json]

Votes are drawn from known ratings, 15% ties, four votes a prompt, and given as columns of labels to both. The best
round counts. Times are CPU seconds of the process, all its threads, and wall seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

import evalica
import numpy as np

from weighbridge.statistics.bradley_terry import (
    bootstrap_cells,
    bootstrap_prompts,
    clustered_covariance,
    collect,
    count_cells,
    drop_robustness,
    fit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Columns = tuple[list[str], list[str], list[str], list[int]]


def draw_votes(votes: int, models: int) -> Columns:
    """Return columns of labels: first, second, outcome, prompt."""
    random = np.random.default_rng(20261122)
    quality = random.normal(size=models)
    first = random.integers(0, models, votes)
    second = (first + random.integers(1, models, votes)) % models
    won = random.random(votes) < 1 / (1 + np.exp(quality[second] - quality[first]))
    outcome = np.where(random.random(votes) < 0.15, 2, np.where(won, 0, 1))
    names, words = [f"model-{i:03}" for i in range(models)], ("first", "second", "tie")
    return (
        [names[i] for i in first],
        [names[i] for i in second],
        [words[o] for o in outcome],
        (np.arange(votes) // 4).tolist(),
    )


def best(rounds: int, task: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what a task gives, and its least CPU and wall seconds."""
    cpu, wall, result = [], [], None
    for _ in range(rounds):
        begun, started = time.process_time(), time.perf_counter()
        result = task()
        cpu.append(time.process_time() - begun)
        wall.append(time.perf_counter() - started)
    return result, {"cpu": round(min(cpu), 4), "wall": round(min(wall), 4)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("votes", 1_000_000), ("models", 100), ("resamples", 100), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    columns, rounds, resamples = draw_votes(given.votes, given.models), given.rounds, given.resamples
    times: dict[str, dict[str, float]] = {}
    votes, times["labels to numbers"] = best(rounds, lambda: collect(*columns))
    cells, times["numbers to cells"] = best(rounds, lambda: count_cells(votes))
    rating, times["fit"] = best(rounds, lambda: fit(cells))
    _, times[f"bootstrap of votes, {resamples}"] = best(
        rounds, lambda: bootstrap_cells(cells, rating, resamples, seed=1)
    )
    _, times["sandwich by prompt"] = best(rounds, lambda: clustered_covariance(votes, rating))
    _, times[f"bootstrap of prompts, {resamples}"] = best(
        rounds, lambda: bootstrap_prompts(votes, rating, resamples, seed=1)
    )
    dropped, times["drop robustness"] = best(rounds, lambda: drop_robustness(cells))
    _, times[f"all from labels: fit and bootstrap of votes, {resamples}"] = best(
        rounds, lambda: bootstrap_cells(c := count_cells(collect(*columns)), fit(c), resamples, seed=1)
    )
    words = {"first": evalica.Winner.X, "second": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    winners = [words[word] for word in columns[2]]
    theirs, times["evalica: fit from labels"] = best(
        rounds, lambda: evalica.bradley_terry(columns[0], columns[1], winners, tolerance=1e-10)
    )
    method: Any = evalica.bradley_terry  # its own default, BCa, asks for votes x votes bytes
    _, times["evalica: bootstrap of votes, 3"] = best(
        1,
        lambda: evalica.bootstrap(
            method, columns[0], columns[1], winners, n_resamples=3, bootstrap_method="percentile"
        ),
    )
    logs = np.log(theirs.scores[list(votes.models)].to_numpy())
    apart = float(np.abs(rating.theta - (logs - logs.mean())).max())
    report = {"times": times, "largest difference to evalica": apart, "votes that hold up the leader": dropped.votes}
    if given.json:
        print(json.dumps(report))
        return
    for task, seconds in times.items():
        print(f"{task:60} {seconds['cpu']:9.4f} s CPU {seconds['wall']:9.4f} s")
    print(f"largest difference to evalica {apart:.1e}; votes that hold up the leader: {dropped.votes}")


if __name__ == "__main__":
    main()
