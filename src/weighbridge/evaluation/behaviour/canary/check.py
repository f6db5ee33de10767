"""Hold answers of today against the canary's references: is it a change, or only what the host does by itself.

Two draws of today tell the noise: batching and kernels make temperature 0 no guarantee. If nothing has changed, the
reference and the two draws are three draws of one thing, so a row where only the reference differs from the first draw
is as likely as one where only the second does: exact McNemar. Rows were chosen because their behaviour was stable, so
the reference is the usual answer, which makes the first kind rarer: the test errs on the side of no alarm.

That test excuses any noise, so noise has a bound of its own: of rows that were stable 5% may differ by themselves, and
5% be lost on the way (exact binomial). A host that tosses a coin has changed, though no draw shows from what.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.evaluation.behaviour.canary.rows import CanaryRow, label_of, opening_of
from weighbridge.statistics.behaviour.acceptance import CountGate
from weighbridge.statistics.behaviour.discordant import DiscordantTest
from weighbridge.statistics.interval import share_estimate, wilson
from weighbridge.statistics.paired import mcnemar_exact
from weighbridge.statistics.permutation import holm_adjusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.behaviour.answered import Judged

__all__ = ["CanaryCheck", "CanaryVerdict", "Change", "check_canary"]

CanaryVerdict = Literal["behaviour changed", "unsteady", "words changed", "no change shown", "not known"]
ALPHA = 0.05
FEWEST = 6  # rows: of fewer, exact McNemar at 5% shows nothing even if all change
ALLOWED = 0.05  # of the rows may differ by themselves, or be lost, where the reference shows no noise
MOST_MISSING = 0.2  # of the rows; beyond, what is left speaks for itself only
_ANSWERS = "compliance"
_NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Change:
    """A row whose behaviour is another than its reference; `now` is "no answer" where it was lost."""

    id: str
    language: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class CanaryCheck:
    """What a check shows; shares over rows with a reference and an answer today.

    `lost` rows have a reference and no answer today, `half` an answer to one of two draws. `identical` and `flipped`:
    words to the character, and behaviour, against the reference; `noise_identical` and `noise_flipped` the same between
    two draws of today (None with one draw). `stopped` and `started` count rows that were complied with only before, and
    only now. `p_flips` and `p_words` are of a change beyond the noise (exact McNemar, adjusted by Holm), None with one
    draw. `p_unsteady` is of as many rows that differ by themselves, `p_lost` of as many lost, if the share allowed were
    the true one (exact binomial, one side, not adjusted). `e_value` is that of `p_flips` for a monitor that checks
    again and again: e-values of checks against one reference may be averaged (`statistics.multiple.global_e`), not
    multiplied.
    """

    rows: int
    lost: int
    half: int
    identical: Estimate | None
    same_opening: Estimate | None
    flipped: Estimate | None
    noise_identical: Estimate | None
    noise_flipped: Estimate | None
    stopped: int
    started: int
    p_flips: float | None
    p_words: float | None
    p_unsteady: float | None
    p_lost: float
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


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows with a reference, by what was heard of them, and the p-values of what that shows."""

    pairs: tuple[_Pair, ...]
    lost: tuple[CanaryRow, ...]
    half: int
    p_flips: float | None
    p_words: float | None
    p_unsteady: float | None
    p_lost: float

    @property
    def twice(self) -> list[_Pair]:
        """The rows with two answers."""
        return [pair for pair in self.pairs if pair.again is not None]


def check_canary(rows: Sequence[CanaryRow], answers: Iterable[Judged]) -> CanaryCheck:
    """Compare answers with the rows' references; the first two draws of a row count."""
    found = _find([row for row in rows if row.behaviour], list(answers))
    pairs, twice = found.pairs, found.twice
    verdict, reason = _verdict(found)
    return CanaryCheck(
        rows=len(pairs),
        lost=len(found.lost),
        half=found.half,
        identical=share_estimate(sum(not pair.rewords for pair in pairs), len(pairs)),
        same_opening=_openings(pairs),
        flipped=share_estimate(sum(pair.flips for pair in pairs), len(pairs)),
        noise_identical=share_estimate(sum(not pair.rewords_by_itself for pair in twice), len(twice)),
        noise_flipped=share_estimate(sum(pair.flips_by_itself for pair in twice), len(twice)),
        stopped=sum(pair.row.behaviour == _ANSWERS != label_of(pair.now) for pair in pairs),
        started=sum(pair.row.behaviour != _ANSWERS == label_of(pair.now) for pair in pairs),
        p_flips=found.p_flips,
        p_words=found.p_words,
        p_unsteady=found.p_unsteady,
        p_lost=found.p_lost,
        e_value=_evidence([(pair.flips, pair.flips_by_itself) for pair in twice]) if twice else None,
        verdict=verdict,
        reason=reason,
        changes=(
            *(Change(*pair.row.cell, pair.row.behaviour, label_of(pair.now)) for pair in pairs if pair.flips),
            *(Change(*row.cell, row.behaviour, _NO_ANSWER) for row in found.lost),
        ),
    )


