"""Deliver notices: to the outbox of the webhook, to the evidence store, and to the audit log; to each of them once."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.core.digest import canonical
from weighbridge.errors import NotFound, StoreDamaged, UsageError, WeighbridgeError
from weighbridge.hub.remote.patience import Patience
from weighbridge.pilot.alarm.message import message_id, message_of
from weighbridge.pilot.alarm.outbox import Outbox
from weighbridge.pilot.alarm.shared import document_of, notice_of
from weighbridge.pilot.alarm.statements import is_stated, plain_facts, seen_at, state_notice
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.webhook.post import check_address, post
from weighbridge.webhook.signature import key_of, signed_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from weighbridge.pilot.admission.configuration.plan import AlarmPlan
    from weighbridge.pilot.alarm.outbox import Batch
    from weighbridge.pilot.journal.protocol import Document, Journal, Notice
    from weighbridge.pilot.recorder import Recorder

__all__ = ["Deliverer", "destination"]

_MOST_WHY = 2000  # characters: an operator's words may be in it, and no record holds more than 32 kB
_PAUSE_S = 2.0
_CLOSING_S = 5.0
_log = logging.getLogger("weighbridge.pilot.alarm")


class Deliverer:
    """Takes notices, as often as they come; a thread of its own sends what is to be sent.

    `store` is the evidence store's file, beside which the outbox lies; `secret` returns what a variable of the
    environment holds. What becomes evidence is put into the `journal`, too: every node states it in its own store, for
    each enforces decisions by itself. Raises UsageError for a webhook whose variable is empty, whose address is neither
    https nor this machine's, or whose secret is too short.
    """

    def __init__(
        self,
        store: Path,
        plan: AlarmPlan,
        secret: Callable[[str], str | None],
        record: Recorder,
        journal: Journal | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._plan = plan
        self._record = record
        self._journal = journal
        self._documents: Callable[[], Iterable[Document]] = tuple
        self._followed: set[str] = set()
        self._clock = clock
        self._address, self._key = destination(plan, secret)
        self._outbox = Outbox(store.parent)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, notice: Notice) -> None:
        """Deliver a notice; raises WeighbridgeError where that has to be tried again (a disk is full)."""
        notice = replace(notice, why=notice.why[:_MOST_WHY])
        told = None
        if self._address and notice.severity != "info":
            told = {
                "id": notice.id,
                "route": notice.route,
                "event": notice.event,
                "severity": notice.severity,
                "why": notice.why,
                "decision": notice.subject,
                "seen_at": seen_at(notice.at),
                "facts": plain_facts(notice),
            }
        kin = f"{notice.severity} {notice.route} {notice.event}"
        is_recorded = self._outbox.put(notice.id, notice.at, kin, told)
        self._wake.set()
        if self._journal is not None and is_stated(notice):
            self._journal.put(document_of(notice))
        stated, problem = self._state(notice)
        if not is_recorded:
            facts: dict[str, object] = {
                "notice": notice.id,
                "route": notice.route,
                "severity": notice.severity,
                "why": notice.why,
                "decision": notice.subject,
                "stated": stated,
                "problem": problem.message if problem else "",
                **{name: value for name, value in plain_facts(notice).items() if name not in _OWN},
            }
            self._record(notice.event, facts)
            self._outbox.recorded(notice.id)
        if problem is not None and not isinstance(problem, _LASTING):
            raise problem

    def start(self, documents: Callable[[], Iterable[Document]] = tuple) -> None:
        """Send from now on, and state what other nodes have put into `documents`, as they are known at each call."""
        self._documents = documents
        self._thread = threading.Thread(target=self._repeat, name="alarms", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sending; what was not sent is, after the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSING_S)
        self._outbox.close()

    def send(self) -> bool:
        """Send what is due, one message; return whether there was one. A message that is not taken is tried again."""
        batch = self._outbox.next(self._clock())
        if batch is None:
            return False
        try:
            self._post(batch)
        except WeighbridgeError as error:
            is_over = self._outbox.failed(batch, self._clock())
            _log.log(logging.ERROR if is_over else logging.WARNING, "%s", error.message + " (given up)" * is_over)
        else:
            self._outbox.taken(batch, self._clock())
        return True

    def follow(self) -> None:
        """State what other nodes have delivered and this one did not; what has to wait is tried again next time."""
        documents = tuple(self._documents())
        self._followed &= {document.name for document in documents}  # old ones are dropped in the end
        for document in documents:
            if document.name in self._followed:
                continue
            notice = notice_of(document)
            _, problem = self._state(notice) if notice is not None else ([], None)
            if problem is None or isinstance(problem, _LASTING):
                self._followed.add(document.name)

    def _state(self, notice: Notice) -> tuple[list[str], WeighbridgeError | None]:
        """State evidence; return the ids of the statements, and what was in the way of others."""
        stated: list[str] = []
        if not is_stated(notice):
            return stated, None
        try:
            with closing(SQLiteStore(self._store)) as store:
                for statement in state_notice(store, notice, self._plan):
                    stated.append(statement)  # noqa: PERF402 - those before a failure count
        except WeighbridgeError as error:
            _log.error("%s: not all evidence is written: %s", notice.event, error.message)
            return stated, error
        return stated, None

    def _post(self, batch: Batch) -> None:
        """Post a message, once."""
        body = canonical(message_of(batch.told, self._plan.language))
        headers = signed_headers(message_id(batch.told[0]["id"]), int(self._clock()), body, self._key)
        post(self._address, body, headers, Patience(tries=1))

    def _repeat(self) -> None:
        """Send while there is something, then wait; whatever goes wrong once does not end it."""
        while not self._stop.is_set():
            self._wake.clear()
            try:
                while self.send() and not self._stop.is_set():
                    pass
                self.follow()
            except Exception as error:  # noqa: BLE001 - a sender that has ended would tell nobody any more
                with suppress(Exception):
                    _log.error("alarms could not be told: %s", type(error).__name__)
            self._wake.wait(_PAUSE_S)


def destination(plan: AlarmPlan, secret: Callable[[str], str | None]) -> tuple[str, bytes]:
    """Return the webhook's address and the key that signs, each empty where none is asked for.

    Raises UsageError where a variable is not set, or holds what cannot be used.
    """
    return _address(plan, secret), _key(plan, secret)


def _address(plan: AlarmPlan, secret: Callable[[str], str | None]) -> str:
    """Return the webhook's address, "" where none is asked for."""
    if not plan.webhook_variable:
        return ""
    address = secret(plan.webhook_variable)
    if not address:
        raise UsageError(
            f"`[gateway.alarm]` names `{plan.webhook_variable}`, which is not set", hint="set it, or take it out"
        )
    check_address(address, plan.webhook_variable)
    return address


def _key(plan: AlarmPlan, secret: Callable[[str], str | None]) -> bytes:
    """Return the key that signs messages, empty where none is asked for."""
    if not plan.secret_variable:
        return b""
    value = secret(plan.secret_variable)
    if not value:
        raise UsageError(
            f"`[gateway.alarm]` names `{plan.secret_variable}`, which is not set", hint="set it, or take it out"
        )
    return key_of(value, plan.secret_variable)


_LASTING = (NotFound, UsageError, StoreDamaged)  # what no later attempt would cure
_OWN = frozenset({"notice", "route", "severity", "why", "decision", "stated", "problem"})
