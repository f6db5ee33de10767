"""The files of an artefact as inspection sees them: by name, readable, with errors that say where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile, WeighbridgeError
from weighbridge.formats.config import read_config
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from weighbridge.core.artefact import Artefact

__all__ = ["Folder"]

_LICENCE = re.compile(
    r"(?:.*[-_. ])?(?:licen[sc]es?|copying|notice|unlicense)(?:[-_. ].*)?(?:\.(?:txt|md|rst|html|pdf))?", re.IGNORECASE
)
_LICENCE_FOLDERS = frozenset({"license", "licence", "licenses", "licences"})
_LONGEST_PATH = 4096
_NOT_TEXT = (".py", ".json", ".png", ".svg", ".safetensors", ".gguf", ".bin", ".pdf.asc")


class Folder:
    """The pinned files of an artefact with files; `names` are sorted and use `/`."""

    def __init__(self, artefact: Artefact) -> None:
        self.root = Path(artefact.root or ".").absolute()
        self.names = tuple(sorted(file.name for file in artefact.files))
        self._known = frozenset(self.names)
        self.shadow = artefact.shadow
        parts = artefact.shadow.weights if artefact.shadow else ()
        unread = artefact.shadow.unread if artefact.shadow else ()
        self._unreadable = frozenset(unread).union(part.name for part in parts if not part.is_table_read)
        self._foreign = self._unreadable.union(part.name for part in parts if part.source != "bytes")
        # a config given alone may have any name: it is read as the `config.json` that it is
        self._config = self.names[0] if artefact.reference.kind == "config" else None

    def __contains__(self, name: str) -> bool:
        return name in self._known or (self._config is not None and name == "config.json")

    def path(self, name: str) -> Path:
        """Return where a pinned file is."""
        return self.root / (self._config if self._config is not None and name == "config.json" else name)

    def is_readable(self, name: str) -> bool:
        """Whether a format's reader can read a pinned file: all of it is here, or its whole header (`core.shadow`)."""
        return name not in self._unreadable

    def has_own_bytes(self, name: str) -> bool:
        """Whether the first bytes under a name are the file's own: not a hole, and no copy that a hub made of them."""
        return name not in self._foreign

    def licence_files(self) -> list[str]:
        """Return the files that are named like a licence or a notice."""
        return [name for name in self.names if _is_licence(name)]

    def say(self, error: WeighbridgeError) -> str:
        """Return an error's message with paths inside the folder: evidence must not depend on where it lies."""
        return error.message.replace(quote(f"{self.root}/", _LONGEST_PATH)[1:-1], "")

    def read_object(self, name: str, notes: list[str]) -> dict[str, Any]:
        """Return a JSON file of the folder; where it is absent or damaged, an empty one and a note.

        Raises DamagedFile where the artefact is that one config and nothing else.
        """
        if name not in self:
            return {}
        try:
            return read_config(self.path(name))
        except DamagedFile as error:
            if self._config is not None:
                raise
            notes.append(self.say(error))
            return {}


def _is_licence(name: str) -> bool:
    """Whether a file is named like a licence, or lies in a folder of licences."""
    folder, _, base = name.rpartition("/")
    if base.lower().endswith(_NOT_TEXT):
        return False
    return bool(_LICENCE.fullmatch(base)) or folder.rpartition("/")[2].lower() in _LICENCE_FOLDERS
