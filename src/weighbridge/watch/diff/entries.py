"""What a listing alone shows: licence tag, gating, visibility, declared base models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.watch.diff.change import Change, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.hub.catalogue.protocol import Entry

__all__ = ["entry_changes", "front_matter", "licence_of"]

# tags that say elsewhere in the listing what they say, or that the hub adds of its own accord
_OF_OTHERS = ("license:", "base_model:", "region:", "doi:")
_OF_THE_HUB = frozenset({"endpoints_compatible", "autotrain_compatible", "text-generation-inference", "deploy:azure"})


def entry_changes(before: Entry, after: Entry) -> Iterator[Change]:
    """Yield what two listings of one repository differ in, other than its files; counts of people are no change."""
    yield from _licence(before, after)
    yield from _bases(before, after)
    if before.gated != after.gated:
        trait = "opened" if not after.gated else "closed" if not before.gated else "otherwise"
        yield Change("gating", {"gated": before.gated or "open"}, {"gated": after.gated or "open"}, frozenset({trait}))
    yield from _visibility(before, after)


def licence_of(entry: Entry) -> dict[str, str]:
    """Return the licence tag, with name and link where the hub gives them."""
    said = {"licence": entry.licence, "licence_name": entry.licence_name, "licence_link": entry.licence_link}
    return {name: str(plain(value)) for name, value in said.items() if value}


def front_matter(entry: Entry) -> dict[str, Any]:
    """Return what the card's head says that no other kind of event speaks of."""
    tags = [tag for tag in entry.tags if not tag.startswith(_OF_OTHERS) and tag not in _OF_THE_HUB]
    said = {"task": entry.task, "library": entry.library, "tags": sorted(tags), "languages": sorted(entry.languages)}
    return {name: plain(value) for name, value in said.items() if value}


def _licence(before: Entry, after: Entry) -> Iterator[Change]:
    old, new = licence_of(before), licence_of(after)
    # the words of a card cannot change without a commit: a row that lacked them was poor
    is_same_card = bool(after.commit) and before.commit == after.commit and before.licence == after.licence
    if old == new or is_same_card:
        return
    differs = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    trait = "link-only" if differs == {"licence_link"} else "removed" if not new else "added" if not old else "changed"
    yield Change("licence-tag", old or None, new or None, frozenset({trait}), evidence=("README.md",))


def _bases(before: Entry, after: Entry) -> Iterator[Change]:
    old, new = ([[str(plain(word)) for word in pair] for pair in sorted(e.base_models)] for e in (before, after))
    said = before.hub == "hf" or (before.id and after.id)  # ModelScope's lists leave base models out, and ids
    if old == new or not said:
        return
    trait = "removed" if not new else "added" if not old else "changed"
    yield Change("base-model", old or None, new or None, frozenset({trait}), evidence=("README.md",))


def _visibility(before: Entry, after: Entry) -> Iterator[Change]:
    old = {"private": before.is_private, "disabled": before.is_disabled}
    new = {"private": after.is_private, "disabled": after.is_disabled}
    differs = {name for name in old if bool(old[name]) != bool(new[name]) and new[name] is not None}
    if not differs:
        return
    traits = {name if new[name] else "visible" for name in differs}
    yield Change(
        "visibility",
        {name: bool(old[name]) for name in sorted(differs)},
        {name: bool(new[name]) for name in sorted(differs)},
        frozenset(traits),
    )
