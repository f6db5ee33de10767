"""Read of one repository what a comparison needs, all of one commit; or fail, and nothing is said this time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.errors import HubChanged, UsageError
from weighbridge.formats.place import quote
from weighbridge.watch.diff.change import Change
from weighbridge.watch.diff.parts import changes_by_part, part_of
from weighbridge.watch.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from weighbridge.hub.catalogue.protocol import Catalogue, Entry, Revision
    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["Pair", "read_change", "read_whole"]

_TEXTS = {"licence-text": 2, "chat-template": 2, "tokenizer": 1, "generation-config": 1}  # of each part at most so many
_MOST_BYTES = {
    "licence-text": 256 << 10,
    "chat-template": 512 << 10,
    "tokenizer": 4 << 20,
    "generation-config": 64 << 10,
}
_TOKENIZER_CONFIG = "tokenizer_config.json"
_HISTORY = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """Two looks ready to be compared, and what the repository's history shows."""

    before: Snapshot
    after: Snapshot
    of_history: tuple[Change, ...] = ()


def read_whole(catalogue: Catalogue, entry: Entry) -> Snapshot:
    """Return a repository with its files and small texts at the commit that was listed (at most about 8 calls).

    Raises HubChanged where that commit is gone, HubUnreachable, and what else a catalogue raises.
    """
    revision = catalogue.revision(entry.repository, entry.commit)
    entry = entry if entry.commit else replace(entry, commit=revision.commit)
    return Snapshot(entry, revision, _texts(catalogue, entry.repository, revision, _worth_reading(revision.files), {}))


def read_change(catalogue: Catalogue, before: Snapshot, entry: Entry) -> Pair:
    """Return the two sides of a change: the old one as far as it is remembered or its hub still gives it.

    Raises what `read_whole` does, and HubChanged where the hub contradicts itself: wait for the next look then.
    """
    name = entry.repository
    new = catalogue.revision(name, entry.commit)
    entry = entry if entry.commit else replace(entry, commit=new.commit)
    is_there: bool | None = None
    if before.revision is None and before.entry.commit:
        old = _old(catalogue, name, before.entry.commit)
        is_there = old is not None
        before = replace(before, revision=old)
    of_history: tuple[Change, ...] = ()
    if before.entry.commit:
        of_history = _history(catalogue, before.entry, entry, is_there=is_there)
    texts: dict[str, str] = {}
    if before.revision is not None:
        names = _worth_comparing(before.revision.files, new.files)
        texts = _texts(catalogue, name, new, names, {})
        kept = _still_same(before, new)
        old_texts = _texts(catalogue, name, before.revision, names, before.texts, is_old=True)
        before, texts = replace(before, texts=old_texts), {**kept, **texts}
    return Pair(before, Snapshot(entry, new, texts), of_history)


def _old(catalogue: Catalogue, repository: str, commit: str) -> Revision | None:
    """Return a commit that was the head once; None where its hub has it no longer, asked twice."""
    for _ in range(2):
        try:
            return catalogue.revision(repository, commit)
        except HubChanged:
            continue
    return None


def _history(catalogue: Catalogue, old: Entry, new: Entry, *, is_there: bool | None) -> tuple[Change, ...]:
    """Say whether the old commit is no longer among the new one's ancestors, where the hub lists them."""
    commits = catalogue.history(new.repository, most=_HISTORY)
    ids = [commit.id for commit in commits]
    if not ids:
        return ()  # this hub keeps no such list
    if new.commit not in ids:
        raise HubChanged(f"{quote(new.repository)} moved on while it was read", hint="the next look takes it whole")
    if old.commit in ids:
        if is_there is False:
            raise HubChanged(f"the hub lists {old.commit} of {quote(new.repository)} and does not give it")
        return ()
    if len(ids) >= _HISTORY and (is_there or _old(catalogue, new.repository, old.commit) is not None):
        return ()  # older than what was listed, and still there
    note = "the new commit does not descend from the old one; which commit it began from is not known"
    if is_there is False:
        note += "; the hub gives the old files no more, so what differs in them cannot be told"
    after = {"commit": new.commit, "commits": len(ids)}
    return (Change("history-rewritten", {"commit": old.commit}, after, notes=(note,)),)


def _texts(
    catalogue: Catalogue,
    repository: str,
    revision: Revision,
    names: Iterable[str],
    known: Mapping[str, str],
    *,
    is_old: bool = False,
) -> dict[str, str]:
    """Return known texts and those of `names` that the commit has; what may not be read is absent.

    An old commit may be gone: its texts are then absent too.
    """
    texts = dict(known)
    for name in names:
        file = revision.files.get(name)
        if file is None or name in texts:
            continue
        try:
            data = catalogue.read(repository, revision.commit, file, most_bytes=_MOST_BYTES[part_of(name)])
        except UsageError:  # too long, or reading it would count as a download
            continue
        except HubChanged:
            if not is_old or _old(catalogue, repository, revision.commit) is not None:
                raise
            break
        texts[name] = data.decode("utf-8", "replace")
    return texts


def _worth_reading(files: Mapping[str, RemoteFile]) -> tuple[str, ...]:
    """Return the small texts that a later comparison would want."""
    return _chosen(name for name in files if "/" not in name)


def _worth_comparing(old: Mapping[str, RemoteFile], new: Mapping[str, RemoteFile]) -> tuple[str, ...]:
    """Return the small texts that differ, and whose content says more than their digest."""
    changes = changes_by_part(old, new)
    names = [name for kind in _TEXTS if kind in changes for name in changes[kind].pairs]
    return _chosen(names)


def _chosen(names: Iterable[str]) -> tuple[str, ...]:
    chosen: list[str] = []
    left = dict(_TEXTS)
    for name in sorted(names, key=lambda name: (name.count("/"), name != "chat_template.jinja", name)):
        part = part_of(name)
        if left.get(part, 0) and (part != "tokenizer" or name == _TOKENIZER_CONFIG):
            left[part] -= 1
            chosen.append(name)
    return tuple(chosen)


def _still_same(before: Snapshot, new: Revision) -> dict[str, str]:
    """Return the texts read of the old commit whose files did not change."""
    old = before.revision.files if before.revision else {}
    return {name: text for name, text in before.texts.items() if name in new.files and old.get(name) == new.files[name]}
