"""What the tables answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.knowledge.tables import Family, Organisation, Release

__all__ = ["Known"]


class Known(Protocol):
    """The tables as one; `weighbridge.knowledge.load.load_knowledge(folder)` gives the shipped ones under a user's."""

    @property
    def organisations(self) -> Mapping[str, Organisation]:
        """Return all organisations by namespace."""
        ...

    @property
    def families(self) -> tuple[Family, ...]:
        """Return all families, the more particular pattern first."""
        ...

    @property
    def releases(self) -> tuple[Release, ...]:
        """Return all releases, the oldest first."""
        ...

    def organisation(self, repository_or_namespace: str) -> Organisation | None:
        """Return the publisher of `maker/model` (or of a bare namespace); None where it is not listed."""
        ...

    def family_of(self, repository: str) -> Family | None:
        """Return the family that a repository's name names, by its last part; None where none or several do."""
        ...

    def look_alike(self, namespace: str) -> Organisation | None:
        """Return the listed organisation that this unlisted namespace could be taken for, or None."""
        ...
