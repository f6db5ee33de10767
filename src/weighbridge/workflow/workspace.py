"""The workspace: the folder that holds the evidence store and the dossiers."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound, WeighbridgeError
from weighbridge.hub.digest_cache import SQLiteDigestCache
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STORE_FILE", "Workspace", "write_whole"]

STORE_FILE = "evidence.sqlite"
_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where one team's evidence lives; `cache` remembers the digests of files that did not change."""

    path: Path
    cache: Path

    @property
    def knowledge(self) -> Path:
        """Where the team's own tables of makers, families, releases and prices lie by default."""
        return self.path / "knowledge"

    @contextmanager
    def store(self, *, read_only: bool = False) -> Iterator[SQLiteStore]:
        """Open the evidence store, making it where it is missing; raises NotFound where it may not be made."""
        place = self.path / STORE_FILE
        if read_only and not place.exists():
            raise NotFound(
                f"there is no evidence in `{self.path}`",
                hint="weigh a model first, for example `weighbridge demo`, or name the folder with `--workspace`",
            )
        store = SQLiteStore(place, read_only=read_only)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def digest_cache(self) -> Iterator[SQLiteDigestCache]:
        """Open the cache of file digests."""
        cache = SQLiteDigestCache(self.cache)
        try:
            yield cache
        finally:
            cache.close()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or the one before."""
    scratch: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # a name that nobody can foresee: a received workspace may hold links
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        scratch = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        scratch.chmod(_MODE)
        scratch.replace(path)
    except OSError as error:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        raise WeighbridgeError(f"`{path}` cannot be written: {error.strerror}", hint="choose another folder") from error
