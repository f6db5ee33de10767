"""Ask about a pair: how near its answers are (embeddings), and which is better (a judge)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.evaluation.arena.quoting import MOST_CHARACTERS as QUOTED_CHARACTERS
from weighbridge.pilot.shadow.agreement import MOST_CHARACTERS, cosine, embedding_request, read_embeddings
from weighbridge.pilot.shadow.asking.costs import cost_of, rough_usd, usd_of
from weighbridge.pilot.shadow.asking.judging import MOST_TOKENS, Draw, read_reply, showing

if TYPE_CHECKING:
    from weighbridge.pilot.asker import Reply
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import JudgeTerms, UpstreamSettings
    from weighbridge.pilot.shadow.asking.allotment import Allotment, Held
    from weighbridge.pilot.shadow.pair import Pair

__all__ = ["Bench", "Seat", "Send", "ask_embedding", "embedding_usd"]

Send = Callable[[str, "UpstreamSettings", str, bytes], Awaitable["Reply"]]
"""Posts to an upstream on behalf of one exchange, after the audit log has it: what for, where to, path, body."""

_OK = 200
_REST_S, _LONGEST_REST_S = 60.0, 3600.0
_ABOUT_THE_PAIR = frozenset({400, 413, 422})  # a judge that refuses this very question may be asked the next one
_INSTRUCTION_TOKENS = 300
_BYTES_PER_TOKEN = 3
_MOST_QUOTED = 6 * QUOTED_CHARACTERS  # bytes of a text as it is sent: a character may become `\u4e00`
_WORD_TOKENS = 64  # most judges say one word; what one that thinks takes more is settled afterwards


@dataclass(frozen=True, slots=True)
class Seat:
    """A judge's call that is held for a pair, before anything of the pair is known."""

    terms: JudgeTerms
    allotment: Allotment
    held: Held
    usd: float

    def leave(self) -> None:
        """Let go of it unused."""
        self.allotment.release(self.held)


class Bench:
    """The judges of a node's routes; one that cannot be asked rests, and whatever comes meanwhile is not judged.

    A minute at first and twice as long each time, up to an hour: each try is a pair that counts against both sides.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret = secret
        self._is_drawn = Draw(secret, "judge")
        self._clock = clock
        self._rests: dict[UpstreamSettings, tuple[float, float]] = {}  # until when, and how long the next one is

    def is_resting(self, terms: JudgeTerms) -> bool:
        """Whether a judge could not be asked just now."""
        return self._clock() < self._rests.get(terms.upstream, (0.0, 0.0))[0]

    async def seat(self, terms: JudgeTerms, allotment: Allotment, exchange: Exchange) -> Seat | None:
        """Hold a call before a pair is looked at; None where the allowance has none.

        Else what is judged would depend on what there is to judge.
        """
        texts = min(len(exchange.request), _MOST_QUOTED) + 2 * min(len(exchange.answer), _MOST_QUOTED)
        asked = texts / _BYTES_PER_TOKEN + _INSTRUCTION_TOKENS
        usd = usd_of(asked, _WORD_TOKENS, terms.upstream.price)
        held = await allotment.hold(usd)
        return None if held is None else Seat(terms, allotment, held, usd)

    def is_asked(self, pair: Pair) -> bool:
        """Say whether a judge is asked about a pair: the draw with its chance says so."""
        return not pair.settled and self._is_drawn(pair.id, pair.chance)

    async def hear(self, pair: Pair, texts: tuple[str, str, str], seat: Seat, send: Send) -> Pair:
        """Return the pair with a judge's word, if the draw with its chance says so.

        A judge that could not be asked has said nothing that can be read, and rests.
        """
        if not self.is_asked(pair):
            seat.leave()
            return pair
        upstream = seat.terms.upstream
        shown = showing(upstream.model, texts, self._secret, pair.id)
        usd = seat.usd
        try:
            reply = await send("judge", upstream, "/chat/completions", shown.body)
            unsaid = max(seat.usd, rough_usd(shown.body, reply, upstream.price))
            if reply.error:  # it may have written all that it was allowed to
                unsaid = usd_of(len(shown.body) / _BYTES_PER_TOKEN, MOST_TOKENS, upstream.price)
            usd = cost_of(reply, upstream.price, unsaid)
        finally:
            seat.allotment.settle(seat.held, usd)
        judged = read_reply(reply.body, first=shown.first) if reply.status == _OK else "none"
        self._note(upstream, is_there=reply.status == _OK or reply.status in _ABOUT_THE_PAIR)
        spent = replace(pair.spent, judge_calls=1, judge_usd=usd)
        return replace(pair, judged=judged, first=shown.first, spent=spent)

    def _note(self, upstream: UpstreamSettings, *, is_there: bool) -> None:
        """Let a judge that cannot be asked rest; one that can has all its rests before it again."""
        if is_there:
            self._rests.pop(upstream, None)
            return
        rest_s = self._rests.get(upstream, (0.0, _REST_S))[1]
        self._rests[upstream] = (self._clock() + rest_s, min(_LONGEST_REST_S, 2 * rest_s))


def embedding_usd(upstream: UpstreamSettings, exchange: Exchange) -> float:
    """Return what the embeddings of two answers may cost."""
    characters = min(2 * len(exchange.answer), 2 * MOST_CHARACTERS)
    return usd_of(characters / _BYTES_PER_TOKEN, 0, upstream.price)


async def ask_embedding(pair: Pair, texts: tuple[str, str, str], upstream: UpstreamSettings, send: Send) -> Pair:
    """Return the pair with the cosine of its answers' embeddings; as it was where none can be had."""
    _, ours, theirs = texts
    body = embedding_request(upstream.model, ours, theirs)
    reply = await send("embedding", upstream, "/embeddings", body)
    usd = cost_of(reply, upstream.price, usd_of(len(body) / _BYTES_PER_TOKEN, 0, upstream.price))
    pair = replace(pair, spent=replace(pair.spent, embedding_calls=1, embedding_usd=usd))
    vectors = read_embeddings(reply.body) if reply.status == _OK else None
    near = cosine(*vectors) if vectors is not None else None
    return pair if near is None else replace(pair, agreement=near, measure="embedding")
