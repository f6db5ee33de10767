"""Bring files: several at once, and a large one in several stretches at once; each is verified as it comes."""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from weighbridge.errors import HubUnreachable, Interrupted, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.remote.answer import BrokenOff

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.core.progress import Advance
    from weighbridge.hub.mirror.feed import Feed
    from weighbridge.hub.mirror.part import Part

__all__ = ["Transfer", "explain"]

_TRIES = 3  # of a file whose digest is another
_MISSES = 5  # attempts in a row that brought next to nothing
_LITTLE = 1 << 20
_POLL_S, _LEAVE_S = 0.1, 2.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Transfer:
    """One run over parts; `keep` is called with each that is verified, and its SHA-256, from the lane that ended it.

    A file whose digest is another is deleted and brought again, three times in all; then it is `damaged`, and the
    others go on. Any other trouble that does not pass ends the run; what came stays in the parts.
    """

    def __init__(self, feed: Feed, parts: Sequence[Part], keep: Callable[[Part, str], None]) -> None:
        self.damaged: list[str] = []
        self._feed = feed
        self._keep = keep
        ordered = sorted(parts, key=lambda part: (-part.file.size, part.file.name))
        self._fresh = deque(ordered)
        self._gaps: dict[Part, deque[tuple[int, int]]] = {}  # of files that a lane has begun
        self._turn = threading.Condition()
        self._busy = 0
        self._bytes = 0
        self._error: BaseException | None = None
        self._halt = threading.Event()

    @property
    def n_bytes(self) -> int:
        """Bytes that came so far and were not lost again."""
        return self._bytes

    def run(self, lanes: int, advance: Advance) -> None:
        """Bring everything; `advance` is called from this thread, in bytes, and with fewer where some were lost."""
        threads = [threading.Thread(target=self._work, name=f"mirror-{n}", daemon=True) for n in range(lanes)]
        for thread in threads:
            thread.start()
        shown = 0
        try:
            while alive := [thread for thread in threads if thread.is_alive()]:
                alive[0].join(_POLL_S)
                now = self._bytes
                advance(now - shown)
                shown = now
        except BaseException:
            self._stop(None)
            raise
        finally:  # a lane that waits for a silent server is left behind; it writes nothing any more
            until = time.monotonic() + _LEAVE_S
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        """Bring stretch after stretch until none is left and nobody may still hand one back."""
        part: Part | None = None
        while True:
            with self._turn:
                while (task := self._next(part)) is None and self._busy and not self._halt.is_set():
                    self._turn.wait(_POLL_S)
                if task is None or self._halt.is_set():
                    return
                self._busy += 1
                part, first, end, turn = task
            try:
                self._bring(part, first, end, turn)
                if not self._halt.is_set() and (part.follow(self._halt.is_set) or not part.file.size):
                    self._end(part)
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                self._stop(explain(error, part.file.name))
            finally:
                with self._turn:
                    self._busy -= 1
                    self._turn.notify_all()

    def _next(self, own: Part | None) -> tuple[Part, int, int, int] | None:
        """Return what a lane does next: its own file, which is hashed as it comes; then a new one, then another's."""
        if own is None or own not in self._gaps:
            if self._fresh:
                own = self._fresh.popleft()
                self._gaps[own] = deque(own.gaps()) or deque([(0, 0)])
            elif self._gaps:
                own = max(self._gaps, key=lambda part: len(self._gaps[part]))
            else:
                return None
        gap = self._gaps[own].popleft()
        if not self._gaps[own]:
            del self._gaps[own]
        return own, *gap, own.turn

    def _bring(self, part: Part, first: int, end: int, turn: int) -> None:
        """Bring one stretch, over as many connections as it takes while each brings something.

        `turn` is that of the file when the stretch was given out; a file that has begun anew since is left to others.
        """
        misses, said = 0, ""
        while first < end:
            came = first
            try:
                with self._feed.open(part.file, first, end) as flow:
                    if flow.first < first or flow.end > end:
                        mine = self._take_alone(part, turn)
                        if mine is None:
                            return  # no ranges here: another lane reads the whole file
                        first, end, turn = flow.first, flow.end, mine
                    came = first
                    for piece in flow.pieces:
                        if self._halt.is_set():
                            break
                        if not part.write(came, piece, turn):
                            return
                        came += len(piece)
                        self._count(len(piece))
            except BrokenOff as error:
                said = str(error)
            finally:
                new = part.mark(first, came, turn)
                self._count(new - (came - first))
            if self._halt.is_set() or came >= end:
                return
            misses = 0 if new >= min(_LITTLE, max(1, (end - first) // 4)) else misses + 1
            self._rest(part, misses, said)
            first = 0 if part.is_alone else came

    def _rest(self, part: Part, misses: int, said: str) -> None:
        """Wait after an attempt that brought next to nothing; raises HubUnreachable after too many of them."""
        if misses >= _MISSES:
            raise HubUnreachable(
                f"{quote(part.file.name)} does not come: {said}", hint="run it again later: it goes on from there"
            )
        if misses:
            self._feed.rest(misses - 1)

    def _take_alone(self, part: Part, turn: int) -> int | None:
        """Claim a file that comes as a whole only, with all its stretches; return its turn then, or None."""
        with self._turn:
            if part.turn != turn:
                return None
            if part.is_alone:
                return turn  # ours already, and it comes as a whole again
            self._gaps.pop(part, None)
        lost = part.take_alone(turn)
        if lost is None:
            return None
        self._count(-lost)
        return turn + 1

    def _end(self, part: Part) -> None:
        """Keep a complete file that is what was listed; bring any other anew."""
        if sha256 := part.sha256():
            self._keep(part, sha256)
            return
        self._count(-part.discard())
        part.tries += 1
        if part.tries >= _TRIES or not part.file.size:
            with self._turn:
                self.damaged.append(part.file.name)
            return
        self._feed.rest(part.tries - 1)
        with self._turn:
            self._gaps[part] = deque(part.gaps())

    def _count(self, n_bytes: int) -> None:
        with self._turn:
            self._bytes += n_bytes

    def _stop(self, error: BaseException | None) -> None:
        """End the run; the first error is the one that is told."""
        with self._turn:
            if not self._halt.is_set():
                self._error = error
            self._halt.set()
            self._turn.notify_all()
        self._feed.stop()


def explain(error: BaseException, name: str) -> BaseException:
    """Say in the house's words what a system call said of a file; a full disk keeps what came."""
    if not isinstance(error, OSError):
        return error
    if error.errno in _FULL:
        return Interrupted(
            f"the disk is full, or a limit on sizes is reached, at {quote(name)}",
            hint="make room and run the same command again: it goes on from there",
        )
    return WeighbridgeError(f"{quote(name)} cannot be written: {error.strerror or error}", hint="choose another folder")
