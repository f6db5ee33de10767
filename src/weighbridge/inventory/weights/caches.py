"""Caches of hubs: Hugging Face and ModelScope, each revision a finding, with digests that their blobs are named by."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.trees.tree import Unreadable, below
from weighbridge.inventory.weights.folder import Origin, describe_folder
from weighbridge.inventory.weights.names import list_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inventory.trees.tree import Tree

__all__ = ["CACHE_FOLDERS", "cached_id", "describe_hub_cache"]

# huggingface_hub: `models--maker--name`; modelscope_hub 0.5 (`_download.py`): `models/maker--name`
_HF = re.compile(r"models--([A-Za-z0-9][\w.-]*?)--([\w.-]+)|models--([A-Za-z0-9][\w.-]*)")
_MS = re.compile(r"([A-Za-z0-9][\w.-]*?)--([\w.-]+)")
CACHE_FOLDERS = frozenset({"snapshots", "blobs", "refs", ".no_exist"})  # what the clients write for a model
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DEEP = 4  # folders of a snapshot: `original/`, `onnx/`, `text_encoder/`
_MOST_FILES = 20_000


@dataclass(slots=True)
class _Snapshot:
    """The files of one revision by folder, and what is missing of them."""

    folders: dict[str, list[str]] = field(default_factory=dict)
    digests: list[tuple[str, str]] = field(default_factory=list)
    broken: int = 0
    too_deep: int = 0
    cut: bool = False


def cached_id(parent: str, name: str, children: frozenset[str]) -> tuple[str, str] | None:
    """Return hub and id (`hf`, `Qwen/Qwen3-8B`) of a folder that a hub's client made, None for any other folder."""
    if found := _HF.fullmatch(name):
        return "hf", f"{found[1]}/{found[2]}" if found[1] else found[3]
    if parent == "models" and "snapshots" in children and (found := _MS.fullmatch(name)):
        return "ms", f"{found[1]}/{found[2]}"
    return None


def describe_hub_cache(tree: Tree, folder: str, hub: str, model: str) -> Iterator[Found | Unsearched]:
    """Yield each revision of a cached model; one whose files are missing is said to be so, with low confidence."""
    snapshots = below(folder, "snapshots")
    refs = _refs(tree, below(folder, "refs"))
    unfinished = sum(entry.endswith(".incomplete") for entry in _names(tree, below(folder, "blobs")))
    revisions = _names(tree, snapshots)
    for revision in revisions:
        branches = [name for name, commit in refs.items() if commit == revision]
        origin = _origin(hub, model, revision, branches, unfinished)
        yield from _describe_snapshot(tree, below(snapshots, revision), origin)
    if not revisions:
        named = [commit for commit in refs.values() if _COMMIT.fullmatch(commit)]
        what = f"{unfinished} files of it half downloaded" if unfinished else "a cache folder without a snapshot"
        yield Found(
            way="cache",
            place=tree.place(folder),
            name=model,
            confidence=Confidence.LOW,
            reference=_reference(hub, model, named[0] if len(named) == 1 else ""),
            detail=what,
        )


def _origin(hub: str, model: str, revision: str, branches: list[str], unfinished: int) -> Origin:
    notes = [f"a ModelScope cache holds `{revision}`, no commit" if hub == "ms" else ""]
    notes.append(f"{', '.join(branches)} at its last download" if branches else "")
    notes.append(f"{unfinished} files half downloaded" if unfinished else "")
    detail = "; ".join(note for note in notes if note)
    return Origin("cache", model, _reference(hub, model, revision), detail)


def _reference(hub: str, model: str, revision: str) -> str:
    """Return a hub reference; models without a maker (`gpt2`) have none that can be typed."""
    if "/" not in model:
        return ""
    return f"{hub}:{model}@{revision}" if revision else f"{hub}:{model}"


def _refs(tree: Tree, folder: str) -> dict[str, str]:
    """Return commits by branch or tag."""
    found = {}
    for name in _names(tree, folder):
        try:
            found[name] = tree.head(below(folder, name), 64).decode("ascii", "replace").strip()
        except Unreadable:
            continue
    return found


def _names(tree: Tree, folder: str) -> list[str]:
    try:
        return [entry.name for entry in tree.entries(folder)]
    except Unreadable:
        return []


def _describe_snapshot(tree: Tree, folder: str, origin: Origin) -> Iterator[Found | Unsearched]:
    snapshot = _Snapshot()
    try:
        _gather(tree, folder, "", snapshot)
    except Unreadable as error:
        yield Unsearched(tree.place(folder), str(error))
        return
    notes = [origin.detail]
    notes.append(f"{snapshot.broken} links lead nowhere" if snapshot.broken else "")
    notes.append(f"more than {_MOST_FILES:,} files, of which these were read" if snapshot.cut else "")
    origin = replace(origin, detail="; ".join(note for note in notes if note), digests=tuple(snapshot.digests))
    if snapshot.too_deep:
        yield Unsearched(tree.place(folder), f"holds {snapshot.too_deep:,} folders deeper than {_DEEP + 1}")
    found_any = False
    for part, names in snapshot.folders.items():
        listing = list_names(names)
        if not listing.says_something or (part and not (listing.tensors or listing.torch or listing.gguf)):
            continue  # a bare config below a model is a part of it
        if part and found_any and not listing.gguf and not listing.has_adapter:
            continue  # `original/`, `onnx/`, `text_encoder/`: the same model again, or a part of it
        inner = replace(origin, detail=f"{origin.detail}; in {part}".strip("; ")) if part else origin
        for found in describe_folder(tree, below(folder, part) if part else folder, listing, inner):
            found_any = True
            yield replace(found, name=origin.name)
    if not found_any:
        what = "; ".join(note for note in ("no weights in this snapshot", origin.detail) if note)
        place, reference = tree.place(folder), origin.reference
        yield Found("cache", place, origin.name, Confidence.LOW, reference, tree.on_disk(folder), detail=what)


def _gather(tree: Tree, folder: str, part: str, into: _Snapshot, depth: int = 0) -> None:
    """Collect the files of a snapshot; links to blobs name their digest."""
    here = below(folder, part) if part else folder
    names = into.folders.setdefault(part, [])
    for entry in tree.entries(here):
        if sum(map(len, into.folders.values())) >= _MOST_FILES:
            into.cut = True
            return
        if entry.kind == "folder":
            if depth < _DEEP:
                _gather(tree, folder, below(part, entry.name), into, depth + 1)
            else:
                into.too_deep += 1
        elif entry.kind == "link":
            try:
                blob = os.path.basename(tree.target(below(here, entry.name)))  # noqa: PTH119 - no path of this disk
            except Unreadable:
                into.broken += 1
                continue
            names.append(entry.name)
            if _SHA256.fullmatch(blob):
                into.digests.append((entry.name, f"sha256:{blob}"))
        elif entry.kind == "file":
            names.append(entry.name)
