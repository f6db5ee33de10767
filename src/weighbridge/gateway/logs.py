"""What the gateway says on stderr while it runs: a line each, JSON or plain, few, and never what was asked or answered.

Lines are written by a thread: a terminal or a pipe that nobody reads delays no request. Of one message ten lines are
written in ten seconds, the rest is counted. Of an exception its type and places are told, not its text: that may quote
what a caller sent. The audit log, not this, is the record.
"""

from __future__ import annotations

import copy
import json
import logging
import queue
import sys
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING, TextIO

from weighbridge.pilot.audit.record import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.recorder import Recorder

__all__ = ["REFUSED", "RefusalLog", "logged", "logs_on_stderr"]

_ROOT = "weighbridge"
_EACH, _WINDOW_S = 10, 10.0
_MOST_KINDS = 1000
_QUEUED = 10_000
_CLOSING_S = 2.0
_MAX_TEXT = 1000
_REFUSED = 400
REFUSED = "refused"
_log = logging.getLogger("weighbridge.gateway")


@contextmanager
def logs_on_stderr(*, as_json: bool = True, stream: TextIO | None = None) -> Iterator[None]:
    """Write what loggers under `weighbridge` say, from INFO on, to stderr until the block ends."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if as_json else _Plain())
    lines: queue.Queue[logging.LogRecord | None] = queue.Queue(_QUEUED)
    door = _Door(lines)
    door.addFilter(_FewOfEach())
    writer = _Writer(lines, handler)
    logger = logging.getLogger(_ROOT)
    before = logger.level
    logger.addHandler(door)
    logger.setLevel(logging.INFO)
    writer.start()
    try:
        yield
    finally:
        logger.removeHandler(door)
        logger.setLevel(before)
        writer.stop()


def logged(record: Recorder) -> Recorder:
    """Return a recorder that says on stderr what it recorded: starts, stops, reloads, admissions, keys.

    What was refused, a changed file or a leg, is a warning.
    """

    def both(event: str, facts: Mapping[str, object]) -> None:
        record(event, facts)
        level = logging.WARNING if event.endswith(".refused") else logging.INFO
        _log.log(level, event, extra={"facts": dict(facts)})

    return both


class RefusalLog:
    """A Listener that says which requests were refused or failed: status, code, key's id, request's id."""

    def ended(self, exchange: Exchange) -> None:
        """Say so, if it was."""
        if exchange.status >= _REFUSED:
            facts = {
                "status": exchange.status, "error": exchange.error, "key": exchange.key_id, "route": exchange.route,
                "leg": exchange.leg, "upstream_status": exchange.upstream_status, "id": exchange.id,
            }  # fmt: skip
            _log.info(REFUSED, extra={"facts": facts, "kind": (exchange.status, exchange.error)})


class _Door(QueueHandler):
    """Hands records to the thread that writes, and drops them where it does not keep up."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy with its text made, and the exception's places in the exception's stead."""
        record = copy.copy(record)  # other handlers see the same one
        record.message = record.getMessage()[:_MAX_TEXT]
        facts = record.__dict__["facts"] = _said(record)
        if record.exc_info and record.exc_info[0] is not None:
            places = traceback.extract_tb(record.exc_info[2])[-3:]
            facts["exception"] = record.exc_info[0].__name__
            facts["at"] = [f"{place.filename}:{place.lineno}" for place in places]
        record.args = record.exc_info = record.exc_text = None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put it into the queue, if there is room."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return


class _Writer(threading.Thread):
    """The thread that writes; where nobody reads, its end is waited for two seconds and no longer."""

    def __init__(self, lines: queue.Queue[logging.LogRecord | None], handler: logging.Handler) -> None:
        super().__init__(name="weighbridge-logs", daemon=True)
        self._lines = lines
        self._handler = handler

    def run(self) -> None:
        """Write until the end is told."""
        while (record := self._lines.get()) is not None:
            self._handler.handle(record)

    def stop(self) -> None:
        """Have it write what there is, and end."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=_CLOSING_S)
            self.join(_CLOSING_S)


class _FewOfEach(logging.Filter):
    """Lets ten of a kind pass in ten seconds, and says with the next how many did not."""

    def __init__(self) -> None:
        super().__init__()
        self._until = 0.0
        self._seen: dict[object, int] = {}
        self._hidden: dict[object, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        now = time.monotonic()
        if now >= self._until:
            self._until = now + _WINDOW_S
            self._hidden = {kind: count - _EACH for kind, count in self._seen.items() if count > _EACH}
            self._seen = {}
        kind = (record.name, record.msg, getattr(record, "kind", None))
        if kind not in self._seen and len(self._seen) >= _MOST_KINDS:
            return False
        self._seen[kind] = self._seen.get(kind, 0) + 1
        if self._seen[kind] > _EACH:
            return False
        hidden = self._hidden.pop(kind, 0)
        if hidden:
            record.__dict__["facts"] = {**_said(record), "not_written_before": hidden}
        return True


class _Json(logging.Formatter):
    """One JSON object a line, ASCII: nothing in it ends the line or moves a terminal's cursor."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {"time": stamp(record.created), "level": record.levelname.lower(), "logger": record.name}
        return json.dumps({**fields, "message": record.message, **_facts(record)}, default=str)


class _Plain(logging.Formatter):
    """Time, level, message, facts; what is not printable is written as JSON writes it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = "".join(f"  {name}={value}" for name, value in _facts(record).items() if value not in ("", None))
        text = f"{stamp(record.created)} {record.levelname.lower():<7} {record.message}{facts}"
        return text if text.isprintable() and text.isascii() else json.dumps(text)[1:-1]


def _facts(record: logging.LogRecord) -> dict[str, object]:
    """Return what a record says beyond its message, without what would overwrite its own fields."""
    own = ("time", "level", "logger", "message")
    return {(f"{name}_" if name in own else name): value for name, value in _said(record).items()}


def _said(record: logging.LogRecord) -> dict[str, object]:
    """Return the facts that were given with a record."""
    return dict(getattr(record, "facts", {}))
