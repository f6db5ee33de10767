"""Lanes of a transfer against a feed that answers in the worst order."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weighbridge.hub.mirror.feed import Flow
from weighbridge.hub.mirror.part import PIECE_BYTES, Part
from weighbridge.hub.mirror.transfer import Transfer
from weighbridge.hub.remote.listing import RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SIZE = 2 * PIECE_BYTES


class _TwoStorages:
    """One storage ignores ranges and sends the whole file; the other sends wrong bytes for its stretch, later."""

    def __init__(self, whole: bytes) -> None:
        self._whole = memoryview(whole)
        self.is_half_sent, self.is_late_sent = threading.Event(), threading.Event()

    @contextmanager
    def open(self, _file: RemoteFile, first: int, end: int) -> Iterator[Flow]:
        """Open a stretch."""
        yield Flow(0, _SIZE, self._good()) if first == 0 else Flow(first, end, self._late())

    def _good(self) -> Iterator[memoryview]:
        for at in range(0, _SIZE, PIECE_BYTES // 4):
            yield self._whole[at : at + PIECE_BYTES // 4]
            if at >= PIECE_BYTES:
                self.is_half_sent.set()
                self.is_late_sent.wait(0.3)

    def _late(self) -> Iterator[memoryview]:
        self.is_half_sent.wait(5)
        yield memoryview(b"\xee" * 4096)
        self.is_late_sent.set()

    def rest(self, _number: int) -> None:
        """Wait for nothing."""

    def stop(self) -> None:
        """End nothing."""


def test_a_late_stretch_of_another_storage_writes_nothing_over_a_whole_file(tmp_path: Path) -> None:
    """Once one lane reads the whole file, what another still brings of its stretch is dropped, hashed or not."""
    whole = bytes(range(256)) * (_SIZE // 256)
    sha256 = hashlib.sha256(whole).hexdigest()
    part = Part(RemoteFile("model.safetensors", _SIZE, sha256, "", is_stored_apart=True), tmp_path / "part")
    kept: list[str] = []
    feed = _TwoStorages(whole)
    transfer = Transfer(feed, [part], lambda _part, digest: kept.append(digest))  # type: ignore[arg-type]
    transfer.run(2, lambda _n: None)
    assert kept == [sha256]
    assert hashlib.sha256((tmp_path / "part").read_bytes()).hexdigest() == sha256
    assert transfer.n_bytes == _SIZE
