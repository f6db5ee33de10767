"""Two rows of one repository: whether they say the same, and what a poorer row left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.hub.catalogue.protocol import Catalogue, Entry

__all__ = ["restored", "same_listing"]

# what an event can come of; people's counts, tags and dates of edits without a commit are none of it
_WATCHED = ("commit", "licence", "licence_name", "licence_link", "gated", "base_models")
_FLAGS = ("is_private", "is_disabled")
_OF_A_POOR_ROW = ("modified_at", "licence", "gated", "is_private")  # all that ModelScope's lists say


def same_listing(before: Entry, after: Entry) -> bool:
    """Whether a row says nothing that was not remembered."""
    if after.is_disabled and not after.commit:  # a closed repository is described by that alone
        return before.is_disabled is True
    if not after.commit:
        return all(getattr(before, name) == getattr(after, name) for name in _OF_A_POOR_ROW)
    flags = all(bool(getattr(before, name)) == bool(getattr(after, name)) for name in _FLAGS)
    return flags and all(getattr(before, name) == getattr(after, name) for name in _WATCHED)


def restored(before: Entry, listed: Entry, catalogue: Catalogue) -> Entry:
    """Return the row to compare with: asked for by itself where the list's row leaves out what was known.

    A card's words cannot change without a commit; where they are absent at the same commit, the row is poor.
    """
    if listed.is_disabled and not listed.commit:
        return replace(before, is_disabled=True)
    lost = (before.licence_name and not listed.licence_name) or (before.licence_link and not listed.licence_link)
    if listed.commit and not lost:
        return listed
    if listed.commit and listed.commit == before.commit:
        return replace(listed, licence_name=before.licence_name, licence_link=before.licence_link)
    return catalogue.entry(listed.repository)
