"""Notices that become evidence, as documents of the journal: the nodes of a pilot have stores of their own."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

from weighbridge.pilot.journal.protocol import Document, Notice

__all__ = ["PREFIX", "document_of", "notice_of"]

PREFIX = "alarm/"


def document_of(notice: Notice) -> Document:
    """Return the document that tells a notice to all nodes; equal notices have equal names."""
    return Document(f"{PREFIX}{hashlib.sha256(notice.id.encode()).hexdigest()[:32]}", asdict(notice))


def notice_of(document: Document) -> Notice | None:
    """Return the notice that a document tells, None for another document and for one that is none."""
    body = document.body
    if not document.name.startswith(PREFIX) or body.keys() != _KINDS.keys():
        return None
    return Notice(**body) if all(isinstance(body[name], kind) for name, kind in _KINDS.items()) else None


_TEXTS = ("id", "route", "event", "severity", "why", "subject")
_KINDS: dict[str, type | tuple[type, ...]] = {**dict.fromkeys(_TEXTS, str), "at": (int, float), "facts": dict}
