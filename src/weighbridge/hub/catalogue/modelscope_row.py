"""What one row of ModelScope's interfaces says of a repository."""

from __future__ import annotations

from typing import Any

from weighbridge.core.shadow import HubWord
from weighbridge.hub.catalogue.fields import (
    flag_in,
    gating_in,
    moment_in,
    names_of_models_in,
    repository_in,
    text_in,
    texts_in,
)
from weighbridge.hub.catalogue.protocol import Entry
from weighbridge.hub.remote.listing import count_of

__all__ = ["hub_word", "read_entry"]

_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_MOST_TAGS, _LONGEST_TAG = 500, 300


def read_entry(row: dict[str, Any], older: dict[str, Any] | None = None, commit: str = "") -> Entry | None:
    """Return what a row says, and what the older interface adds; None where it names no repository."""
    repository = repository_in(row.get("id"))
    if not repository:
        return None
    older = older or {}
    number, relation = older.get("Id"), text_in(older.get("BaseModelRelation")).lower()
    bases = names_of_models_in(older.get("BaseModel"))
    return Entry(
        hub="ms",
        repository=repository,
        id=str(number) if count_of(number) is not None else "",
        commit=commit,
        created_at=moment_in(row.get("created_at")) or moment_in(older.get("CreatedTime")),
        modified_at=moment_in(row.get("last_modified")) or moment_in(older.get("LastUpdatedTime")),
        licence=text_in(row.get("license")),
        gated=gating_in(row.get("gated")),
        is_private=flag_in(row.get("private")),
        downloads_all_time=count_of(row.get("downloads")),
        likes=count_of(row.get("likes")),
        task=next(iter(texts_in(row.get("tasks"), 1)), ""),
        tags=texts_in(row.get("tags"), _MOST_TAGS, _LONGEST_TAG),
        base_models=tuple(sorted((relation if relation in _RELATIONS else "", name) for name in bases)),
    )


def hub_word(row: dict[str, Any], older: dict[str, Any]) -> HubWord:
    """Return what the hub says of a repository; it has no scans, and marks no publisher."""
    entry = read_entry(row, older)
    if entry is None:
        return HubWord()
    return HubWord(
        repository=entry.repository,
        licence=entry.licence,
        created_at=entry.created_at.strftime("%Y-%m-%dT%H:%M:%SZ") if entry.created_at else "",
        base_models=entry.base_models,
    )
