"""The chain of a log: each record hashed over the one before, through one segment after the other."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.audit.head import Head
from weighbridge.pilot.audit.record import facts_body, stamp, write_line
from weighbridge.pilot.audit.segments import OPENED, find_tip
from weighbridge.pilot.audit.writer import SegmentWriter, lock_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["REPAIRED", "Chain"]

REPAIRED = "log.repaired"
_DAY_S = 86_400
_HALF_US = 5e-7  # seconds are cut off at the microsecond: one that was read must come out as it was written


class Chain:
    """The end of a log, held for this process; `sequence` is that of its last record.

    Not thread-safe, but for `flush`, which may run beside `append`.
    """

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        """Go on where the log ends, or begin one; raises UsageError, StoreDamaged or WeighbridgeError."""
        self._segment_bytes = segment_bytes
        self._held = lock_folder(folder)
        try:
            tip = find_tip(folder)
            self.sequence, self._hash = tip.sequence, tip.hash.encode()
            self._writer = SegmentWriter(folder, tip.segment, tip.size, tip.torn)
            self._at = datetime.fromisoformat(tip.time).timestamp() + _HALF_US if tip.time else 0.0
            self._day = self._at // _DAY_S
            self._begin(tip.size, tip.torn)
        except OSError as error:
            os.close(self._held)
            raise WeighbridgeError(f"the audit log in `{folder}` cannot be written: {error.strerror}") from error
        except BaseException:
            os.close(self._held)
            raise

    @property
    def head(self) -> Head:
        """Where the log stands."""
        return Head(self._writer.number, self.sequence, self._hash.decode(), stamp(self._at))

    def append(self, event: str, body: bytes) -> int:
        """Write a record, and return its number; raises OSError, and then nothing was written."""
        now, writer = time.time(), self._writer
        if writer.size + len(body) > self._segment_bytes or now // _DAY_S != self._day:
            self._open_next(now)
        sequence = self.sequence + 1
        line, digest = write_line(sequence, self._hash, event, body, now)
        writer.write(line)
        self.sequence, self._hash, self._at = sequence, digest, now
        return sequence

    def flush(self) -> None:
        """Have the disk hold what was written; raises OSError."""
        self._writer.flush()

    def free_bytes(self) -> int:
        """Return the bytes that are free where the log is; raises OSError."""
        return self._writer.free_bytes()

    def close(self) -> None:
        """Let go of the log."""
        self._writer.close()
        os.close(self._held)

    def _begin(self, size: int, torn: bytes) -> None:
        """Write what a start has to say: that a segment was opened, that a torn end was cut off."""
        if not self._writer.number:
            self._open_next(time.time())
        elif not size:
            self.append(OPENED, self._opening(self._writer.number))
        if torn:
            self.append(REPAIRED, facts_body({"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}))

    def _open_next(self, now: float) -> None:
        """Begin the next segment; raises OSError."""
        body = self._opening(self._writer.number + 1)
        line, digest = write_line(self.sequence + 1, self._hash, OPENED, body, now)
        self._writer.open_next(line)
        self.sequence += 1
        self._hash, self._at, self._day = digest, now, now // _DAY_S

    def _opening(self, segment: int) -> bytes:
        """Return the facts of a new segment; the first one's `log` sets it apart from every other log."""
        facts: dict[str, object] = {"format": "weighbridge/audit/v1", "segment": segment}
        if not self.sequence:
            facts["log"] = secrets.token_hex(16)
        return facts_body(facts)
