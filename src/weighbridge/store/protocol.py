"""The store protocol: append-only evidence in a hash chain, and completions under their recipe.

SQLite ships; PostgreSQL comes later and must pass the same laws (`weighbridge.testing.store_laws`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from weighbridge.core.evidence import Evidence

__all__ = ["Store"]


class Store(Protocol):
    """Where evidence and completions live."""

    def add(self, evidence: Evidence) -> str:
        """Append one statement and return its id; adding the same statement again changes nothing."""
        ...

    def get(self, id_prefix: str) -> Evidence:
        """Return the statement whose id starts so (`sha256:` may be left out).

        Raises NotFound, or UsageError where several do.
        """
        ...

    def by_recipe(self, recipe: str) -> Evidence | None:
        """Return the newest statement with this recipe, or None: "has this been done already?"."""
        ...

    def select(self, *, subject: str | None = None, kind: str | None = None) -> Iterator[Evidence]:
        """Yield statements in the order they were added."""
        ...

    def verify(self) -> int:
        """Recompute ids and chain; return how many records hold, raise StoreDamaged at the first that does not."""
        ...

    def completions(self, recipes: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the stored completions among these recipes."""
        ...

    def add_completions(self, completions: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep completions under their recipes in one transaction; a recipe already kept stays as it is."""
        ...

    def close(self) -> None:
        """Let go of the file or connection."""
        ...
