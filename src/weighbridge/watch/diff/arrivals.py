"""Repositories that come, go and move: releases, new quantizations, renames, deletions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.watch.diff.change import Change, plain
from weighbridge.watch.diff.entries import licence_of
from weighbridge.watch.diff.weights import quantization_of

if TYPE_CHECKING:
    from collections.abc import Container

    from weighbridge.hub.catalogue.protocol import Entry
    from weighbridge.knowledge.protocol import Known

__all__ = ["announced_at", "arrival", "deletion", "look_alike_note", "rename", "replaced", "return_of"]

_DAY = 10  # characters of a date that names a day
# drafts for speculative decoding and test models, as makers name them (hubs-watch notes, section 5)
_COMPANION = re.compile(
    r"(?:^|[-_.])(?:dspark|dflash|eagle3?|draft|speculator|assistant|mtp|lora|adapter|tiny-random)(?:[-_.]|$)"
)


def arrival(entry: Entry, others: Container[str], *, warning: str = "") -> Change:
    """Return what a repository is that was not there: a release, or a model that was there stored otherwise.

    `others` are the repositories that are known or listed; `warning` says whose name the publisher's looks like.
    """
    after = _described(entry)
    quantized = [name for relation, name in entry.base_models if relation == "quantized"]
    stem = _without_precision(entry.repository)
    traits = {"look-alike"} if warning else set[str]()
    notes = (warning,) if warning else ()
    if any(name == entry.repository for _, name in entry.base_models):
        notes = (*notes, "it declares itself as its own base: where it comes from is not known")
    if quantized or (stem and stem in others):
        declared = any(name in others for name in quantized)
        before = {"base_models": [plain(name) for name in quantized] or [stem]}
        label = quantization_of(entry.repository)
        how = () if quantized else ("by the name alone: the card declares no base",)
        return Change(
            "new-quantization", before, {**after, "stored_as": label} if label else after,
            frozenset(traits), Confidence.HIGH if declared else Confidence.MEDIUM, notes=(*notes, *how),
        )  # fmt: skip
    is_adapter = any(relation == "adapter" for relation, _ in entry.base_models)
    if is_adapter or _COMPANION.search(entry.repository.rpartition("/")[2].lower()):
        traits.add("companion")
    return Change("release", None, after, frozenset(traits), Confidence.HIGH, notes=notes)


def rename(old: Entry, new: Entry, how: str) -> Change:
    """Return that a repository has another name; `how` says what shows that it is the same one."""
    return Change("rename", {"repository": old.repository}, {"repository": new.repository}, evidence=(how,))


def deletion(entry: Entry) -> Change:
    """Return that a repository is gone; a hub answers the same for a deleted and for a private one."""
    return Change(
        "deletion", _described(entry), {"state": "deleted or made private"},
        notes=("the hub says the same of a deleted and of a private repository",),
    )  # fmt: skip


def replaced(entry: Entry) -> Change:
    """Return that a name holds another repository now; where the old one went, a hub then says no more."""
    return Change(
        "deletion", _described(entry), {"state": "replaced by another repository"},
        notes=("the hub's own id under this name is another: the old one was deleted, made private, or renamed away",),
    )  # fmt: skip


def return_of(entry: Entry) -> Change:
    """Return that a repository which was gone can be seen again."""
    return Change(
        "visibility",
        {"state": "deleted or made private"},
        {"state": "visible", **_described(entry)},
        frozenset({"visible"}),
    )


def announced_at(repository: str, known: Known) -> datetime | None:
    """Return the day on which the maker announced this model, where a listed source states it to the day."""
    days = {
        release.day
        for release in known.releases
        if release.model.casefold() == repository.casefold()
        and release.basis == "announced"
        and len(release.date_text) == _DAY
    }
    return datetime.combine(days.pop(), datetime.min.time(), UTC) if len(days) == 1 else None


def look_alike_note(publisher: str, known: Known, *, is_verified: bool | None) -> str:
    """Return whose name this publisher's could be taken for, unless its hub has verified it."""
    other = known.look_alike(publisher)
    if other is None or is_verified:
        return ""
    verified = "its hub has not verified it" if is_verified is False else "whether its hub verified it is not known"
    return f"`{publisher}` is not `{other.name}` ({other.display_name}), and {verified}"


def _described(entry: Entry) -> dict[str, Any]:
    """Return what an event says of a whole repository, as the hub lists it."""
    said: dict[str, Any] = {
        "commit": entry.commit,
        **licence_of(entry),
        "gated": entry.gated,
        "base_models": [list(pair) for pair in entry.base_models],
        "parameters": entry.parameters,
        "parameters_by_dtype": dict(entry.parameters_by_dtype),
        "task": entry.task,
        "library": entry.library,
    }
    return {name: plain(value) for name, value in said.items() if value}


def _without_precision(repository: str) -> str:
    """Return a repository's name without the words that name a stored precision; nothing where there are none."""
    maker, _, name = repository.partition("/")
    stem = name
    while (cut := max(stem.rfind("-"), stem.rfind("."))) > 0 and quantization_of(stem[cut + 1 :]):
        stem = stem[:cut]
    return f"{maker}/{stem}" if stem != name else ""
