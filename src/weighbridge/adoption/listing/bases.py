"""Base relations that a file beside the snapshot declares (`--bases`): a list of GGUF copies and their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.adoption.listing.database import identifier
from weighbridge.adoption.listing.snapshot import source_of
from weighbridge.errors import UsageError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weighbridge.adoption.listing.database import Database

__all__ = ["load_bases"]

_COPIES = ("gguf_repo", "model_id", "id", "repo", "model")
_BASES = ("base_model", "base")
_ID = "[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)?"


def load_bases(database: Database, paths: Sequence[Path]) -> None:
    """Make `declared` (id, base) from files with a column of repositories and one of their bases; none gives no rows.

    Raises UsageError where a file has no such columns.
    """
    database.keep("declared", ("id VARCHAR", "base VARCHAR"), [])
    for path in paths:
        source = source_of(path)
        names = {name.lower(): name for name in database.columns(f"SELECT * FROM {source}")}  # noqa: S608 - quoted
        copy, base = (next((names[name] for name in known if name in names), None) for known in (_COPIES, _BASES))
        if copy is None or base is None:
            raise UsageError(
                f"{quote(str(path), 4096)} has no two columns that say what is made of what",
                hint=f"one of {', '.join(_COPIES)} and one of {', '.join(_BASES)}",
            )
        database.rows(
            f"""INSERT INTO declared SELECT trim({identifier(copy)}), trim({identifier(base)}) FROM {source}
            WHERE regexp_full_match(trim({identifier(copy)}), '{_ID}')
                AND regexp_full_match(trim({identifier(base)}), '{_ID}')"""  # noqa: S608 - quoted by `identifier`
        )
