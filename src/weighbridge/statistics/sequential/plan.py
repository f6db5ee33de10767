"""The plan of a sequential comparison: everything that must be fixed before the first call."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MAX_ITEMS", "Plan", "Question", "Verdict", "expected_calls", "items_digest"]

Question: TypeAlias = Literal["noninferior", "better"]
Verdict: TypeAlias = Literal["noninferior", "inferior", "better", "worse", "undecided"]
MAX_ITEMS: Final = 100_000
_MIXTURE_COST: Final = 1.0  # nats lost to a grid of ten bets; fitted once to bench/sequential.py
_NAMES: Final[dict[Question, tuple[Verdict, Verdict]]] = {
    "noninferior": ("noninferior", "inferior"),
    "better": ("better", "worse"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A frozen comparison over a finite benchmark of `n_items` items; its digest goes into the record.

    The score of item i is y_i: the candidate's score in [0, 1], or with `both` the candidate's minus the baseline's,
    in [-1, 1]. The question is on which side of `tau` the mean of all y_i lies, as the full run would record it.
    `noninferior` spends `alpha` on each verdict, because only one of the two can be wrong; `better` alpha/2.
    `items` is the digest of the items' names in order, `predictions` that of what the predictions are made from.
    `baseline` is the mean score of the cached baseline, None where both models are asked.
    Raises UsageError for values that no comparison can have.
    """

    n_items: int
    question: Question
    tau: float
    items: str
    predictions: str
    both: bool = False
    baseline: float | None = None
    margin: float | None = None
    alpha: float = 0.05
    budget: int | None = None
    seed: int = 0
    batch: int = 64

    def __post_init__(self) -> None:
        low, high = self.range
        numbers = [self.tau, self.alpha, *(x for x in (self.baseline, self.margin) if x is not None)]
        wrong = None
        if not 1 <= self.n_items <= MAX_ITEMS:
            wrong = f"{self.n_items} items"
        elif self.question not in get_args(Question):
            wrong = f"the question {self.question!r}"
        elif not all(map(math.isfinite, numbers)):
            wrong = "a number that is not finite"
        elif not low - 1 <= self.tau <= high + 1:
            wrong = f"the threshold {self.tau}"
        elif not 0.001 <= self.alpha <= 0.5:  # noqa: PLR2004 - the range in which the interval is kept
            wrong = f"alpha {self.alpha}"
        elif self.budget is not None and self.budget < 0:
            wrong = f"a budget of {self.budget} items"
        elif not 1 <= self.batch <= MAX_ITEMS or not 0 <= self.seed < 2**53:
            wrong = f"batch {self.batch}, seed {self.seed}"
        if wrong:
            raise UsageError(
                f"a comparison cannot be planned with {wrong}",
                hint=f"1 to {MAX_ITEMS:,} items, alpha from 0.001 to 0.5, a threshold on the scale of the scores",
            )

    @property
    def range(self) -> tuple[float, float]:
        """Return the least and the greatest score an item can have."""
        return (-1.0 if self.both else 0.0), 1.0

    @property
    def limit(self) -> int:
        """Return how many items may be drawn at most."""
        return self.n_items if self.budget is None else min(self.budget, self.n_items)

    @property
    def alpha_each(self) -> float:
        """Return the error that each of the two verdicts may have."""
        return self.alpha if self.question == "noninferior" else self.alpha / 2

    @property
    def names(self) -> tuple[Verdict, Verdict]:
        """Return the words for "above tau" and "below tau"."""
        return _NAMES[self.question]

    @property
    def digest(self) -> str:
        """Return the digest of the whole plan."""
        return digest_of(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {"schema": "weighbridge.sequential-plan/1", **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_json` wrote; UsageError where a field is missing, unknown or of another type."""
        given = {key: item for key, item in value.items() if key != "schema"}
        kinds = {
            **dict.fromkeys(("n_items", "seed", "batch", "budget"), (int,)),
            **dict.fromkeys(("tau", "alpha", "baseline", "margin"), (int, float)),
            **dict.fromkeys(("question", "items", "predictions"), (str,)),
            "both": (bool,),
        }
        optional = {"baseline", "margin", "budget"}
        sound = value.get("schema") == "weighbridge.sequential-plan/1" and set(given) == {f.name for f in fields(cls)}
        if not sound or not all(_fits(given[key], kinds[key], optional=key in optional) for key in kinds):
            raise UsageError("this is no plan of a sequential comparison", hint="it is written by `Plan.to_json`")
        return cls(**given)


def _fits(value: object, kinds: tuple[type, ...], *, optional: bool) -> bool:
    """Say whether a JSON value has one of the types; true is no number."""
    if value is None:
        return optional
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def items_digest(names: Sequence[str]) -> str:
    """Return the digest of the items' names, in the benchmark's order."""
    return digest_of(list(names))


def expected_calls(n_items: int, variance: float, gap: float, alpha: float = 0.05) -> int:
    """Return roughly how many items decide when the truth lies `gap` (a share) from the threshold.

    `variance` is that of one draw's inverse-weighted residual (`Sampler.variance`). The best bet's wealth grows by
    gap^2 / (2 variance) a draw, and faster as the population empties (gap N/M): log(1/alpha) plus the cost of not
    knowing the gap is reached after n with n N / (N - n) = 2 variance (log(1/alpha) + cost) / gap^2.
    """
    if gap == 0:
        return n_items
    alone = 2 * variance * (math.log(1 / alpha) + _MIXTURE_COST) / gap**2
    return max(1, min(n_items, math.ceil(n_items * alone / (n_items + alone))))
