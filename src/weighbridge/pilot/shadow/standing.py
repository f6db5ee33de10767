"""What a running comparison says now, read from its document; at whatever time one looks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.core.estimate import Estimate
from weighbridge.pilot.shadow.scoring import UNAVAILABLE
from weighbridge.pilot.shadow.tally import BINS_PER_OCTAVE, SAME_BAND, preference_of
from weighbridge.pilot.shadow.verdict import ALPHA, BAD, Verdict, excess_of, goes_by_place, verdict_kept
from weighbridge.pilot.words import told
from weighbridge.statistics.stream_mean import StreamMean, quantile_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Band", "Ratio", "Standing", "harm_shown", "read_standing", "stamp"]

_EACH = 0.025  # of both ends of the other intervals, at 95%


@dataclass(frozen=True, slots=True)
class Band:
    """How many pairs of answers agree from `low` to `high`; 1 to 1: those that are the same."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """The candidate's number over ours: quantiles with the bounds between which they lie at any time, in 4.5% steps."""

    median: tuple[float, float, float]
    p90: tuple[float, float, float]
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known so far.

    `verdict` stays once it is reached, on `concluded_at` (seconds), but for a "not worse" by a judge that is shown
    later to go by place: that becomes "not looked at". `preference` goes on: the candidate's mean over sampled prompts,
    0.5 where both are as good, at level 1 - 2 ALPHA, so that verdict and interval agree. It is about
    `counted` of the `pairs`. Without a judge nobody looks at which answers are better: there is no preference, and the
    verdict is "not looked at". `excess`: by how much more of all prompts the candidate shows each sign of harm than
    the primary, at that level, too; where it is "not worse" none is above the margin. `pilot.words` makes words of
    `code` and `facts`, of what the verdict rests on or waits for; `why` is that in English. `only_candidate` and
    `only_primary`: the shares of prompts on which one alone `refused`, was `malformed` (not in the form asked for),
    answered in another `language`, or was `cut`.
    `shown_first`: the share of a judge's decisive verdicts for what it saw first. Money in US dollars.
    """

    verdict: Verdict
    code: str
    facts: Mapping[str, Any]
    why: str
    margin: float
    primary: str
    candidate: str
    judge: str
    since: float | None
    until: float | None
    concluded_at: float | None
    preference: Estimate | None
    pairs: int
    counted: int
    gaps: int
    unavailable: int
    judged: int
    unread: int
    failed: Estimate | None
    failures: Mapping[str, int]
    excess: Mapping[str, Estimate]
    only_candidate: Mapping[str, Estimate]
    only_primary: Mapping[str, Estimate]
    agreement: tuple[Band, ...]
    measures: Mapping[str, int]
    length: Ratio | None
    total_time: Ratio | None
    first_token: Ratio | None
    shown_first: Estimate | None
    cost: Mapping[str, float]
    days: Mapping[str, Mapping[str, float]]
    spent_out: Mapping[str, str]

    @property
    def difference(self) -> Estimate | None:
        """The preference less one half: below 0 where the candidate is worse; the verdict is about -margin."""
        one = self.preference
        if one is None:
            return None
        return Estimate(one.value - 0.5, one.low - 0.5, one.high - 0.5, one.n, one.method, one.level, one.unscored)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        times = {name: stamp(getattr(self, name)) for name in ("since", "until", "concluded_at")}
        return {**asdict(self), **times}


def read_standing(body: Mapping[str, Any]) -> Standing:
    """Return what a document of `ShadowFold` says; raises ValueError for one of another version."""
    try:
        return _read(body)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("this is not what a shadow of this version concludes") from error


def _read(body: Mapping[str, Any]) -> Standing:
    """Read a document."""
    about, cells, judge = body["about"], body["cells"], body["judge"]
    unavailable = body["failed"].get(UNAVAILABLE, 0)
    asked = body["pairs"] - unavailable
    failed = sum(body["failed"].values()) - unavailable
    concluded = body["concluded"]
    verdict, excess = verdict_kept(body), excess_of(body)
    preference = None if verdict == "not looked at" else _preference(cells, judge.get("unread", 0))
    margin, first = about["margin"], _share(judge.get("first", 0), judge.get("first", 0) + judge.get("second", 0))
    code = _code(body, preference, verdict, excess)
    facts = {
        "margin": margin,
        "preference": None if preference is None else preference.to_json(),
        "excess": harm_shown(excess, margin),
        "unclear": {name: one.high for name, one in excess.items() if one.high > margin},
        "first": None if first is None else first.to_json(),
    }
    return Standing(
        verdict=verdict,
        code=code,
        facts=facts,
        why=told(code, facts),
        margin=margin,
        primary=about["primary_model"],
        candidate=about["candidate_model"],
        judge=about["judge"],
        since=body["since"],
        until=body["until"],
        concluded_at=concluded["at"] if concluded else None,
        preference=preference,
        pairs=body["pairs"],
        counted=sum(cells.values()),
        gaps=body["gaps"],
        unavailable=unavailable,
        judged=judge.get("asked", 0),
        unread=judge.get("unread", 0),
        failed=_share(failed, asked),
        failures=body["failed"],
        excess=excess,
        only_candidate=_only(body, "theirs", "ours"),
        only_primary=_only(body, "ours", "theirs"),
        agreement=_bands(body["agreement"]),
        measures=body["measures"],
        length=_ratio(body["chars"]),
        total_time=_ratio(body["total_s"]),
        first_token=_ratio(body["first_s"]),
        shown_first=first,
        cost=body["cost"],
        days=body["days"],
        spent_out=body["spent_out"],
    )


def stamp(at: float | None) -> str | None:
    """Return seconds as RFC 3339 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _preference(cells: Mapping[str, int], unread: int) -> Estimate | None:
    """Return the candidate's preference; replies that nobody can read widen the interval on both sides."""
    least, most = preference_of(cells, "loss"), preference_of(cells, "win")
    if not least.counts:
        return None
    low, high = least.interval(ALPHA)[0], most.interval(ALPHA)[1]
    value = min(high, max(low, preference_of(cells, "tie").mean))
    return Estimate(value, low, high, least.n, "betting, at any time", 1 - 2 * ALPHA, unread)


