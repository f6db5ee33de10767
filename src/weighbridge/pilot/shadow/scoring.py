"""Hold a candidate's answer against ours: what can be told without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.pilot.observation.reading import read_exchange
from weighbridge.pilot.observation.signs import Signs, signs_of, tongue_of
from weighbridge.pilot.shadow.agreement import are_same, shown, word_agreement
from weighbridge.pilot.shadow.asking.judging import chance_of
from weighbridge.pilot.shadow.pair import Pair

if TYPE_CHECKING:
    from weighbridge.pilot.asker import Reply
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.observation.noun import Reading
    from weighbridge.pilot.shadow.pair import Outcome

__all__ = ["UNAVAILABLE", "Scored", "failure_of", "score", "with_chance"]

_OK = 200
_BUSY = frozenset({408, 429, 502, 503, 504, 529})
_UNREACHED = frozenset({"connect", "blocked"})
UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair and, for a moment, its texts: prompt, our answer, the candidate's; None where there is nothing to read.

    `spent` says whose allowance had no more for it.
    """

    pair: Pair
    texts: tuple[str, str, str] | None = None
    spent: str = ""


def failure_of(reply: Reply) -> str:
    """Return why there is no answer, "" where there is one.

    `unavailable`: the server could not be reached, or was busy, which tells nothing of its model. Everything else may
    have come of this very prompt (too long a context, an answer without end), and is the candidate's own failure.
    """
    if reply.error in _UNREACHED or reply.status in _BUSY:
        return UNAVAILABLE
    if reply.error:
        return reply.error
    return "" if reply.status == _OK else f"http_{reply.status}"


def score(exchange: Exchange, reply: Reply, test: str) -> Scored | None:
    """Return the pair as far as it is known without a judge; None where our own answer cannot be read.

    A candidate that failed has lost, and so has one whose answer alone is not in the form asked for; equal answers
    tie. That is so by definition, and judges are asked about the rest.
    """
    ours = read_exchange(exchange.path, exchange.request, exchange.answer, is_stream=exchange.is_stream)
    if ours is None:
        return None
    failed = failure_of(reply)
    theirs = None
    if not failed:
        theirs = read_exchange(exchange.path, exchange.request, reply.body, is_stream=exchange.is_stream)
        failed = "" if theirs is not None else "garbled"
    pair = Pair(
        exchange.id, test, exchange.user_hash or exchange.key_id, exchange.voice,
        total_s=(exchange.total_s, reply.total_s), first_s=(exchange.first_s, reply.first_s),
    )  # fmt: skip
    if theirs is None:
        unavailable = failed == UNAVAILABLE
        timeless = replace(pair, total_s=(exchange.total_s, None), first_s=(exchange.first_s, None))
        return Scored(replace(timeless, failed=failed, settled="" if unavailable else "loss"))
    pair = _compared(pair, (ours, theirs))
    return Scored(pair, (ours.prompt, shown(ours), shown(theirs)))


def with_chance(pair: Pair) -> Pair:
    """Return the pair with the chance of being judged, where its outcome is not settled."""
    if pair.settled or pair.failed:
        return pair
    flags = (pair.refused, pair.same_language, pair.cut)
    return replace(pair, chance=chance_of(pair.agreement, flags, pair.chars))


def _compared(pair: Pair, readings: tuple[Reading, Reading]) -> Pair:
    """Return the pair with the signs of both answers."""
    ours, theirs = readings
    same = are_same(ours, theirs)
    asked = tongue_of(ours.prompt)
    one = signs_of(ours, asked=asked)
    two = one if same and ours.finish == theirs.finish else signs_of(theirs, asked=asked)
    return replace(
        pair,
        same=same,
        agreement=1.0 if same else word_agreement(shown(ours), shown(theirs)),
        measure="words",
        refused=(one.refused, two.refused),
        in_form=(one.in_form, two.in_form),
        same_language=(one.same_language, two.same_language),
        cut=(one.is_cut, two.is_cut),
        chars=(one.chars, two.chars),
        settled=_settled(one, two, same=same),
    )


def _settled(one: Signs, two: Signs, *, same: bool) -> Outcome:
    """Return the outcome that signs alone decide."""
    if same:
        return "tie"
    if one.in_form is not None and two.in_form is not None and one.in_form != two.in_form:
        return "win" if two.in_form else "loss"
    return ""
