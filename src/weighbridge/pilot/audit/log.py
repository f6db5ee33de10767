"""The audit log of a running gateway: what was answered is written down before it is answered.

Guarantee. The record of a whole answer, and that a stream began, are in the kernel before the answer's first byte is
handed to the server: `kill -9` at any moment loses none. The end of a stream is written right after its last byte.
All of it is flushed to the disk within 50 ms or 256 records: that is what a loss of power can take. Where a record
cannot be written (disk full), what it would have recorded does not happen: 503, until it can be written again.
"""

from __future__ import annotations

import errno
import logging
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.access.protocol import Refusal
from weighbridge.pilot.audit.chain import Chain
from weighbridge.pilot.audit.record import began_body, event_name, exchange_body, facts_body
from weighbridge.pilot.audit.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from weighbridge.pilot.audit.head import Head
    from weighbridge.pilot.exchange import Exchange

__all__ = ["UNAVAILABLE", "AuditLog", "AuditSettings", "AuditState"]

_log = logging.getLogger("weighbridge.audit")

EXCHANGE, BEGAN, ENDED, AMENDED = "exchange", "exchange.began", "exchange.ended", "exchange.amended"
REFUSALS, RESUMED = "refusals.counted", "log.resumed"
UNAVAILABLE = "audit_unavailable"
_HINT = "make room on its disk; it is tried again each second"
_MOST_HELD = 10_000


_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """When segments end, when the disk is flushed, how many bytes stay free, how often refusals and heads are told.

    A segment ends at `segment_bytes` or with the day (UTC). `spare_bytes` free on the disk are left for the records of
    what is under way: below that nothing new is passed on.
    """

    segment_bytes: int = 64 << 20
    flush_s: float = 0.05
    flush_records: int = 256
    spare_bytes: int = 16 << 20
    tick_s: float = 1.0
    refusals_s: float = 60.0
    head_s: float = 3600.0


class AuditState(NamedTuple):
    """What metrics ask: last sequence, records not flushed yet, since when (seconds), why nothing can be written."""

    sequence: int
    unflushed: int
    lag_s: float
    trouble: str


