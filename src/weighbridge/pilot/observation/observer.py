"""The observer: a listener that looks at a share of the exchanges, in a thread of its own."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.observe import describe, has_left, is_failure, observe_rescued, reading_of, tells
from weighbridge.pilot.observation.place import NOWHERE, place_nowhere
from weighbridge.pilot.observation.sampling import CANARY, RouteSample, drawn
from weighbridge.pilot.observation.signs import signs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.observation.noun import Observation
    from weighbridge.pilot.observation.place import Placer
    from weighbridge.pilot.route import ObserveTerms

__all__ = ["Observer"]

_MOST_WAITING, _MOST_WAITING_BYTES = 512, 64 << 20
_ROUND_S = 0.05  # the thread wakes so often at the most: a wake-up for every exchange costs more than the exchange
_LONGEST_REST_S = 0.05
_log = logging.getLogger("weighbridge.pilot")


class Observer:
    """Looks at a share of every route's exchanges and puts what they tell into the journal.

    `keeps` and `ended` are called on the event loop and cost microseconds. A thread reads the texts, rests as long as
    it worked, and lets go of them. What does not fit into the queue (512 exchanges, 64 MiB) is counted in `dropped`.
    `key` keys the draw of the sample. `place` says where a prompt lies among those of the reference.
    """

    def __init__(
        self,
        terms_of: Callable[[str], ObserveTerms | None],
        put: Callable[[Entry], None],
        *,
        place: Placer = place_nowhere,
        key: bytes = b"",
    ) -> None:
        self.dropped = 0
        self._terms_of = terms_of
        self._put = put
        self._place = place
        self._key = key[:64] or secrets.token_bytes(32)
        self._routes: dict[str, RouteSample] = {}
        self._drawn: dict[str, float] = {}
        self._waiting: deque[tuple[Exchange, float, int]] = deque()
        self._queued_bytes = 0  # counted by the event loop alone
        self._taken_bytes = 0  # counted by the thread alone
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Look at what waits, for five seconds at the most, and end the thread."""
        self._closing.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(5.0)

    def keeps(self, exchange: Exchange, terms: ObserveTerms) -> bool:
        """Say whether an exchange may be looked at, so that its bodies are held."""
        if not terms.share:
            return False
        sample = self._routes.get(exchange.route)
        if sample is None:
            sample = self._routes[exchange.route] = RouteSample()
        number = drawn(self._key, exchange.id)
        if number >= sample.most(terms.share):
            return False
        self._drawn[exchange.id] = number
        return True

    def ended(self, exchange: Exchange) -> None:
        """Queue an exchange that is to be looked at."""
        number = self._drawn.pop(exchange.id, None)
        sample = self._routes.get(exchange.route)
        if sample is None:
            return
        leg = exchange.rescued[0][0] if exchange.rescued else exchange.leg
        if sample.canary_share or leg == CANARY:
            sample.note(leg)
        if number is None or (terms := self._terms_of(exchange.route)) is None:
            return
        chance = sample.chance(leg, terms.share)
        if number >= chance or not sample.has_room(leg, time.monotonic(), terms.most_per_minute):
            return
        size = len(exchange.request) + len(exchange.answer)
        waiting_bytes = self._queued_bytes - self._taken_bytes
        if len(self._waiting) >= _MOST_WAITING or waiting_bytes + size > _MOST_WAITING_BYTES:
            self.dropped += 1
            return
        self._queued_bytes += size
        self._waiting.append((exchange, chance, size))
        self._wake.set()

    def _run(self) -> None:
        """Look at exchanges until the end."""
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                began = time.thread_time()
                self._take()
                if not self._closing.is_set():
                    time.sleep(min(_LONGEST_REST_S, time.thread_time() - began))
            if self._closing.is_set():
                return
            self._closing.wait(_ROUND_S)

    def _take(self) -> None:
        """Look at one exchange; what goes wrong is told in the log, without the texts, and the next follows."""
        exchange, chance, size = self._waiting.popleft()
        self._taken_bytes += size
        try:
            for seen in self._look(exchange, chance):
                self._put(Entry(seen.at, seen.route, "seen", seen.to_facts()))
        except Exception as error:  # noqa: BLE001 - one hostile text must not end all looking
            _log.error("request %s could not be observed: %s", exchange.id, type(error).__name__)

    def _look(self, exchange: Exchange, chance: float) -> Iterator[Observation]:
        """Observe an exchange; between its parts the event loop gets its turn.

        Where legs failed before another answered, their failures are told and the answer is not: it came late through
        no fault of its own.
        """
        yield from observe_rescued(exchange, chance)
        if not tells(exchange) or (exchange.rescued and not is_failure(exchange)):
            return
        reading = None if is_failure(exchange) or has_left(exchange) else reading_of(exchange)
        time.sleep(0)
        signs = signs_of(reading) if reading is not None else None
        time.sleep(0)
        place = NOWHERE
        if reading is not None and reading.prompt and exchange.leg == "primary":
            place = self._place(exchange.route, exchange.decision, reading.prompt)
        yield describe(exchange, chance, signs, place)
