"""One file on its way: which bytes are here, and its digests, computed while it grows."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["PIECE_BYTES", "Part"]

PIECE_BYTES = 32 << 20  # asked for at once: large enough that a request costs nothing beside it
_BUFFER_BYTES = 1 << 20
_MAX_LOG_BYTES = 4 << 20


class Part:
    """The file `path` while it is incomplete, and beside it `path`.log, a line for each stretch that is here.

    Stretches may come in any order and from several threads; `follow` hashes behind them what has no gap before it.
    A killed run leaves both files, and the next one reads them; what the log says wrongly shows in the digest.
    """

    def __init__(self, file: RemoteFile, path: Path) -> None:
        self.file = file
        self.path = path
        self.tries = 0
        self.is_alone = False
        self.turn = 0
        self._log = path.with_name(f"{path.name}.log")
        self._here: list[tuple[int, int]] = []
        self._lock, self._hashing = threading.Lock(), threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._writing = 0
        self._descriptor = -1
        self._hashed, self._is_done = 0, False
        self._start_hash()

    def resume(self) -> None:
        """Read what an earlier run left; a log that cannot be believed counts for nothing."""
        try:
            size = self.path.stat().st_size
            lines = read_small(self._log, _MAX_LOG_BYTES).decode("ascii").split("\n")[:-1]
            spans = [tuple(map(int, line.split())) for line in lines]
        except (OSError, DamagedFile, ValueError):
            return
        for span in spans:
            if len(span) == 2 and 0 <= span[0] < span[1] <= min(size, self.file.size):  # noqa: PLR2004 - from, to
                self._add(span[0], span[1])

    @property
    def covered(self) -> int:
        """Bytes that are here."""
        return sum(end - first for first, end in self._here)

    def gaps(self) -> Iterator[tuple[int, int]]:
        """Yield what is missing, from and to, in stretches of PIECE_BYTES at most."""
        at = 0
        for first, end in [*self._here, (self.file.size, self.file.size)]:
            while at < first:
                yield at, min(first, at + PIECE_BYTES)
                at = min(first, at + PIECE_BYTES)
            at = max(at, end)

    def write(self, first: int, piece: memoryview, turn: int) -> bool:
        """Put bytes where they belong; raises OSError, for example where the disk is full.

        `turn` is that of the file when its bytes were asked for. Since then it may have begun anew: then nothing is
        written, and the answer is False.
        """
        with self._lock:
            if turn != self.turn:
                return False
            self._open()
            self._writing += 1
        try:
            skipped = max(0, self._hashed - first)  # what is hashed is never written over
            piece, at = piece[skipped:], first + skipped
            rest, put = piece, at
            while rest:
                count = os.pwrite(self._descriptor, rest, put)
                rest, put = rest[count:], put + count
            self._hash_along(at, piece)
        finally:
            with self._lock:
                self._writing -= 1
                self._idle.notify_all()
        return True

    def _open(self) -> None:
        if self._descriptor < 0:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)

    def _hash_along(self, at: int, piece: memoryview) -> None:
        """Hash what was just written where nothing before it is missing: it need not be read again."""
        if at == self._hashed and not self.is_alone and self._hashing.acquire(blocking=False):
            try:
                if at == self._hashed:
                    self._update(piece)
            finally:
                self._hashing.release()

    def mark(self, first: int, end: int, turn: int) -> int:
        """Note that a stretch is here, and in the log unless the file is complete; return how much of it is new."""
        if first >= end:
            return 0
        with self._lock:
            if turn != self.turn:
                return 0
            before = self.covered
            self._add(first, end)
            if self.covered < self.file.size:
                with suppress(OSError), self._log.open("ab") as log:  # on a full disk the stretch comes again
                    log.write(b"%d %d\n" % (first, end))
            return self.covered - before

    def follow(self, is_stopped: Callable[[], bool]) -> bool:
        """Hash what has come without a gap, unless another thread does; say whether this call completed the file."""
        while not is_stopped() and self._is_behind():
            if not self._hashing.acquire(blocking=False):
                return False  # whoever hashes looks again before it leaves
            try:
                if self._hashed < self._frontier():
                    self._hash(min(self._frontier(), self._hashed + PIECE_BYTES))
                elif self._is_behind():
                    self._is_done = True
                    return True
            finally:
                self._hashing.release()
        return False

    def _is_behind(self) -> bool:
        """Whether something that is here is not hashed, or all is and nobody said so."""
        if self.is_alone and self.covered < self.file.size:
            return False  # it may come again from its beginning
        return self._hashed < self._frontier() or (self._hashed == self.file.size == self.covered and not self._is_done)

    def sha256(self) -> str:
        """Return the SHA-256 of the complete file where it is what was listed, else nothing."""
        sound = self._sha256.hexdigest() == self.file.sha256 if self.file.sha256 else self._is_blob()
        return self._sha256.hexdigest() if sound else ""

    def discard(self) -> int:
        """Delete what came, and begin anew; return how many bytes that were."""
        return self._begin_anew(self.turn, is_alone=False) or 0

    def take_alone(self, turn: int) -> int | None:
        """Begin anew for one lane, which reads from the beginning: nothing is hashed before all of it is here.

        Return how many bytes were lost, or None where the file began anew since `turn`: another lane has it.
        """
        return self._begin_anew(turn, is_alone=True)

    def _begin_anew(self, turn: int, *, is_alone: bool) -> int | None:
        """Delete what came once nobody writes any more; whoever still brings bytes of the old turn is late."""
        with self._hashing, self._lock:
            if turn != self.turn:
                return None
            self.turn += 1
            self._idle.wait_for(lambda: not self._writing)
            lost = self.covered
            self.close()
            self.path.unlink(missing_ok=True)
            self._log.unlink(missing_ok=True)
            self._here, self.is_alone = [], is_alone
            self._start_hash()
            return lost

    def complete(self, mtime_ns: int, mode: int | None) -> None:
        """Close the file, with this time and mode, and take its log away."""
        with self._lock:
            self._open()  # nothing was written: it is empty, or an earlier run wrote it all
        os.utime(self._descriptor, ns=(mtime_ns, mtime_ns))
        if mode is not None:
            os.fchmod(self._descriptor, mode)
        self.close()
        self._log.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _start_hash(self) -> None:
        self._hashed, self._is_done = 0, False
        self._sha256 = hashlib.sha256()
        self._blob = hashlib.sha1(b"blob %d\0" % self.file.size, usedforsecurity=False)

    def _is_blob(self) -> bool:
        return self._blob.hexdigest() == self.file.git_oid

    def _frontier(self) -> int:
        """Return up to where everything is here."""
        here = self._here
        return here[0][1] if here and here[0][0] == 0 else 0

    def _add(self, first: int, end: int) -> None:
        """Add a stretch; `_here` stays sorted and without overlaps, and is replaced, never changed."""
        joined: list[tuple[int, int]] = []
        for span in sorted([*self._here, (first, end)]):
            if joined and span[0] <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], span[1]))
            else:
                joined.append(span)
        self._here = joined

    def _hash(self, end: int) -> None:
        """Hash up to `end`, out of the file."""
        with self._lock:
            self._open()
        buffer = memoryview(bytearray(min(_BUFFER_BYTES, end - self._hashed)))
        while self._hashed < end:
            count = os.preadv(self._descriptor, [buffer[: end - self._hashed]], self._hashed)
            if not count:
                raise OSError(f"`{self.path}` became shorter")
            self._update(buffer[:count])

    def _update(self, data: memoryview) -> None:
        """Add bytes to the digests."""
        self._sha256.update(data)
        if not self.file.sha256:
            self._blob.update(data)
        self._hashed += len(data)
