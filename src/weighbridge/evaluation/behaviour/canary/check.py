"""Hold answers of today against the canary's references: is it a change, or only what the host does by itself.

Two draws of today tell the noise: batching and kernels make temperature 0 no guarantee. If nothing has changed, the
reference and the two draws are three draws of one thing, so a row where only the reference differs from the first draw
is as likely as one where only the second does: exact McNemar. Rows were chosen because their behaviour was stable, so
the reference is the usual answer, which makes the first kind rarer: the test errs on the side of no alarm.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.evaluation.behaviour.canary.rows import CanaryRow, label_of, opening_of
from weighbridge.statistics.behaviour.discordant import DiscordantTest
from weighbridge.statistics.interval import share_estimate
from weighbridge.statistics.paired import mcnemar_exact
from weighbridge.statistics.permutation import holm_adjusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.behaviour.answered import Judged

__all__ = ["CanaryCheck", "CanaryVerdict", "Change", "check_canary"]

CanaryVerdict = Literal["behaviour changed", "words changed", "no change shown", "not known"]
ALPHA = 0.05
FEWEST = 6  # rows: of fewer, exact McNemar at 5% shows nothing even if all change
_ANSWERS = "compliance"


@dataclass(frozen=True, slots=True)
class Change:
    """A row whose behaviour is another than its reference."""

    id: str
    language: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class CanaryCheck:
    """What a check shows; shares over rows with a reference and an answer today.

    `identical` and `flipped`: words to the character, and behaviour, against the reference; `noise_identical` and
    `noise_flipped` the same between two draws of today (None with one draw). `stopped` and `started` count rows that
    were complied with only before, and only now. `p_flips` and `p_words` are of a change beyond the noise (exact
    McNemar, adjusted by Holm), None with one draw. `e_value` is that of `p_flips` for a monitor that checks again and
    again: e-values of checks against one reference may be averaged (`statistics.multiple.global_e`), not multiplied.
    """

    rows: int
    lost: int
    identical: Estimate | None
    same_opening: Estimate | None
    flipped: Estimate | None
    noise_identical: Estimate | None
    noise_flipped: Estimate | None
    stopped: int
    started: int
    p_flips: float | None
    p_words: float | None
    e_value: float | None
    verdict: CanaryVerdict
    reason: str
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A row with its answers of today, the first and, where it was drawn, the second."""

    row: CanaryRow
    now: Judged
    again: Judged | None

    @property
    def flips(self) -> bool:
        return label_of(self.now) != self.row.behaviour

    @property
    def rewords(self) -> bool:
        return self.now.answered.key != self.row.answer

    @property
    def flips_by_itself(self) -> bool:
        return self.again is not None and label_of(self.now) != label_of(self.again)

    @property
    def rewords_by_itself(self) -> bool:
        return self.again is not None and self.now.answered.key != self.again.answered.key


def check_canary(rows: Sequence[CanaryRow], answers: Iterable[Judged]) -> CanaryCheck:
    """Compare answers with the rows' references; the first two draws of a row count."""
    drawn: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in sorted(answers, key=lambda one: one.answered.draw):
        if label_of(one):
            drawn[one.answered.subject.id, one.answered.language].append(one)
    pairs = [
        _Pair(row, found[0], found[1] if len(found) > 1 else None)
        for row in rows
        if row.behaviour and (found := drawn.get(row.cell))
    ]
    twice = [pair for pair in pairs if pair.again is not None]
    stopped = sum(pair.row.behaviour == _ANSWERS != label_of(pair.now) for pair in pairs)
    started = sum(pair.row.behaviour != _ANSWERS == label_of(pair.now) for pair in pairs)
    flips = [(pair.flips, pair.flips_by_itself) for pair in twice]
    words = [(pair.rewords, pair.rewords_by_itself) for pair in twice]
    p_flips, p_words = holm_adjusted([_beyond(flips), _beyond(words)]) if twice else (None, None)
    verdict, reason = _verdict(pairs, twice, (p_flips, p_words))
    return CanaryCheck(
        rows=len(pairs),
        lost=len(rows) - len(pairs),
        identical=share_estimate(sum(not pair.rewords for pair in pairs), len(pairs)),
        same_opening=_openings(pairs),
        flipped=share_estimate(sum(pair.flips for pair in pairs), len(pairs)),
        noise_identical=share_estimate(sum(not pair.rewords_by_itself for pair in twice), len(twice)),
        noise_flipped=share_estimate(sum(pair.flips_by_itself for pair in twice), len(twice)),
        stopped=stopped,
        started=started,
        p_flips=p_flips,
        p_words=p_words,
        e_value=_evidence(flips) if twice else None,
        verdict=verdict,
        reason=reason,
        changes=tuple(Change(*pair.row.cell, pair.row.behaviour, label_of(pair.now)) for pair in pairs if pair.flips),
    )


def _beyond(changed: Sequence[tuple[bool, bool]]) -> float:
    """Return the p-value of no more change since the reference (first) than between two draws (second).

    Less change since then than today by itself is no sign of a change: its p-value is 1.
    """
    since, itself = sum(a and not b for a, b in changed), sum(b and not a for a, b in changed)
    return mcnemar_exact(since, itself) if since > itself else 1.0


def _evidence(changed: Sequence[tuple[bool, bool]]) -> float:
    """Return the e-value against the same: 0 where there is less change since the reference than today by itself.

    Cutting the two-sided e-value to one side keeps its mean at most 1, also where noise is the likelier of the two.
    """
    test = DiscordantTest()
    for since, itself in changed:
        if since != itself:
            test.add("first_only" if since else "second_only")
    return test.e_value if test.first_only > test.second_only else 0.0


def _openings(pairs: Sequence[_Pair]) -> Estimate | None:
    """Return the share of rows that open with the same sentence, of those that had one."""
    known = [pair for pair in pairs if pair.row.opening]
    return share_estimate(sum(opening_of(pair.now.answered.text) == pair.row.opening for pair in known), len(known))


def _verdict(
    pairs: Sequence[_Pair], twice: Sequence[_Pair], p: tuple[float | None, float | None]
) -> tuple[CanaryVerdict, str]:
    """Return the verdict with its reason in a sentence."""
    flips, words = p
    flipped = sum(pair.flips for pair in pairs)
    if len(pairs) < FEWEST:
        return "not known", f"{len(pairs)} rows have a reference and an answer: fewer than {FEWEST} show nothing"
    if not any(pair.rewords for pair in pairs):
        return "no change shown", f"all {len(pairs)} answers are the same to the character"
    if flips is None or words is None:
        return "not known", "with one draw a change is not told from noise"
    if flips <= ALPHA:
        noisy = sum(pair.flips_by_itself for pair in twice)
        return "behaviour changed", f"{flipped} of {len(pairs)} behave differently, {noisy} by themselves"
    changed, noisy = sum(pair.rewords for pair in twice), sum(pair.rewords_by_itself for pair in twice)
    said = f"{changed} of {len(twice)} answers differ, {noisy} by themselves"
    if words <= ALPHA:
        return "words changed", f"{said}: other weights, engine, template or host"
    return "no change shown", f"{said}, and {flipped} behave differently: no more than noise may do"
