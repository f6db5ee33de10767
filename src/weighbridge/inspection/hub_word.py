"""State what a hub says of a model that stays there: scans, base models, publisher; its word, and no check of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import HubBaseBody, HubV1, ScanIssueBody
from weighbridge.formats.place import quote
from weighbridge.knowledge.load import load_knowledge

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.shadow import Shadow

__all__ = ["inspect_hub_word"]

_KIND = "hub/v1"
_MOST_ISSUES = 200


def inspect_hub_word(artefact: Artefact, made_on: date) -> Evidence | None:
    """State what the hub says (hub/v1); None for a model that is on no hub.

    A publisher that is not verified and whose name is like a listed maker's is noted: such names are taken to deceive.
    """
    shadow = artefact.shadow
    if shadow is None:
        return None
    word, publisher = shadow.word, (shadow.word.repository or shadow.repository).partition("/")[0]
    like = None if word.is_publisher_verified else load_knowledge().look_alike(publisher)
    body = HubV1(
        hub=shadow.hub,
        repository=word.repository or shadow.repository,
        commit=shadow.commit,
        licence=word.licence or None,
        gated=shadow.gated or None,
        is_private=shadow.is_private,
        created_at=word.created_at or None,
        base_models=[HubBaseBody(name=name, relation=relation or None) for relation, name in word.base_models],
        is_scanned=word.is_scanned,
        scan_issues=[ScanIssueBody(file=file, verdict=verdict) for file, verdict in word.issues[:_MOST_ISSUES]],
        publisher=publisher,
        is_publisher_verified=word.is_publisher_verified,
        looks_like=like.name if like else None,
        notes=list(_notes(shadow, publisher, like.name if like else None)),
    )
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), OURS, made_on)


def _notes(shadow: Shadow, publisher: str, like: str | None) -> list[str]:
    """Say what a reader should not miss."""
    notes = []
    word = shadow.word
    if word.repository and word.repository.casefold() != shadow.repository.casefold():
        notes.append(f"{quote(shadow.repository)} is now called {quote(word.repository)}")
    if like:
        notes.append(f"{quote(publisher)} is not {quote(like)}, and could be taken for it")
    if len(word.issues) > _MOST_ISSUES:
        notes.append(f"the hub's scanners have an issue with {len(word.issues)} files; {_MOST_ISSUES} are listed")
    return notes
