"""Verifying the audit log from a page: one reading at a time, in a thread of its own."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.audit.head import HEADS_FILE, head_of, read_heads
from weighbridge.pilot.audit.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.core.progress import Advance

__all__ = ["Verification"]


class Verification:
    """The last verification of a log, or the one under way; its `facts` are JSON values."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now
        self._lock = threading.Lock()
        self._runs = False
        self._done = self._total = 0
        self._began = 0.0
        self._result: dict[str, Any] | None = None

    def begin(self) -> None:
        """Begin, unless one is under way."""
        with self._lock:
            if self._runs:
                return
            self._runs, self._done, self._total, self._began = True, 0, 0, self._now()
        threading.Thread(target=self._run, name="verify-audit", daemon=True).start()

    def facts(self) -> dict[str, Any]:
        """Return how far it is, with the seconds that are left where that can be said, and what came of the last."""
        with self._lock:
            took = self._now() - self._began
            share = self._done / self._total if self._total else 0.0
            left = took * (1 - share) / share if self._runs and share > 0 and took > 1 else None
            return {"runs": self._runs, "share": share, "left_s": left, "result": self._result}

    def _run(self) -> None:
        """Read all of the log, and hold it against the heads beside it."""
        try:
            path = self._folder / HEADS_FILE
            heads = [head_of(one, path) for one in read_heads(path)] if path.exists() else []
            found: dict[str, Any] = verify(self._folder, heads, progress=self._watched).to_json()
        except WeighbridgeError as error:
            found = {"failed": error.message}
        except Exception as error:  # noqa: BLE001 - the page must say that it ended, whatever ended it
            found = {"failed": type(error).__name__}
        with self._lock:
            at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
            self._runs, self._result = False, {**found, "at": at}

    @contextmanager
    def _watched(
        self,
        label: str,  # noqa: ARG002 - the shape of Progress
        total: int,
        unit: str,  # noqa: ARG002
        /,
        *,
        note: Callable[[], str] | None = None,  # noqa: ARG002
        at_most: bool = False,  # noqa: ARG002
    ) -> Iterator[Advance]:
        """Count the bytes."""
        self._total = total

        def advance(units: int) -> None:
            self._done += units

        yield advance
