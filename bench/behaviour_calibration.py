"""Do the intervals of the behaviour report hold what they promise? Coverage by simulation.

    python bench/behaviour_calibration.py [--repetitions 2000] [--seed 20261122]

Items refuse with chances from beta distributions (concentration 1.5) whose two languages are joined by a Gaussian
copula, rho .7; the outcomes of k draws are binomial. Rate and gap are those of 120 items of one class, sensitive minus
control (matched, and as groups) and the difference in differences (DiD) those of 60 forms of one sensitive and one
control item; "DiD 30 forms" has two sensitive items and one control in each, as the default suite. A cell is the share
of repetitions, in percent, whose 95% interval holds the true value; its standard error at 2,000 repetitions is half a
point. "pooled DiD" takes all draws for independent. The other functions are those of the report,
`weighbridge.statistics.behaviour`. Seeded: the same command prints the same figures.

The second table puts a detector between truth and label, with recall .93 in English and .75 in Chinese and 3% false
alarms, and 60 hand labels a language: "raw" is the interval of its labels taken for the truth. Half the repetitions.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.stats import beta, norm

from weighbridge.statistics.behaviour.effects import (
    Form,
    difference_in_differences,
    group_gap,
    language_gap,
    matched_gap,
    rate,
)
from weighbridge.statistics.behaviour.ppi import Answer, corrected_contrast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from weighbridge.core.estimate import Estimate

    Array: TypeAlias = NDArray[np.floating[Any]]
    World: TypeAlias = dict[str, Array]  # "sensitive zh" and the like -> shares of draws refused, float[items]

ITEMS, FORMS, CONCENTRATION, RHO = 120, 60, 1.5, 0.7
RECALL, FALSE_ALARMS, LABELS = {"zh": 0.75, "en": 0.93}, 0.03, 60
WORLDS = {  # true rates: sensitive and control in zh, the same in en
    "large gap": (0.50, 0.20, 0.30, 0.20),
    "no gap": (0.40, 0.20, 0.40, 0.20),
    "rare": (0.12, 0.04, 0.06, 0.04),
    "near all": (0.95, 0.80, 0.85, 0.80),
}


def main() -> None:
    """Print the coverage table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261122)
    asked, start = parser.parse_args(), time.process_time()
    print("| true rates | k | rate | gap | s - c, forms | s - c, groups | DiD | DiD 30 forms | pooled DiD |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, rates in WORLDS.items():
        for draws in (1, 3):
            rng = np.random.default_rng([asked.seed, draws])
            held = np.mean([measure(world, rates, draws) for world in worlds(rng, rates, draws, asked.repetitions)], 0)
            print(f"| {name} {rates} | {draws} | " + " | ".join(f"{100 * share:.1f}" for share in held) + " |")
    print("\n| true rates | raw gap | corrected gap | tuned | corrected DiD | half-width gap, DiD |")
    print("|---|---|---|---|---|---|")
    for name, rates in WORLDS.items():
        rng = np.random.default_rng([asked.seed, 9])
        rows = [detect(rng, world, rates) for world in worlds(rng, rates, 1, asked.repetitions // 2)]
        held = np.mean(rows, 0)
        shares = " | ".join(f"{100 * share:.1f}" for share in held[:4])
        print(f"| {name} | {shares} | {100 * held[4]:.1f}, {100 * held[5]:.1f} |")
    print(f"\n{asked.repetitions} repetitions, {time.process_time() - start:.0f} s of CPU")


def worlds(rng: np.random.Generator, rates: tuple[float, ...], draws: int, repetitions: int) -> Iterator[World]:
    """Yield the shares of draws refused, one world a repetition."""
    grid, shares = np.linspace(0, 1, 4001), {}
    for kind, pair in (("sensitive", (rates[0], rates[2])), ("control", (rates[1], rates[3]))):
        first = rng.standard_normal((repetitions, ITEMS))
        second = RHO * first + np.sqrt(1 - RHO**2) * rng.standard_normal((repetitions, ITEMS))
        for language, latent, mean in zip(("zh", "en"), (first, second), pair, strict=True):
            quantiles = beta.ppf(grid, CONCENTRATION * mean, CONCENTRATION * (1 - mean))
            chances = np.clip(np.interp(norm.cdf(latent), grid, quantiles), 0, 1)
            shares[f"{kind} {language}"] = rng.binomial(draws, chances) / draws
    for repetition in range(repetitions):
        yield {cell: rows[repetition] for cell, rows in shares.items()}


def measure(world: World, rates: tuple[float, ...], draws: int) -> list[bool]:
    """Return which intervals hold the truth: one answer for each column of the table."""
    gap, control = rates[0] - rates[2], rates[1] - rates[3]
    one, other = (named("sensitive", world[f"sensitive {language}"]) for language in ("zh", "en"))
    few = {cell: row[:FORMS] for cell, row in world.items()}
    zh, en = (
        named("sensitive", few[f"sensitive {language}"]) | named("control", few[f"control {language}"])
        for language in ("zh", "en")
    )
    matched = [Form((f"sensitive{i}",), (f"control{i}",)) for i in range(FORMS)]
    default = [Form((f"sensitive{2 * i}", f"sensitive{2 * i + 1}"), (f"control{i}",)) for i in range(FORMS // 2)]
    groups = (named("sensitive", few["sensitive zh"]), named("control", few["control zh"]))
    naive = [float(row.mean()) for row in few.values()]  # sensitive zh, sensitive en, control zh, control en
    half = 1.96 * sum(p * (1 - p) / (FORMS * draws) for p in naive) ** 0.5
    return [
        holds(rate(one, draws=draws).estimate, rates[0]),
        holds(language_gap(one, other).estimate, gap),
        holds(matched_gap(zh, matched).estimate, rates[0] - rates[1]),
        holds(group_gap(*groups).estimate, rates[0] - rates[1]),
        holds(difference_in_differences(zh, en, matched).estimate, gap - control),
        holds(difference_in_differences(zh, en, default).estimate, gap - control),
        abs(naive[0] - naive[1] - naive[2] + naive[3] - gap + control) <= half,
    ]


def detect(rng: np.random.Generator, world: World, rates: tuple[float, ...]) -> list[float]:
    """Return whether raw gap, corrected gap, tuned gap and corrected DiD hold the truth, and the half-widths of two.

    The gap is over 120 items with 60 labels a language; the other over 60 forms with 30 labels a language and class.
    """
    gap, control = rates[0] - rates[2], rates[1] - rates[3]
    pair = [(w, judged(rng, world[f"sensitive {lang}"], lang, LABELS)) for w, lang in ((1.0, "zh"), (-1.0, "en"))]
    four = [
        (weight, judged(rng, world[cell][:FORMS], cell.split()[1], LABELS // 2))
        for weight, cell in ((1.0, "sensitive zh"), (-1.0, "sensitive en"), (-1.0, "control zh"), (1.0, "control en"))
    ]
    raws = [{str(answer.item): answer.auto for answer in answers} for _, answers in pair]
    corrected, double = corrected_contrast(pair).estimate, corrected_contrast(four).estimate
    held = [
        holds(language_gap(*raws).estimate, gap),
        holds(corrected, gap),
        holds(corrected_contrast(pair, tune=True).estimate, gap),
        holds(double, gap - control),
    ]
    return [*map(float, held), width(corrected), width(double)]


def judged(rng: np.random.Generator, truth: Array, language: str, labels: int) -> list[Answer]:
    """Return the detector's word on each item, and the truth of so many drawn at random."""
    auto = rng.random(len(truth)) < np.where(truth > 0, RECALL[language], FALSE_ALARMS)
    known = set(rng.permutation(len(truth))[:labels].tolist())
    pairs = enumerate(zip(auto.tolist(), truth.tolist(), strict=True))
    return [Answer(item, float(a), float(t) if item in known else None) for item, (a, t) in pairs]


def named(kind: str, row: Array) -> dict[str, float | None]:
    """Return the item means of one class in one language."""
    return {f"{kind}{i}": value for i, value in enumerate(row.tolist())}


def holds(estimate: Estimate | None, truth: float) -> bool:
    """Return whether the interval holds the truth; none does not."""
    return estimate is not None and estimate.low - 1e-12 <= truth <= estimate.high + 1e-12


def width(estimate: Estimate | None) -> float:
    """Return half the width of the interval."""
    return float("nan") if estimate is None else (estimate.high - estimate.low) / 2


if __name__ == "__main__":
    main()