def _find(rows: Sequence[CanaryRow], answers: Sequence[Judged]) -> _Found:
    """Put answers to their rows, and test what they show."""
    drawn: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in sorted(answers, key=lambda one: one.answered.draw):
        if label_of(one):
            drawn[one.answered.subject.id, one.answered.language].append(one)
    pairs = tuple(
        _Pair(row, heard[0], heard[1] if len(heard) > 1 else None) for row in rows if (heard := drawn.get(row.cell))
    )
    twice = [pair for pair in pairs if pair.again is not None]
    lost = tuple(row for row in rows if row.cell not in drawn)
    flips, words = (
        holm_adjusted(
            [
                _beyond([(pair.flips, pair.flips_by_itself) for pair in twice]),
                _beyond([(pair.rewords, pair.rewords_by_itself) for pair in twice]),
            ]
        )
        if twice
        else (None, None)
    )
    return _Found(
        pairs,
        lost,
        half=len(pairs) - len(twice) if any(one.answered.draw for one in answers) else 0,
        p_flips=flips,
        p_words=words,
        p_unsteady=_as_many(sum(pair.flips_by_itself for pair in twice), len(twice), _allowed(rows)) if twice else None,
        p_lost=_as_many(len(lost), len(rows), ALLOWED),
    )


def _allowed(rows: Sequence[CanaryRow]) -> float:
    """Return the share of rows that may differ by themselves: the upper limit (Wilson) of what was recorded as such."""
    noisy = sum(row.unsteady for row in rows)
    return max(ALLOWED, wilson(noisy, len(rows))[1]) if noisy else ALLOWED


def _as_many(count: int, n: int, share: float) -> float:
    """Return the chance of at least `count` of n at this share."""
    return CountGate(count, n).chance(share) if n else 1.0


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


def _verdict(found: _Found) -> tuple[CanaryVerdict, str]:
    """Return the verdict with its reason in a sentence; what changed comes before what is not known."""
    pairs, rows = found.pairs, len(found.pairs) + len(found.lost)
    if len(pairs) < FEWEST:
        return "not known", f"{len(pairs)} rows have a reference and an answer: fewer than {FEWEST} show nothing"
    if (changed := _change(found)) is not None:
        return changed
    if len(found.lost) + found.half > MOST_MISSING * rows:
        return "not known", f"of {rows} rows {len(found.lost)} have no answer and {found.half} only one of two"
    if not any(pair.rewords or pair.rewords_by_itself for pair in pairs):
        return "no change shown", f"all {len(pairs)} answers are the same to the character"
    if not found.twice:
        return "not known", "with one draw a change is not told from noise"
    flipped = sum(pair.flips for pair in pairs)
    return "no change shown", f"{_reworded(found)}, and {flipped} behave differently: no more than noise may do"


def _change(found: _Found) -> tuple[CanaryVerdict, str] | None:
    """Return what is shown to have changed, the weightiest first; None where nothing is."""
    pairs, twice = found.pairs, found.twice
    noisy = sum(pair.flips_by_itself for pair in twice)
    if _is_shown(found.p_flips):
        flipped = sum(pair.flips for pair in pairs)
        return "behaviour changed", f"{flipped} of {len(pairs)} behave differently, {noisy} by themselves"
    if _is_shown(found.p_lost):
        rows = len(pairs) + len(found.lost)
        return "behaviour changed", f"{len(found.lost)} of {rows} rows had an answer and have none: failed or timed out"
    if _is_shown(found.p_unsteady):
        return "unsteady", f"{noisy} of {len(twice)} rows behave differently asked twice, more than their reference did"
    if _is_shown(found.p_words):
        return "words changed", f"{_reworded(found)}: other weights, engine, template or host"
    return None


def _reworded(found: _Found) -> str:
    """Say how many answers differ from the reference, and from themselves."""
    changed, noisy = (sum(pair.rewords for pair in found.twice), sum(pair.rewords_by_itself for pair in found.twice))
    return f"{changed} of {len(found.twice)} answers differ, {noisy} by themselves"


def _is_shown(p: float | None) -> bool:
    return p is not None and p <= ALPHA