class AuditLog:
    """A Witness, a Listener and a Recorder (`record`); from any thread. One process a folder.

    `on_head` is told where the log stands each `head_s` and at the end, in the log's own thread. Raises UsageError
    where another process holds the folder, StoreDamaged where the last segment's chain does not hold,
    WeighbridgeError where the folder cannot be written.
    """

    def __init__(
        self, folder: Path, settings: AuditSettings | None = None, on_head: Callable[[Head], None] | None = None
    ) -> None:
        self._settings = settings or AuditSettings()
        self._on_head = on_head
        self._lock = threading.Lock()
        self._answered: dict[str, int] = {}
        self._refusals = Refusals()
        self._chain = Chain(folder, self._settings.segment_bytes)
        self._trouble = ""
        self._is_broken = False
        self._held: list[tuple[str, bytes]] = []
        self._lost = self._turned_away = 0
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._since = 0.0
        self._flushed = self._chain.sequence
        self._signal_at = self._flushed + 1  # the record that the log's thread is to hear of
        self._ends = False
        self._thread = threading.Thread(target=self._look_after, name="weighbridge-audit", daemon=True)
        self._thread.start()

    @property
    def head(self) -> Head:
        """Where the log stands."""
        with self._lock:
            return self._chain.head

    @property
    def state(self) -> AuditState:
        """What metrics ask."""
        with self._lock:
            sequence = self._chain.sequence
            unflushed = sequence - self._flushed
            lag = time.monotonic() - self._since if unflushed else 0.0
            return AuditState(sequence, unflushed, lag, self._trouble)

    def refusal(self) -> Refusal | None:
        """Return why nothing may be passed on now, or None."""
        return _refused(self._trouble) if self._trouble else None

    def answering(self, exchange: Exchange) -> Refusal | None:
        """Write that an exchange is answered, before it is; the refusal to send instead where that fails."""
        if exchange.sent_sha256:
            is_written, noted = self._write(EXCHANGE, exchange_body(exchange)), exchange.status
        else:
            is_written, noted = self._write(BEGAN, began_body(exchange)), 0
        if is_written:
            self._answered[exchange.id] = noted
            return None
        exchange.sent_sha256 = ""  # none of it is sent
        return _refused(self._trouble)

    def ended(self, exchange: Exchange) -> None:
        """Note an exchange's end, unless its record has it all already."""
        noted = self._answered.pop(exchange.id, None)
        if noted is None:
            with self._lock:
                if exchange.error == UNAVAILABLE and not exchange.upstream_status:
                    self._turned_away += 1
                    return
                if self._refusals.count(exchange):
                    return
            event = EXCHANGE
        elif noted == exchange.status:
            return
        else:
            event = AMENDED if noted else ENDED
        self._write(event, exchange_body(exchange), holds=True)

    def record(self, event: str, facts: Mapping[str, object]) -> None:
        """Write an event of another room; raises WeighbridgeError where it cannot be written or is no JSON."""
        if not self._write(event_name(event), facts_body(facts)):
            raise WeighbridgeError(
                f"`{event}` was not done: the audit log cannot be written ({self._trouble})", hint=_HINT
            )

    def close(self) -> None:
        """Write the refusals that were counted, flush, tell the head, and let go of the folder."""
        if self._ends:
            return
        self._ends = True
        self._hurry.set()
        self._wake.set()
        self._thread.join()
        with self._lock:
            if self._trouble and not self._is_broken:
                self._recover()
        self._tell_refusals()
        self._flush()
        try:
            self._tell_head()
        finally:
            self._chain.close()

    def _write(self, event: str, body: bytes, *, holds: bool = False) -> bool:
        """Write a record; what `holds` is kept in memory where that fails, for it happened already."""
        with self._lock:
            if not self._trouble:
                try:
                    sequence = self._chain.append(event, body)
                except OSError as error:
                    self._stumble(error)
                else:
                    if sequence >= self._signal_at:
                        self._signal()
                    return True
            if holds and len(self._held) < _MOST_HELD:
                self._held.append((event, body))
            elif holds:
                self._lost += 1
            return False

    def _signal(self) -> None:
        """Have what was written flushed soon, and at once where it is much."""
        if self._wake.is_set():
            self._hurry.set()
            self._signal_at = sys.maxsize
        else:
            self._since = time.monotonic()
            self._wake.set()
            self._signal_at = self._flushed + self._settings.flush_records

    def _stumble(self, error: OSError) -> None:
        """Note why nothing can be written."""
        self._trouble = error.strerror or type(error).__name__
        _log.error("the audit log cannot be written: %s; requests are refused", self._trouble)

    def _look_after(self) -> None:
        """Run the log's thread; where it fails nothing is answered any more, for nothing would be flushed."""
        try:
            self._run()
        except Exception as error:
            with self._lock:
                self._is_broken = True
                self._stumble(OSError(0, f"its thread ended: {type(error).__name__}"))
            raise

    def _run(self) -> None:
        """Flush soon after each record; look after the rest now and then."""
        settings = self._settings
        tick_at = time.monotonic() + settings.tick_s
        refusals_at, head_at = tick_at + settings.refusals_s, tick_at + settings.head_s
        while not self._ends:
            if self._wake.wait(max(0.0, tick_at - time.monotonic())):
                self._hurry.wait(settings.flush_s)
                self._flush()
            now = time.monotonic()
            if now < tick_at:
                continue
            tick_at = now + settings.tick_s
            self._look_after_disk()
            if now >= refusals_at:
                refusals_at = now + settings.refusals_s
                self._tell_refusals()
            if now >= head_at:
                head_at = now + settings.head_s
                self._tell_head()

    def _flush(self) -> None:
        """Have the disk hold what is written by now. What it once failed to hold is not asked for again."""
        with self._lock:
            self._wake.clear()
            self._hurry.clear()
            self._flushed = self._chain.sequence
            self._signal_at = self._flushed + 1
        if self._is_broken:
            return
        try:
            self._chain.flush()
        except OSError as error:
            with self._lock:
                self._is_broken = (
                    True  # Linux forgets what failed to reach the disk, so that trying again proves nothing
                )
                self._stumble(error)

    def _look_after_disk(self) -> None:
        """Stop while there is room for what is under way, and go on when there is room again."""
        try:
            is_short = self._chain.free_bytes() < self._settings.spare_bytes
        except OSError:
            is_short = True
        with self._lock:
            if is_short and not self._trouble:
                self._stumble(OSError(errno.ENOSPC, "the disk is nearly full"))
            elif self._trouble and not is_short and not self._is_broken:
                self._recover()

    def _recover(self) -> None:
        """Write what was held, and what was missed; in trouble as before where that fails."""
        self._signal()
        try:
            while self._held:
                self._chain.append(*self._held[0])
                del self._held[0]
            facts = {"reason": self._trouble, "refused": self._turned_away, "lost": self._lost}
            self._chain.append(RESUMED, facts_body(facts))
        except OSError:
            return
        self._trouble, self._turned_away, self._lost = "", 0, 0
        _log.warning("the audit log can be written again")

    def _tell_refusals(self) -> None:
        """Write what was counted of refusals."""
        with self._lock:
            counts = self._refusals.take()
        for start in range(0, len(counts), _MOST_LISTED):
            self._write(REFUSALS, facts_body({"refusals": counts[start : start + _MOST_LISTED]}), holds=True)

    def _tell_head(self) -> None:
        """Tell where the log stands."""
        if self._on_head is None or not self.head.sequence:
            return
        try:
            self._on_head(self.head)
        except WeighbridgeError as error:
            _log.error("the audit log's head was not kept: %s", error.message)


def _refused(trouble: str) -> Refusal:
    return Refusal(503, "server_error", UNAVAILABLE, f"the audit log cannot be written: {trouble}", 5.0)
