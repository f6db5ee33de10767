"""All that differs between two looks at one repository."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from weighbridge.core.event import EventKind
from weighbridge.core.finding import Confidence
from weighbridge.watch.diff.change import Change
from weighbridge.watch.diff.entries import entry_changes
from weighbridge.watch.diff.files import card_change, code_change, config_change, plain_change
from weighbridge.watch.diff.parts import changes_by_part
from weighbridge.watch.diff.templates import template_changes, unread_note
from weighbridge.watch.diff.texts import generation_change, licence_text_change, tokenizer_change
from weighbridge.watch.diff.weights import weight_changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.watch.snapshot import Snapshot

__all__ = ["compare_snapshots"]

_ORDER = {kind: place for place, kind in enumerate(get_args(EventKind))}


def compare_snapshots(before: Snapshot, after: Snapshot) -> list[Change]:
    """Return what differs, at most one change of each kind, in the order of the kinds.

    Files are compared where both sides know theirs; where one does not and the commit moved, a note says so.
    """
    found = list(entry_changes(before.entry, after.entry))
    if before.revision is not None and after.revision is not None:
        if before.revision.commit != after.revision.commit:
            found += _of_files(before, after)
    elif after.revision is not None:  # it was read because the repository moved
        note = "the files of the old commit are not known and its hub gives them no more: what differs cannot be told"
        pair = before.entry.commit or None, after.entry.commit or None
        found.append(Change("other-files", *pair, frozenset({"unknown"}), Confidence.LOW, notes=(note,)))
    return sorted(found, key=lambda change: _ORDER[change.kind])


def _of_files(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Yield what two commits differ in."""
    old, new = before.revision, after.revision
    if old is None or new is None:
        return
    # a file that is absent from half a listing may be there
    left = old.files if new.is_complete else {name: file for name, file in old.files.items() if name in new.files}
    right = new.files if old.is_complete else {name: file for name, file in new.files.items() if name in old.files}
    compared = {kind: part for kind, part in changes_by_part(left, right).items() if part.pairs}
    if weights := compared.get("weights"):
        yield from weight_changes(weights, old.files, new.files, (before.entry, after.entry))
    yield from config_change(compared.get("config"), before, after)
    yield from template_changes(compared, before, after)
    if tokenizer := compared.get("tokenizer"):
        for change in tokenizer_change(tokenizer, before.texts, after.texts):
            yield replace(change, notes=(*change.notes, *unread_note(compared, before, after)))
    if generation := compared.get("generation-config"):
        yield generation_change(generation, before.texts, after.texts)
    yield from code_change(compared.get("code"), before, after)
    if licence := compared.get("licence-text"):
        yield licence_text_change(licence, before.texts, after.texts)
    yield from card_change(compared.get("card"), before, after)
    if others := compared.get("other-files"):
        yield plain_change("other-files", others)
