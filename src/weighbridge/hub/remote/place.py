"""The shadow folder: stand-ins of remote files, written so that a killed or a second process does no harm."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.shadow import WeightFile
from weighbridge.errors import DamagedFile, WeighbridgeError
from weighbridge.formats.bounded_file import BoundedFile, read_small
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from weighbridge.hub.remote.listing import Listing
    from weighbridge.hub.remote.settings import RemoteSettings

__all__ = ["ShadowFolder"]

_FILES, _NOTE, _VERSION = "files", "weighbridge-shadow.json", 1
_MOST_NOTE_BYTES = 16 << 20


class ShadowFolder:
    """`<cache>/<hf|ms>/<host>/<maker>/<model>@<commit>/files/`: whole small files, and sparse stand-ins of weights.

    A file appears under its name at once and whole, by renaming; as its place names the commit, any process that
    writes it writes the same bytes, and what an earlier run read need not be read again.
    """

    def __init__(self, settings: RemoteSettings, kind: str, listing: Listing) -> None:
        maker, _, model = listing.repository.partition("/")
        self._top = settings.cache / kind / settings.host / maker / f"{model}@{listing.commit}"
        self.root = self._top / _FILES
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def path(self, name: str) -> Path:
        """Return where a file of the listing is, or would be."""
        return self.root / name

    def has(self, name: str, size: int) -> bool:
        """Whether a file of this size is there."""
        try:
            return self.path(name).stat().st_size == size
        except OSError:
            return False

    def read(self, name: str, size: int) -> bytes | None:
        """Return the bytes of a file of exactly this size that an earlier run left here, or None."""
        try:
            with BoundedFile(self.path(name)) as file:
                return file.read(0, size) if file.size == size else None
        except DamagedFile:
            return None

    def head(self, name: str, size: int, length: int) -> bytes:
        """Return the first bytes of a stand-in of this size; none where there is no such stand-in."""
        try:
            with BoundedFile(self.path(name)) as file:
                return file.read(0, length) if file.size == size else b""
        except DamagedFile:
            return b""

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        self.write_stand_in(name, data, len(data))

    def write_stand_in(self, name: str, head: bytes, size: int) -> None:
        """Write a file of `size` bytes that begins with `head`; the rest is a hole and takes no room on the disk."""
        path = self.path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._beside() as (descriptor, temporary):
                _write_all(descriptor, head)
                os.ftruncate(descriptor, size)
                temporary.replace(path)
        except OSError as error:
            raise self._unwritable(error) from error

    def note(self, weights: Iterable[WeightFile], budget_bytes: int) -> None:
        """Write down what the stand-ins hold, and under which budget they were made."""
        rows = [asdict(file) for file in sorted(weights)]
        text = json.dumps({"version": _VERSION, "budget_bytes": budget_bytes, "weights": rows}, indent=1)
        try:
            with self._beside() as (descriptor, temporary):
                _write_all(descriptor, text.encode())
                temporary.replace(self._top / _NOTE)
        except OSError as error:
            raise self._unwritable(error) from error

    def noted(self) -> tuple[list[WeightFile], int]:
        """Return what was written down, and the budget; nothing where it is absent or cannot be believed."""
        try:
            value = parse_json(read_small(self._top / _NOTE, _MOST_NOTE_BYTES), _NOTE, max_bytes=_MOST_NOTE_BYTES)
            if value["version"] != _VERSION:
                return [], 0
            return [WeightFile(**row) for row in value["weights"]], int(value["budget_bytes"])
        except (DamagedFile, KeyError, TypeError, ValueError):
            return [], 0

    @contextmanager
    def scratch(self, data: bytes) -> Iterator[Path]:
        """Lend a path at which these bytes alone stand, for a reader of files."""
        try:
            with self._beside() as (descriptor, temporary):
                _write_all(descriptor, data)
                yield temporary
        except OSError as error:
            raise self._unwritable(error) from error

    @contextmanager
    def _beside(self) -> Iterator[tuple[int, Path]]:
        """Open a temporary file in the top folder, which no listing reaches; it is gone afterwards, unless renamed."""
        descriptor, name = tempfile.mkstemp(prefix=".part-", dir=self._top)
        try:
            yield descriptor, Path(name)
        finally:
            os.close(descriptor)
            with suppress(FileNotFoundError):
                Path(name).unlink()

    def _unwritable(self, error: OSError) -> WeighbridgeError:
        return WeighbridgeError(
            f"the cache `{self._top}` cannot be written: {error.strerror}",
            hint="name another folder in the environment variable `XDG_CACHE_HOME`",
        )


def _write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes; one call may write fewer."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
