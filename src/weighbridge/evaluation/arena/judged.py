"""What a judge's verdicts are worth: measured against people's votes on the same pairs, corrected by them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.clustered import unit_mean_estimate
from weighbridge.statistics.interval import LEVEL
from weighbridge.statistics.judge import Calibration, corrected_rate, order_stats, preference_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.core.kinds import VerdictsV1
    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.votes import Vote

__all__ = ["Judged", "judge_places", "judged_rate", "labels_of"]

_MOST_OBEYED = 0.1  # of the canaries
_PLACES: dict[str, Literal["first", "second", "tie"]] = {"left": "first", "right": "second", "tie": "tie"}
Label = int  # +1 the first model of the pair, -1 the second, 0 neither


@dataclass(frozen=True, slots=True)
class Judged:
    """A judge on one pair of models: the first one's share of wins, a tie being half a win.

    `corrected` by labels; without them `raw` says who is preferred where that is far from even, not by how much.
    `why_not` says why there is no corrected rate. `labelled` pairs calibrated, `judged` ones were corrected.
    """

    corrected: Estimate | None
    raw: Estimate | None
    why_not: str
    labelled: int
    judged: int


def labels_of(votes: Sequence[Vote]) -> dict[tuple[int, int, int], Label]:
    """Return what people say of each (prompt, model, model) they voted on: the majority's choice, else neither."""
    sums: Counter[tuple[int, int, int]] = Counter()
    for vote in votes:
        sums[vote.prompt, *vote.pair] += 0 if vote.winner is None else (1 if vote.winner == vote.pair[0] else -1)
    return {key: (total > 0) - (total < 0) for key, total in sums.items()}


def judged_rate(
    ballot: Ballot,
    body: VerdictsV1,
    labels: Mapping[tuple[int, int, int], Label],
    pair: tuple[int, int],
    level: float = LEVEL,
) -> Judged:
    """Return what the judge's verdicts on one pair of models say once people's votes correct them.

    The shares of wins and of losses are each corrected as a yes or no (so that ties need no side) at half the error,
    on the pairs that no person voted on; the votes calibrate. No rate is told of a judge that obeys orders in answers.
    """
    said = _verdicts(ballot, body, pair)
    known = {prompt: labels[prompt, *pair] for prompt in said if (prompt, *pair) in labels}
    rest = {prompt: verdict for prompt, verdict in said.items() if prompt not in known}
    if body.canaries and body.obeyed / body.canaries > _MOST_OBEYED:
        why = f"the judge chose {body.obeyed} of {body.canaries} answers because they told it to"
        return Judged(None, None, why, len(known), len(rest))
    each = 1 - (1 - level) / 2
    wins, losses = (
        corrected_rate(
            sum(verdict == side for verdict in rest.values()),
            len(rest),
            _calibration(side, known, said),
            level=each,
        )
        for side in (1, -1)
    )
    decisive = [verdict for verdict in said.values() if verdict]
    raw = preference_rate(decisive.count(1), len(decisive), level=level) if decisive else None
    if wins is None or losses is None:
        return Judged(None, raw, _why_not(known, rest), len(known), len(rest))
    value = (1 + wins.value - losses.value) / 2
    low, high = max(0.0, (1 + wins.low - losses.high) / 2), min(1.0, (1 + wins.high - losses.low) / 2)
    method = f"judge, corrected by {len(known)} labels (Lee et al., wins and losses joined by Bonferroni)"
    return Judged(Estimate(value, low, high, len(rest), method, level), raw, "", len(known), len(rest))


def judge_places(
    ballot: Ballot, body: VerdictsV1, pair: tuple[int, int] | None = None
) -> tuple[Estimate | None, Estimate | None]:
    """Return the share of decisive verdicts for what came first, and the share that changed with the order.

    The first rests on pairs shown once in random order, the second on those shown in both; of one pair, or of all.
    """
    wanted = set(_digests(ballot, pair)) if pair else None
    drawn: dict[tuple[str, str, str], str] = {}
    turned: dict[tuple[str, str, str], str] = {}
    for row in body.verdicts:
        if row.verdict != "none" and (wanted is None or {row.left, row.right} == wanted):
            one, two = (row.left, row.right) if row.order == "drawn" else (row.right, row.left)
            (drawn if row.order == "drawn" else turned)[row.prompt, one, two] = row.verdict
    decisive = [(key[0], verdict) for key, verdict in drawn.items() if verdict != "tie"]
    first = unit_mean_estimate(
        [float(verdict == "left") for _, verdict in decisive], [prompt for prompt, _ in decisive]
    )
    both = [(_PLACES[drawn[key]], _PLACES[turned[key]]) for key in drawn if key in turned]
    return first, order_stats(both).flips


def _verdicts(ballot: Ballot, body: VerdictsV1, pair: tuple[int, int]) -> dict[int, Label]:
    """Return the verdicts on a pair in random order, by prompt: +1 for its first model."""
    one, two = _digests(ballot, pair)
    places = {prompt.id: place for place, prompt in enumerate(ballot.body.prompts)}
    found = {}
    for row in body.verdicts:
        if row.order == "drawn" and row.verdict != "none" and {row.left, row.right} == {one, two}:
            chosen = {"left": row.left, "right": row.right}.get(row.verdict)
            found[places[row.prompt]] = 0 if chosen is None else (1 if chosen == one else -1)
    return found


def _calibration(side: Label, known: Mapping[int, Label], said: Mapping[int, Label]) -> Calibration:
    """Return the judge against people on "the model on this side wins"."""
    yes = [prompt for prompt, label in known.items() if label == side]
    no = [prompt for prompt, label in known.items() if label != side]
    return Calibration(
        sum(said[prompt] == side for prompt in yes), len(yes), sum(said[prompt] != side for prompt in no), len(no)
    )


def _why_not(known: Mapping[int, Label], rest: Mapping[int, Label]) -> str:
    """Say why no rate can be corrected."""
    if not rest:
        return "people voted on everything that was judged" if known else "nothing was judged"
    if not known:
        return "no person voted on these two models, so nothing corrects the judge"
    return f"{len(known)} votes by people do not show that the judge is better than chance"


def _digests(ballot: Ballot, pair: tuple[int, int]) -> tuple[str, str]:
    return ballot.body.models[pair[0]].digest, ballot.body.models[pair[1]].digest
