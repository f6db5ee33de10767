"""An Ollama store: manifests that name layers by digest, and the blobs themselves.

Layout: ollama/ollama `types/model/name.go` (`manifests/HOST/NAMESPACE/MODEL/TAG`) and `manifest/layer.go`
(`blobs/sha256-HEX`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.trees.tree import Unreadable, below
from weighbridge.inventory.weights.stated import Stated, read_gguf_head, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inventory.trees.tree import Tree

__all__ = ["describe_ollama_store", "is_ollama_store"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LAYER = "application/vnd.ollama.image."
_HUBS = frozenset({"hf.co", "huggingface.co"})
_OWN = "registry.ollama.ai"
_LICENCE_BYTES = 4096
_MOST = 10_000
_DEEP = 5  # host, namespace (sometimes two), model, tag


def is_ollama_store(tree: Tree, folder: str, children: frozenset[str]) -> bool:
    """Whether a folder holds manifests beside blobs that Ollama named."""
    if not {"manifests", "blobs"} <= children:
        return False
    try:
        hosts = [entry.name for entry in tree.entries(below(folder, "manifests")) if entry.kind == "folder"]
        blobs = tree.entries(below(folder, "blobs"))
    except Unreadable:
        return False
    return any("." in host or ":" in host for host in hosts) and all(not one.name.startswith("sha512") for one in blobs)


def describe_ollama_store(tree: Tree, folder: str) -> Iterator[Found | Unsearched]:
    """Yield each model and tag of a store, and the blobs that no manifest names."""
    used: set[str] = set()
    root = below(folder, "manifests")
    for number, path in enumerate(_files(tree, root, 0)):
        if number >= _MOST:
            yield Unsearched(tree.place(root), f"holds more than {_MOST:,} manifests")
            break
        yield _describe(tree, folder, path, path[len(root) + 1 :], used)
    for entry in tree.entries(below(folder, "blobs")):
        digest = entry.name.partition("-partial")[0].replace("-", ":", 1)
        if digest in used or not _DIGEST.fullmatch(digest):
            continue
        blob = below(below(folder, "blobs"), entry.name)
        if (head := read_gguf_head(tree, blob)) is None:
            continue
        half = "-partial" in entry.name
        yield Found(
            "cache",
            tree.place(blob),
            head[0].name or entry.name,
            Confidence.LOW if half else Confidence.MEDIUM,
            folder=tree.on_disk(blob),
            bases=head[0].bases,
            architecture=head[0].architecture,
            licence=head[0].licence,
            digest="" if half else digest,
            detail="a GGUF blob of Ollama that no manifest names" + (", half downloaded" if half else ""),
        )


def _files(tree: Tree, folder: str, depth: int) -> Iterator[str]:
    try:
        entries = tree.entries(folder)
    except Unreadable:
        return
    for entry in entries:
        path = below(folder, entry.name)
        if entry.kind == "folder" and depth < _DEEP:
            yield from _files(tree, path, depth + 1)
        elif entry.kind == "file" and not entry.name.startswith("."):
            yield path


def _describe(tree: Tree, folder: str, path: str, name: str, used: set[str]) -> Found | Unsearched:
    """Return the model of one manifest; its weights layer is a GGUF file whose head says more."""
    manifest = read_json(tree, path)
    layers = [one for one in manifest.get("layers", ()) if isinstance(one, dict)] if manifest else []
    digests = {str(one.get("mediaType"))[len(_LAYER) :].partition(";")[0]: _digest(one) for one in reversed(layers)}
    used.update(_digest(one) for one in layers)
    if not layers:
        return Unsearched(tree.place(path), "is no manifest that can be read")
    host, *between, model, tag = name.split("/") if name.count("/") > 1 else ["", name, ""]
    weights = digests.get("model", "")
    blob = below(below(folder, "blobs"), weights.replace(":", "-"))
    head = read_gguf_head(tree, blob) if weights else None
    stated = head[0] if head else Stated()
    is_here = bool(weights) and _is_here(tree, blob)
    notes = ["" if is_here or not weights else "its weights are not in the store"]
    notes += [f"with {kind}" for kind in ("projector", "adapter") if kind in digests]
    return Found(
        way="cache",
        place=tree.place(path),
        name=_name(host, between, model, tag),
        confidence=Confidence.HIGH if head else Confidence.MEDIUM,
        reference=f"hf:{between[0]}/{model}:{tag}" if host in _HUBS and len(between) == 1 else "",
        folder=tree.on_disk(blob) if is_here else "",
        bases=stated.bases,
        architecture=stated.architecture,
        licence=stated.licence or _licence(tree, folder, digests.get("license", "")),
        digest=weights,
        n_bytes=_bytes(layers),
        detail="; ".join(("Ollama", *filter(None, notes)))
        + (f"; weights name themselves {stated.name}" if stated.name else ""),
    )


def _name(host: str, between: list[str], model: str, tag: str) -> str:
    """Return a name as `ollama list` shows it: without the host and namespace that are its defaults."""
    if host == _OWN and between == ["library"]:
        between, host = [], ""
    parts = [*([host] if host and host != _OWN else []), *between, model]
    return "/".join(parts) + (f":{tag}" if tag else "")


def _digest(layer: dict[str, Any]) -> str:
    digest = str(layer.get("digest", "")).replace("sha256-", "sha256:", 1)
    return digest if _DIGEST.fullmatch(digest) else ""


def _is_here(tree: Tree, blob: str) -> bool:
    try:
        tree.size(blob)
    except Unreadable:
        return False
    return True


def _licence(tree: Tree, folder: str, digest: str) -> str:
    """Return the first line of the licence layer."""
    if not digest:
        return ""
    try:
        text = tree.head(below(below(folder, "blobs"), digest.replace(":", "-")), _LICENCE_BYTES).decode(
            "utf-8", "replace"
        )
    except Unreadable:
        return ""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return "".join(c for c in line[:80] if c.isprintable())


def _bytes(layers: list[dict[str, Any]]) -> int | None:
    sizes = [one.get("size") for one in layers if str(one.get("mediaType", "")).startswith(_LAYER + "model")]
    whole = [size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size >= 0]
    return sum(whole) if whole else None
