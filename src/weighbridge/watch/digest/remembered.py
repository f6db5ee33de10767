"""The tables with an answer kept for each name: many events and stakes ask of the same few."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.knowledge.protocol import Known
    from weighbridge.knowledge.tables import Family, Organisation, Release

__all__ = ["Remembered"]

_MOST = 20_000


class Remembered:
    """`Known` over other tables, which must not change meanwhile."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._family: Callable[[str], Family | None] = lru_cache(_MOST)(known.family_of)
        self._look_alike: Callable[[str], Organisation | None] = lru_cache(_MOST)(known.look_alike)

    @cached_property
    def organisations(self) -> Mapping[str, Organisation]:
        """Return all organisations by namespace."""
        return self._known.organisations

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """Return all families."""
        return self._known.families

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """Return all releases."""
        return self._known.releases

    def organisation(self, repository_or_namespace: str) -> Organisation | None:
        """Return the publisher."""
        return self._known.organisation(repository_or_namespace)

    def family_of(self, repository: str) -> Family | None:
        """Return the family that a name names."""
        return self._family(repository)

    def look_alike(self, namespace: str) -> Organisation | None:
        """Return whom a namespace could be taken for."""
        return self._look_alike(namespace)
