"""The shadow of a node: it asks candidates what callers asked us, after they have been served.

The primary never waits for it: an exchange that ended is put on a bounded queue, and where that is full, or too many
came in a second, it is dropped and counted. Bodies go to the candidate as the caller wrote them, streams as streams,
so that bytes, options and the time to the first token are comparable; only the model's name is another. Nothing is
billed to a caller.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.shadow.asking.judging import Draw
from weighbridge.pilot.shadow.asking.line import MOST_AT_ONCE, Line
from weighbridge.pilot.shadow.asking.trial import Dropped, Links, Trials
from weighbridge.pilot.shadow.pair import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.asker import Asker
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import Route
    from weighbridge.pilot.shadow.asking.allotment import Bank
    from weighbridge.pilot.shadow.pair import Pair
    from weighbridge.pilot.shadow.scoring import Scored

__all__ = ["MOST_BODY_BYTES", "MOST_PER_SECOND", "Links", "Shadow"]

MOST_PER_SECOND = 10
"""Trials that begin on a node: a pair takes some milliseconds of processor time, which callers shall not miss."""
MOST_BODY_BYTES = 1 << 20
"""Of a request, and of an answer: the gateway keeps no more of one."""

_PATHS = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/responses"})
_OK = 200
_log = logging.getLogger("weighbridge.pilot.shadow")


class Shadow:
    """A Listener that asks candidates; its methods but `close` are called on the event loop.

    Pairs are `put` as entries of kind `pair`; `spend` leases the allowances of all nodes together (without it none can
    be kept, and routes that have one are not shadowed). `counts` holds by route and event what happened: `sent`,
    `failed`, `judged`, and the words for what was dropped; `usd` what it cost, by route.
    """

    def __init__(
        self,
        route_of: Callable[[str], Route | None],
        ask: Asker,
        put: Callable[[Entry], None],
        spend: Bank | None = None,
        *,
        links: Links,
    ) -> None:
        self._route_of = route_of
        self._put = put
        self._links = links
        self._is_drawn = Draw(links.secret, "sample")
        self._trials = Trials(ask, spend, links)
        self._line = Line()
        self._tasks: set[asyncio.Task[None]] = set()
        self._settings: dict[str, tuple[Route, str]] = {}
        self._told: set[tuple[str, str, str]] = set()
        self._second, self._begun = 0, 0
        self._is_closed = False
        self.counts: Counter[tuple[str, str]] = Counter()
        self.usd: dict[str, float] = {}
        if links.texts is not None:
            with suppress(OSError):  # it is tried again with every new file
                links.texts.forget()

    @property
    def waiting(self) -> int:
        """How many exchanges wait."""
        return len(self._line)

    def keeps(self, exchange: Exchange) -> bool:
        """Say, before the answer comes, whether its bodies are needed; the same on all nodes."""
        route = self._route_of(exchange.route)
        return (
            route is not None
            and route.shadow is not None
            and exchange.path in _PATHS
            and self._is_drawn(exchange.id, route.shadow.terms.share)
        )

    def ended(self, exchange: Exchange) -> None:
        """Queue an exchange that was answered well by the primary and is in the sample."""
        if not exchange.request or exchange.status != _OK or exchange.error or exchange.leg != "primary":
            return
        if self._is_closed or not self.keeps(exchange):
            return
        if len(exchange.request) > MOST_BODY_BYTES or exchange.sent_bytes > len(exchange.answer):
            self.counts[exchange.route, "too_long"] += 1
        elif not self._line.has_room(exchange) or not self._is_in_time():
            self.counts[exchange.route, "full"] += 1
        else:
            self._line.join(replace(exchange))  # bodies of the exchange itself may be let go of
            if len(self._tasks) < MOST_AT_ONCE:
                task = asyncio.get_running_loop().create_task(self._work())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Take nothing more, and give back what was not spent; the loop has ended, or ends with its tasks."""
        self._is_closed = True
        self._line.clear()
        self._trials.close()

    def _is_in_time(self) -> bool:
        """Whether another trial may begin in this second; if so it counts."""
        second = int(self._links.now())
        if second != self._second:
            self._second, self._begun = second, 0
        self._begun += 1
        return self._begun <= MOST_PER_SECOND

    async def _work(self) -> None:
        """Do what may begin, one after another."""
        while not self._is_closed and (exchange := self._line.call()) is not None:
            try:
                route = self._route_of(exchange.route)
                if route is not None and route.shadow is not None:
                    await self._attempt(exchange, route)
            finally:
                self._line.leave(exchange)

    async def _attempt(self, exchange: Exchange, route: Route) -> None:
        """Try, and count why it came to nothing; raises nothing."""
        try:
            await self._try(exchange, route)
        except Dropped as dropped:
            self.counts[route.name, dropped.why] += 1
            self._tell_spent(route, dropped.spent)
        except (WeighbridgeError, OSError) as error:  # what the audit log cannot take is not sent
            self.counts[route.name, "unrecorded"] += 1
            _log.warning("a prompt of %s was not shadowed: %s", route.name, error)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must end neither the task nor the gateway
            self.counts[route.name, "broke"] += 1
            _log.error("a prompt of %s was not shadowed: %s", route.name, type(error).__name__)

    async def _try(self, exchange: Exchange, route: Route) -> None:
        """Run a trial, and put the pair."""
        if route.shadow is None:
            return
        scored = await self._trials.run(exchange, route.shadow, self._test_of(route))
        pair = scored.pair
        self._count(pair, route.name)
        self._put(Entry(self._links.now(), route.name, "pair", pair.to_facts()))
        self._tell_spent(route, scored.spent)
        if route.shadow.terms.keep_texts:
            await self._keep(scored, route.name)

    def _test_of(self, route: Route) -> str:
        """Return the digest of a route's settings; reckoned once for each reading of the file."""
        known = self._settings.get(route.name)
        if known is None or known[0] is not route:
            known = self._settings[route.name] = route, settings_of(route)
        return known[1]

    async def _keep(self, scored: Scored, route: str) -> None:
        """Keep the texts of a pair; raises OSError."""
        keeper = self._links.texts
        if keeper is None or scored.texts is None:
            return
        if not await self._trials.beside(partial(keeper.keep, route, scored.pair.id, scored.texts)):
            self.counts[route, "texts_full"] += 1

    def _tell_spent(self, route: Route, whose: str) -> None:
        """Say once a day and node that an allowance has no more, or cannot be kept."""
        now = self._links.now()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        key = (route.name, whose, day)
        if whose and key not in self._told:
            self._told = {known for known in self._told if known[2] == day} | {key}
            self._put(Entry(now, route.name, "pair", {"test": settings_of(route), "spent_out": whose, "day": day}))

    def _count(self, pair: Pair, route: str) -> None:
        """Count a pair."""
        self.counts[route, "sent"] += 1
        self.counts[route, "failed"] += bool(pair.failed)
        self.counts[route, "judged"] += bool(pair.judged)
        spent = pair.spent
        self.usd[route] = self.usd.get(route, 0.0) + spent.usd + spent.judge_usd + spent.embedding_usd
