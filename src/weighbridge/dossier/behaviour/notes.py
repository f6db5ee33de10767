"""Notes of evidence in the language of the page: they are stored in English, and their words are known beforehand."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from weighbridge.dossier.locale import load_locale

if TYPE_CHECKING:
    from weighbridge.dossier.locale import Locale

__all__ = ["told"]

_GROUP = "note."
_ENGLISH = "en"
_UNKNOWN = "note.original"


def told(note: str, t: Locale) -> str:
    """Return a note in the language of the page; one that nobody has words for stays English, and says so."""
    if t.language == _ENGLISH or not note:
        return note
    for key, template in load_locale(_ENGLISH).words.items():
        if key.startswith(_GROUP) and key != _UNKNOWN and (values := _values(template, note)) is not None:
            return t(key, **values)
    return t(_UNKNOWN, text=note)


def _values(template: str, note: str) -> dict[str, str] | None:
    """Return what stands in a note for the placeholders of a template; None where it is another note.

    Piece by piece, without going back, so that a hostile note costs no more than its length.
    """
    found: dict[str, str] = {}
    name, rest = None, note
    for literal, field, _, _ in Formatter().parse(template):
        before, matched, rest = rest.partition(literal) if literal else ("", "x", rest)
        if not matched or (name is None and before):
            return None
        if name is not None:
            found[name] = before
        name = field
    if name is not None:
        found[name] = rest
    elif rest:
        return None
    return found if all(found.values()) else None
