"""What the other files show: tokenizer, code, configuration, card and the rest, by digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.watch.diff.change import MOST_NAMED, Change, named, plain
from weighbridge.watch.diff.entries import front_matter
from weighbridge.watch.diff.parts import digest_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.event import EventKind
    from weighbridge.watch.diff.parts import FileChanges
    from weighbridge.watch.snapshot import Snapshot

__all__ = ["card_change", "code_change", "config_change", "keys_that_differ", "plain_change", "sides"]

_MISSING = object()


def sides(changes: FileChanges) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the digests of the differing files before and after, by name; at most MOST_NAMED of them."""
    rows = sorted(changes.pairs.items())[:MOST_NAMED]
    before = {name: digest_in_words(old) for name, (old, _) in rows if old}
    after = {name: digest_in_words(new) for name, (_, new) in rows if new}
    more = len(changes.pairs) - len(rows)
    return (before or None), ({**after, "more files": more} if more else after or None)


def plain_change(kind: EventKind, changes: FileChanges, *traits: str) -> Change:
    """Return a change that digests alone tell."""
    before, after = sides(changes)
    added = {"added"} if before is None else {"removed"} if after is None else set[str]()
    return Change(kind, before, after, frozenset({*traits, *added}), evidence=named(changes.pairs))


def code_change(changes: FileChanges | None, before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Yield a change of what runs on loading: files of code, and the classes that `auto_map` hands to them."""
    old, new = _auto_map(before), _auto_map(after)
    mapped = old is not _MISSING and new is not _MISSING and old != new
    if not mapped and changes is None:
        return
    left, right = sides(changes) if changes else (None, None)
    traits = {"auto-map"} if mapped else set[str]()
    if mapped:
        left, right = {**(left or {}), "auto_map": plain(old)}, {**(right or {}), "auto_map": plain(new)}
    if changes and not changes.removed and len(changes.added) == len(changes.pairs):
        traits.add("added")
    if changes and len(changes.removed) == len(changes.pairs):
        traits.add("removed")
    if changes and not mapped and not any(name.endswith(".py") for name in changes.pairs):
        traits.add("beside")
    evidence = named(changes.pairs) if changes else ("config.json",)
    yield Change("code", left, right, frozenset(traits), evidence=evidence)


def config_change(changes: FileChanges | None, before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Yield which keys differ in the hub's own reading of the configuration: reading the file counts as a download."""
    old, new = (side.revision.config if side.revision else None for side in (before, after))
    left, right = keys_that_differ(old, new) if old is not None and new is not None else ({}, {})
    for hidden in ("auto_map", "tokenizer_config"):  # code, tokenizer and template speak for these
        left.pop(hidden, None)
        right.pop(hidden, None)
    if not left and not right and changes is None:
        return
    keys = left.keys() | right.keys()
    traits = frozenset({"quantization"} if "quantization_config" in keys else {"keys"} if keys else {"digest-only"})
    evidence = named(changes.pairs) if changes else ("config.json",)
    if changes is None or keys:
        yield Change("config", left or None, right or None, traits, evidence=evidence)
        return
    digests = sides(changes)
    note = "which keys differ is not known: the hub reads only some of them out, and to fetch the file is a download"
    yield Change("config", *digests, traits, Confidence.HIGH, evidence, (note,))


def card_change(changes: FileChanges | None, before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Yield an edit of the card: of what its head says, or of its text alone."""
    if changes is None:
        return
    old, new = front_matter(before.entry), front_matter(after.entry)
    left, right = keys_that_differ(old, new)
    digests = sides(changes)
    trait = "front-matter" if left or right else "text"
    yield Change(
        "card",
        {**(digests[0] or {}), **left} or None,
        {**(digests[1] or {}), **right} or None,
        frozenset({trait}),
        evidence=named(changes.pairs),
    )


def keys_that_differ(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members that differ, as plain JSON, on each side that has them."""
    differing = sorted(
        name for name in before.keys() | after.keys() if before.get(name, _MISSING) != after.get(name, _MISSING)
    )[:MOST_NAMED]
    left, right = ({str(plain(n)): plain(side[n]) for n in differing if n in side} for side in (before, after))
    return left, right


def _auto_map(side: Snapshot) -> Any:
    """Return which code of the repository its classes come from; nothing where the hub does not read it out."""
    config = side.revision.config if side.revision else None
    return _MISSING if config is None else config.get("auto_map")
