from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.store_laws import laws_of_a_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TestSQLiteStore = laws_of_a_store(lambda folder: SQLiteStore(folder / "evidence.db"))


class Overwriting(SQLiteStore):
    """A store that breaks one law: the last completion wins."""

    def add_completions(self, completions: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the new answer instead of the old."""
        self._connection.execute("DROP TRIGGER IF EXISTS completions_are_never_deleted")
        self._connection.executemany("DELETE FROM completions WHERE recipe = ?", [(recipe,) for recipe in completions])
        super().add_completions(completions)


def test_the_laws_notice_a_store_that_overwrites(tmp_path: Path) -> None:
    """A kit that passes everything proves nothing."""
    laws = laws_of_a_store(lambda folder: Overwriting(folder / "evidence.db"))()
    with pytest.raises(AssertionError, match="the first completion stays"):
        laws.test_completions_are_kept_as_they_were(tmp_path)
