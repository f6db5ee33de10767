"""Where a canary stands, for people: both rates of every sign, what they prove, and what is still needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.core.estimate import Estimate
from weighbridge.pilot.canary.groups import Groups
from weighbridge.pilot.canary.jury import shown
from weighbridge.pilot.canary.quality import QUALITY, Quality
from weighbridge.pilot.canary.signs import METRICS, REFERENCE
from weighbridge.statistics.arms import HarmTest, SafetyTest, rate_sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Row", "Standing", "read_standing"]

_MOST = 1e6  # no reader needs a greater e-value
_LISTS = ("steps", "apart", "speaks_for_all")
_METHOD = "Beta mixture, at all times"
_SIGNS = len(METRICS) + 1
"""Those that share the error of a rollback: quality has its part whether anybody judges or not."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sign: both rates over the whole trial, and the e-values of harm (trial) and of safety (this step).

    The rates of `quality` are of prompts that both models answered: those on which this one's answer is the worse one,
    a tie being half of each; its safety is that of the whole trial.

    `harm_share` and `safe_share` lie between 0 and 1: how far the logarithm of the evidence is on its way to what a
    rollback, or an advance, takes. Rates are None before anything was counted.
    """

    metric: str
    primary: Estimate | None
    candidate: Estimate | None
    harm: float
    safe: float
    harm_share: float
    safe_share: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "metric": self.metric,
            "primary": self.primary and self.primary.to_json(),
            "candidate": self.candidate and self.candidate.to_json(),
            "harm": self.harm,
            "safe": self.safe,
            "harm_share": self.harm_share,
            "safe_share": self.safe_share,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """A canary as its document tells; `steps` and `share` are shares of the callers, times seconds since 1970.

    `since` is when it came into its state, `start` when the first step began, `now` when it was last told of anything.
    `step` counts from 0. `needed` is about how many more exchanges of the candidate this step takes where it is as good
    as the primary, `pairs_needed` how many more pairs of the shadow, `wait_s` how long it lasts at the least from `now`
    on. `measured` of `to_measure` answers have told how long the primary takes; `late_s` is what counts as late, 0
    before that is known. `callers` of this step got the candidate (of those with equally many exchanges), about
    `least_callers` have to. `harm_share` is that of all signs together. `quality` says whether anybody judges which
    answers are better; where nobody does there is no row of it, and nothing is claimed.
    `apart` are keys whose callers were taken back to the primary. `rests_on` is the key that alone shows what is held
    against the candidate, which goes on until others show it too; "" where nothing is waited for. `speaks_for_all` are
    keys each of which could steer it by itself, since the others have brought next to nobody. `code` and `facts` are
    what `pilot.words` makes a sentence of, `why` is that in English.
    """

    state: str
    share: float
    step: int
    steps: tuple[float, ...]
    trial: int
    since: float
    start: float
    now: float
    why: str
    by: str
    code: str
    facts: Mapping[str, Any]
    margin: float
    alpha: float
    late_s: float
    quality: Literal["looked at", "not looked at"]
    needed: int
    pairs_needed: int
    wait_s: float
    measured: int
    to_measure: int
    callers: int
    least_callers: int
    harm: float
    harm_share: float
    rows: tuple[Row, ...]
    apart: tuple[str, ...]
    rests_on: str
    speaks_for_all: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in {"rows", *_LISTS}}
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        return {**plain, **lists, "rows": [row.to_json() for row in self.rows]}


def read_standing(body: Mapping[str, Any]) -> Standing | None:
    """Return what the body of a canary's document tells; None where it is none, or one of another version."""
    try:
        return _standing(body)
    except (KeyError, TypeError, ValueError):
        return None


def _standing(body: Mapping[str, Any]) -> Standing:
    """Read a body; raises KeyError, TypeError or ValueError for what is none."""
    alpha = float(body["alpha"])
    margin = body["quality"]["margin"]
    quality = Quality.of(body["quality"], None if margin is None else float(margin))
    rows = [_row(body, metric, place, alpha) for place, metric in enumerate(METRICS, 1)]
    harm = (sum(row.harm for row in rows) + min(quality.harm, _MOST)) / _SIGNS
    if margin is not None or quality.pairs:
        rows.append(_quality_row(quality, alpha))
    is_stepping = body["state"] == "stepping"
    left_s = body["step_since"] + body["hold_s"] - body["now"]
    return Standing(
        state=str(body["state"]),
        share=float(body["share"]),
        step=int(body["step"]),
        steps=tuple(float(share) for share in body["steps"]),
        trial=int(body["trial"]),
        since=float(body["since"]),
        start=float(body["start"]),
        now=float(body["now"]),
        why=str(body["why"]),
        by=str(body["by"]),
        code=str(body.get("code", "")),
        facts=dict(body.get("facts", {})),
        margin=float(body["margin"]),
        alpha=alpha,
        late_s=float(body["late_s"]),
        quality="looked at" if quality.is_looked_at else "not looked at",
        needed=int(body["needed"]),
        pairs_needed=int(body["pairs_needed"]),
        wait_s=max(0.0, left_s) if is_stepping else 0.0,
        measured=len(body["times"]),
        to_measure=REFERENCE,
        callers=round(Groups().restore(body["step_groups"]).effective("canary")),
        least_callers=int(body["callers_needed"]),
        harm=harm,
        harm_share=_way(harm, alpha),
        rows=tuple(rows),
        apart=shown(map(str, body["apart"])),
        rests_on="".join(shown([str(body.get("rests_on", ""))])),
        speaks_for_all=shown(map(str, body.get("speaks_for_all", ()))),
    )


def _row(body: Mapping[str, Any], metric: str, place: int, alpha: float) -> Row:
    """Return the row of a sign."""
    harm = HarmTest.from_state(body["harm"][metric]).value
    safe = SafetyTest.from_state(body["safety"][metric]).value
    return Row(
        metric,
        _rate(body["total"]["primary"], place),
        _rate(body["total"]["canary"], place),
        min(harm, _MOST),
        min(safe, _MOST),
        _way(harm, alpha / _SIGNS),
        _way(safe, alpha),
    )


def _quality_row(quality: Quality, alpha: float) -> Row:
    """Return the row of what the shadow's judge says."""
    primary, candidate = quality.worse() or (None, None)
    harm, safe = min(quality.harm, _MOST), min(quality.safe, _MOST)
    return Row(QUALITY, primary, candidate, harm, safe, _way(harm, alpha / _SIGNS), _way(safe, alpha))


def _rate(counts: list[int], place: int) -> Estimate | None:
    """Return the rate of a sign in one arm."""
    n, bad = counts[0], counts[place]
    if not n:
        return None
    return Estimate(bad / n, *rate_sequence(bad, n), n, _METHOD)


def _way(value: float, alpha: float) -> float:
    """Return how far evidence is on its way from 1 to 1 / alpha, by its logarithm."""
    return min(1.0, max(0.0, math.log(max(value, 1.0)) / math.log(1 / alpha)))
