"""How one repository stood when it was last looked at, and how that is kept as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from weighbridge.hub.catalogue.protocol import Entry, Revision
from weighbridge.hub.remote.listing import RemoteFile

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Snapshot", "entry_from_json", "entry_to_json", "files_from_json", "files_to_json"]

_MOMENTS = ("created_at", "modified_at")
_PAIRS = ("base_models", "parameters_by_dtype")
_LISTS = ("tags", "languages")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository as it was listed, the files of that commit where they were read, and the small texts among them.

    `texts` maps names of files to what is in them, as far as a comparison needed them.
    """

    entry: Entry
    revision: Revision | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Return the reference without a revision."""
        return self.entry.subject


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as plain JSON; what the hub did not say is left out."""
    body: dict[str, Any] = {}
    for one in fields(Entry):
        value = getattr(entry, one.name)
        if value not in {None, "", ()}:
            body[one.name] = value.isoformat() if isinstance(value, datetime) else value
    return body


def entry_from_json(body: dict[str, Any]) -> Entry:
    """Return the entry that `entry_to_json` wrote."""
    values = dict(body)
    for name in _MOMENTS:
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    for name in _LISTS:
        values[name] = tuple(values.get(name, ()))
    for name in _PAIRS:
        values[name] = tuple((first, second) for first, second in values.get(name, ()))
    return Entry(**values)


def files_to_json(revision: Revision, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the files of a commit and the texts read of it as plain JSON."""
    rows = [[f.name, f.size, f.sha256, f.git_oid, f.is_stored_apart] for f in revision.files.values()]
    return {
        "commit": revision.commit,
        "files": rows,
        "scans": revision.scans,
        "config": revision.config,
        "chat_template": revision.chat_template,
        "is_complete": revision.is_complete,
        "texts": dict(texts),
    }


def files_from_json(body: dict[str, Any]) -> tuple[Revision, dict[str, str]]:
    """Return what `files_to_json` wrote."""
    found = (RemoteFile(*row) for row in body["files"])
    revision = Revision(
        commit=body["commit"],
        files={file.name: file for file in found},
        scans=body["scans"],
        config=body["config"],
        chat_template=body["chat_template"],
        is_complete=body["is_complete"],
    )
    return revision, body["texts"]