def _share(count: int, total: int) -> Estimate | None:
    """Return a share with its interval, which holds at any time."""
    return StreamMean(counts={1.0: count, 0.0: total - count}).estimate(_EACH) if total else None


def _only(body: Mapping[str, Any], if_bad: str, if_good: str) -> dict[str, Estimate]:
    """Return the shares of prompts on which one alone did what is bad: it alone has the flag, or the other alone."""
    found = {}
    for name, flag, is_bad in BAD:
        counts = body[flag]
        one = _share(counts.get(if_bad if is_bad else if_good, 0), sum(counts.values()))
        if one is not None:
            found[name] = one
    return found


def _bands(counts: Mapping[str, int]) -> tuple[Band, ...]:
    """Return the bands of agreement, from the lowest; empty before the first pair."""
    if not counts:
        return ()
    tenths = [Band(place / 10, (place + 1) / 10, counts.get(str(place), 0)) for place in range(SAME_BAND)]
    return (*tenths, Band(1.0, 1.0, counts.get(str(SAME_BAND), 0)))


def _ratio(counts: Mapping[str, int]) -> Ratio | None:
    """Return the quantiles of a ratio that was counted in bins."""
    bins = {int(place): count for place, count in counts.items()}
    median, p90 = quantile_bounds(bins, 0.5, _EACH), quantile_bounds(bins, 0.9, _EACH)
    if median is None or p90 is None:
        return None
    return Ratio(_ratios(median), _ratios(p90), sum(bins.values()))


def _ratios(bounds: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return low, value and high of a quantile: edges of bins, and the middle of its own."""
    low, at, high = bounds
    scale = 1 / BINS_PER_OCTAVE
    return 2.0 ** ((low - 0.5) * scale), 2.0 ** (at * scale), 2.0 ** ((high + 0.5) * scale)


def harm_shown(excess: Mapping[str, Estimate], margin: float) -> dict[str, dict[str, float]]:
    """Return the signs of harm that are more frequent than the margin allows: by how much, and the interval's ends."""
    return {
        name: {"value": one.value, "low": one.low, "high": one.high} for name, one in excess.items() if one.low > margin
    }


def _code(
    body: Mapping[str, Any], preference: Estimate | None, verdict: Verdict, excess: Mapping[str, Estimate]
) -> str:
    """Return what the verdict rests on, or what it waits for."""
    margin = body["about"]["margin"]
    if not body["about"]["judge"]:
        return "shadow.no_judge"
    if preference is None and (body["concluded"] or goes_by_place(body["judge"])):
        return "shadow.by_place"
    if preference is None:
        return "shadow.no_word" if body["cells"] else "shadow.no_pair"
    if verdict != "not yet":
        return "shadow.reached"
    if preference.low <= 0.5 - margin:
        return "shadow.close"
    return "shadow.harm_open" if any(one.high > margin for one in excess.values()) else "shadow.place_open"
