"""One trial: the candidate is asked what a caller asked us, and the two answers are held against each other."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from weighbridge.pilot.asker import Reply
from weighbridge.pilot.recorder import Recorder, record_nothing
from weighbridge.pilot.shadow.asking.conversation import conversation_of
from weighbridge.pilot.shadow.asking.costs import Allotments, can_be_held, cost_of, likely_usd, unsaid_usd
from weighbridge.pilot.shadow.asking.questions import Bench, ask_embedding, embedding_usd
from weighbridge.pilot.shadow.scoring import score, with_chance

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.asker import Asker
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import Leg, ShadowSettings, UpstreamSettings
    from weighbridge.pilot.shadow.asking.allotment import Allotment, Bank, Held
    from weighbridge.pilot.shadow.asking.questions import Seat, Send
    from weighbridge.pilot.shadow.scoring import Scored
    from weighbridge.pilot.shadow.texts import TextKeeper

__all__ = ["LEAST_PATIENCE_S", "Dropped", "Links", "Trials"]

LEAST_PATIENCE_S = 60.0
_PATIENCE = 10  # times as long as the primary took
_SHORT_BYTES = 16 << 10  # of a request that is read on the event loop: in less time than a thread takes to wake
_T = TypeVar("_T")


class Dropped(Exception):
    """A trial that does not take place, and the word for why; `spent` says whose allowance has no more."""

    def __init__(self, why: str, spent: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.spent = spent


@dataclass(frozen=True, slots=True)
class Links:
    """What a shadow is joined to, besides what it cannot do without.

    `admits` says whether a leg is admitted now, `address` names the model in a body and the path for an upstream (None
    for what cannot be sent on), `secret` keys all draws and is the same on all nodes, `now` is the wall clock.
    """

    admits: Callable[[Leg], bool]
    address: Callable[[str, bytes, str], tuple[str, bytes] | None]
    secret: bytes
    record: Recorder = record_nothing
    texts: TextKeeper | None = None
    now: Callable[[], float] = time.time


class Trials:
    """Runs trials on the event loop; what takes processor time is done in one thread beside it."""

    def __init__(self, ask: Asker, spend: Bank | None, links: Links) -> None:
        self._ask = ask
        self._links = links
        self._allotments = Allotments(spend, links.now)
        self._bench = Bench(links.secret)
        self._thread = ThreadPoolExecutor(1, "pilot-shadow")

    async def run(self, exchange: Exchange, shadow: ShadowSettings, test: str) -> Scored:
        """Return the pair and its texts; raises Dropped, and WeighbridgeError where it cannot be recorded."""
        if not self._links.admits(shadow.leg):
            raise Dropped("closed")
        upstream = shadow.leg.upstream
        address = partial(self._links.address, exchange.path, exchange.request, upstream.model)
        sent = address() if len(exchange.request) <= _SHORT_BYTES else await self.beside(address)
        if sent is None:
            raise Dropped("unreadable")
        allotment, held, likely = await self._held(exchange, shadow)
        usd = likely  # what nobody tells us is taken to be spent
        try:
            reply = await self._answer_of(exchange, shadow, sent)
            usd = cost_of(reply, upstream.price, unsaid_usd(exchange, sent[1], reply, upstream.price))
            scored = await self._scored(exchange, shadow, reply, test)
            usd += scored.pair.spent.embedding_usd
        finally:
            allotment.settle(held, usd)
        spent = replace(scored.pair.spent, calls=1, usd=usd - scored.pair.spent.embedding_usd)
        return replace(scored, pair=replace(scored.pair, spent=spent))

    async def beside(self, work: Callable[[], _T]) -> _T:
        """Do what takes processor time, or waits for a disk, in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """End the thread, and give back what was not spent; waits for the database."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._allotments.close()

    async def _held(self, exchange: Exchange, shadow: ShadowSettings) -> tuple[Allotment, Held, float]:
        """Hold what the candidate may cost (the last value), and the embeddings; raises Dropped."""
        terms, price = shadow.terms, shadow.leg.upstream.price
        others = (terms.embedding,) if terms.embedding else ()
        if not can_be_held(terms.allowance, price, *(one.price for one in others)):
            raise Dropped("no_price", "candidate")
        allotment = self._allotments.of(f"shadow:{exchange.route}", terms.allowance)
        likely = likely_usd(exchange, price)
        usd = likely + sum(embedding_usd(one, exchange) for one in others)
        if allotment.is_too_dear(usd):
            raise Dropped("too_dear")
        held = await allotment.hold(usd)
        if held is None:
            raise Dropped("spent", "candidate") if allotment.is_spent else Dropped("unleased")
        return allotment, held, likely

    async def _answer_of(self, exchange: Exchange, shadow: ShadowSettings, sent: tuple[str, bytes]) -> Reply:
        """Ask the candidate; one that takes ten times as long as the primary, and a minute, is cut off."""
        patience_s = max(LEAST_PATIENCE_S, _PATIENCE * exchange.total_s)
        began = time.monotonic()
        try:
            async with asyncio.timeout(patience_s):
                return await self._send(exchange, shadow.leg.decision, "candidate", shadow.leg.upstream, *sent)
        except TimeoutError:
            return Reply(0, error="timeout", total_s=time.monotonic() - began)

    async def _scored(self, exchange: Exchange, shadow: ShadowSettings, reply: Reply, test: str) -> Scored:
        """Return the pair with all that can be said of it, cheap signs first; raises Dropped."""
        seat, is_gap, spent = await self._seat(exchange, shadow)
        try:
            scored = await self.beside(partial(score, exchange, reply, test))
            if scored is None:
                raise Dropped("unreadable")
            scored = replace(scored, pair=replace(scored.pair, gap=is_gap), spent=spent)
            send: Send = partial(self._send, exchange, shadow.leg.decision)
            embedding = shadow.terms.embedding
            if scored.texts is None:
                return scored
            pair = scored.pair
            if embedding is not None and not pair.same:
                pair = await ask_embedding(pair, scored.texts, embedding, send)
            if seat is not None:
                pair, texts = with_chance(pair), scored.texts
                if self._bench.is_asked(pair):
                    talk = await self.beside(partial(conversation_of, exchange.path, exchange.request))
                    texts = (talk or texts[0], *texts[1:])
                taken, seat = seat, None
                pair = await self._bench.hear(pair, texts, taken, send)
            return replace(scored, pair=pair)
        finally:
            if seat is not None:
                seat.leave()

    async def _seat(self, exchange: Exchange, shadow: ShadowSettings) -> tuple[Seat | None, bool, str]:
        """Hold a judge's call; else say whether there is a judge that cannot be asked now, and whose money is spent."""
        terms = shadow.terms.judge
        if terms is None:
            return None, False, ""
        if self._bench.is_resting(terms):
            return None, True, ""
        if not can_be_held(terms.allowance, terms.upstream.price):
            return None, True, "judge"
        allotment = self._allotments.of(f"judge:{exchange.route}", terms.allowance)
        seat = await self._bench.seat(terms, allotment, exchange)
        return seat, seat is None, "judge" if seat is None and allotment.is_spent else ""

    async def _send(
        self, exchange: Exchange, decision: str, purpose: str, upstream: UpstreamSettings, path: str, body: bytes
    ) -> Reply:
        """Post a body once the audit log says where a caller's words go; raises WeighbridgeError where it cannot."""
        facts = {
            "exchange": exchange.id,
            "route": exchange.route,
            "decision": decision,
            "purpose": purpose,
            "upstream": upstream.url,
            "model": upstream.model,
            "sha256": sha256(body).hexdigest(),
            "bytes": len(body),
        }
        self._links.record("shadow.asked", facts)
        return await self._ask(upstream, path, body)
