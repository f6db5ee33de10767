"""The hub protocol: one method, `resolve(reference) -> Artefact`.

Hubs are registered as `weighbridge.hubs`, each under the kind of reference that it resolves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from weighbridge import plugin
from weighbridge.core.progress import Progress, silent

if TYPE_CHECKING:
    from weighbridge.core.artefact import Artefact
    from weighbridge.core.reference import Reference

__all__ = ["DigestCache", "Hub", "resolve"]


class DigestCache(Protocol):
    """Remembers the SHA-256 of files that have not changed since; both methods may be called from threads."""

    def get(self, path: str, size: int, ctime_ns: int, inode: int) -> str | None:
        """Return the SHA-256 (64 hex digits) known for this very file, or None."""
        ...

    def put(self, path: str, size: int, ctime_ns: int, inode: int, sha256: str) -> None:
        """Remember a digest."""
        ...


class Hub(Protocol):
    """A place that publishes models."""

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:
        """Pin what `reference` names; raises NotFound, BadReference or DamagedFile."""
        ...


def resolve(reference: Reference, cache: DigestCache | None = None, progress: Progress = silent) -> Artefact:
    """Resolve a reference with the hub registered for its kind."""
    hub: Hub = plugin.load("hubs", reference.kind)()
    return hub.resolve(reference, cache, progress)
