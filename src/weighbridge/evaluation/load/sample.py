"""One request under load, timed from the moment it was due."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weighbridge.engine.protocol import Outcome

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.load.levels import Level, Metric

__all__ = ["Sample", "Status", "missed", "sample_of"]

Status = Literal["ok", "error", "timeout", "unfinished"]
_SERVED = frozenset({Outcome.ANSWERED, Outcome.TRUNCATED, Outcome.EMPTY, Outcome.FILTERED})


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one request; times in seconds, `due` since the run began, all others since `due`.

    `lag` is how late our own client sent it. `ttft`, `e2e` are math.inf where there was no whole answer: to whoever
    waits, an error and a time-out are alike. `tpot` and `gap` are None where the answer has less than two tokens that
    came apart; NaN is nowhere.
    """

    due: float
    lag: float
    status: Status
    ttft: float = math.inf
    e2e: float = math.inf
    tpot: float | None = math.inf
    gap: float | None = math.inf
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int = 0
    wanted: int = 0
    detail: str = ""

    @property
    def ended(self) -> float:
        """When the answer was whole, since the run began."""
        return self.due + self.e2e

    def value(self, metric: Metric) -> float | None:
        """Return one of its times."""
        return {"ttft": self.ttft, "tpot": self.tpot, "gap": self.gap, "e2e": self.e2e}[metric]


def sample_of(due: float, sent: float, completion: Completion, wanted: int) -> Sample:
    """Return the sample of a completion that was due and sent at these moments.

    TPOT = (end to end - TTFT) / (n - 1), the definition of vLLM and MLPerf. An answer that came in one piece was seen
    at its end: that is its TTFT, and it has no TPOT.
    """
    lag = max(0.0, sent - due)
    n, total = completion.completion_tokens or 0, completion.total_s
    if completion.outcome is Outcome.TIMEOUT:
        return Sample(due, lag, "timeout", wanted=wanted, detail=completion.detail)
    if completion.outcome not in _SERVED or total is None or n == 0:
        return Sample(due, lag, "error", wanted=wanted, detail=completion.detail or "no token came")
    first = completion.first_token_s
    apart = first is not None and n > 1
    return Sample(
        due,
        lag,
        "ok",
        ttft=lag + (total if first is None else first),
        e2e=lag + total,
        tpot=(total - first) / (n - 1) if apart and first is not None else None,
        gap=(completion.longest_gap_s or 0.0) if apart else None,
        tokens_in=completion.prompt_tokens,
        tokens_cached=completion.cached_tokens,
        tokens_out=n,
        wanted=wanted,
    )


def missed(sample: Sample, level: Level) -> bool:
    """Tell whether a request exceeds a level; a time that an answer of one token does not have exceeds nothing."""
    value = sample.value(level.metric)
    return value is not None and value > level.limit_s
