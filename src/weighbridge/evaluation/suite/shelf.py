"""The shelf: which folder holds the data of a recipe on this machine, and the digest that they had when added."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile, SuiteError
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Copy", "Shelf"]

_MAX_NOTE = 4 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_FIELDS = ("folder", "digest", "licence", "source", "added_on")


@dataclass(frozen=True, slots=True)
class Copy:
    """The data of one recipe: where, under which licence, from where; `files` are their SHA-256 by name."""

    folder: Path
    digest: str
    licence: str
    source: str
    added_on: str
    files: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: str(getattr(self, name)) for name in _FIELDS} | {"files": dict(self.files)}


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with one note a recipe (`NAME.json`), and the data that were fetched (`NAME/COMMIT/...`)."""

    folder: Path

    @classmethod
    def here(cls) -> Shelf:
        """Return the user's own: `WEIGHBRIDGE_SUITES`, else `XDG_DATA_HOME/weighbridge/suites`."""
        if given := os.environ.get("WEIGHBRIDGE_SUITES"):
            return cls(Path(given))
        home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
        return cls(home / "weighbridge" / "suites")

    def find(self, name: str) -> Copy | None:
        """Return what is known of a recipe's data, None where nothing is; raises SuiteError for a damaged note."""
        place = self.note(name)
        if not place.exists():
            return None
        try:
            value = parse_json(read_small(place, _MAX_NOTE), place, max_bytes=_MAX_NOTE)
        except DamagedFile as error:
            raise SuiteError(error.message, hint=f"`weighbridge suites add {name} FOLDER` writes it anew") from error
        texts = isinstance(value, dict) and all(isinstance(value.get(key), str) for key in _FIELDS)
        files = value.get("files") if isinstance(value, dict) else None
        if not texts or not isinstance(files, dict) or not all(isinstance(one, str) for one in files.values()):
            raise SuiteError(
                f"`{place}` is not a note of ours", hint=f"`weighbridge suites add {name} FOLDER` writes it anew"
            )
        return Copy(
            Path(value["folder"]), value["digest"], value["licence"], value["source"], value["added_on"], files
        )  # fmt: skip

    def note(self, name: str) -> Path:
        """Return where the note on a recipe lies."""
        if not _NAME.fullmatch(name):
            raise SuiteError(f"`{name[:80]}` is no name of a suite")
        return self.folder / f"{name}.json"

    def text(self, copy: Copy) -> bytes:
        """Return a note as it is written."""
        return (json.dumps(copy.to_json(), ensure_ascii=False, indent=1) + "\n").encode()
