"""Two rows of one repository: whether they say the same, and what a poorer row left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.errors import HubChanged
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from weighbridge.hub.catalogue.protocol import Catalogue, Entry

__all__ = ["has_moved", "is_another", "restored", "same_listing"]

# what an event can come of; people's counts, tags and dates of edits without a commit are none of it
_WATCHED = ("commit", "licence", "gated", "base_models")
_OF_CARDS = ("licence_name", "licence_link")
_FLAGS = ("is_private", "is_disabled")
_OF_A_POOR_ROW = ("modified_at", "licence", "gated", "is_private")  # all that ModelScope's lists say


def same_listing(before: Entry, after: Entry, *, has_cards: bool = True) -> bool:
    """Whether a row says nothing that was not remembered; without cards, what they say does not count."""
    if after.is_disabled and not after.commit:  # a closed repository is described by that alone
        return before.is_disabled is True
    if not after.commit:
        return all(getattr(before, name) == getattr(after, name) for name in _OF_A_POOR_ROW)
    names = _WATCHED + _OF_CARDS if has_cards else _WATCHED
    flags = all(bool(getattr(before, name)) == bool(getattr(after, name)) for name in _FLAGS)
    return flags and all(getattr(before, name) == getattr(after, name) for name in names)


def has_moved(before: Entry, after: Entry) -> bool:
    """Whether the files may differ: another commit, or another date of change where a list says no commits."""
    if before.commit and after.commit:
        return before.commit != after.commit
    return before.modified_at != after.modified_at


def is_another(before: Entry, after: Entry) -> bool:
    """Whether a name holds another repository than before: both ids are known, and they differ."""
    return bool(before.id and after.id) and before.id != after.id


def restored(before: Entry | None, listed: Entry, catalogue: Catalogue, *, has_cards: bool = True) -> Entry:
    """Return the whole row: a poor one is filled from memory where its commit is the same, else asked for by itself.

    Raises HubChanged where another repository answers, and what a catalogue raises.
    """
    if before is not None and listed.is_disabled and not listed.commit:
        return replace(before, is_disabled=True)
    if listed.commit and has_cards:
        return listed
    if listed.commit and before is not None and before.commit == listed.commit:
        return replace(
            listed, licence_name=before.licence_name, licence_link=before.licence_link, languages=before.languages
        )
    found = catalogue.entry(listed.repository)
    if found.repository != listed.repository:
        raise HubChanged(f"{quote(listed.repository)} was renamed while it was read", hint="the next look follows it")
    if found.commit or found.is_disabled:
        return found
    if before is not None and before.commit and not has_moved(before, found):
        return replace(found, commit=before.commit)
    return replace(found, commit=catalogue.revision(found.repository, "").commit)
