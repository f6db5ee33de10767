"""Which layers make an image, in which order, and what its configuration says.

Sources: OCI image specification 1.1 (`image-layout.md`, `manifest.md`, `config.md`); Moby's `image/tarexport` for
`manifest.json`; Docker's model specification for artefacts whose layers are GGUF files (`vnd.docker.ai.gguf.v3`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.errors import DamagedFile
from weighbridge.formats.strict_json import parse_json
from weighbridge.inventory.images.layer import read_layer
from weighbridge.inventory.images.stream import Plain
from weighbridge.inventory.trees.layered import LayeredTree
from weighbridge.inventory.trees.tree import Unreadable, below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inventory.images.layer import Layer, Reading, Spool
    from weighbridge.inventory.trees.disk import DiskTree
    from weighbridge.inventory.trees.tree import Tree

__all__ = ["ArchiveStore", "FolderStore", "Image", "Store", "find_images"]

_JSON_BYTES = 4 << 20
_DIGEST = re.compile(r"sha(?:256|512):[0-9a-f]{64,128}")
_NO_FILES = (".license", ".licence", ".license+text")  # of an artefact that is a model
_MOST_IMAGES = 1000
_MOST_LAYERS = 500
_DEEP = 3  # an index of indexes of manifests


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its name, its layers from the lowest, its configuration, and files of weights that are layers.

    An artefact of Docker Model Runner holds nothing but these and its licence.
    """

    name: str
    layers: tuple[str, ...]
    configuration: str
    weights: tuple[str, ...] = ()


class Store(Protocol):
    """Where manifests and layers lie: an archive that was read, or a folder.

    `used` are the files that images are made of; `unread` says what of the manifests was left out.
    """

    used: set[str]
    unread: list[str]

    def value(self, name: str) -> Any:
        """Return a JSON file, None where there is none."""
        ...

    def layer(self, name: str) -> Layer | None:
        """Return a layer, None where it is not there."""
        ...

    def blob(self, name: str, place: str) -> tuple[Tree, str]:
        """Return a file as a path in a tree; `place` is the store's own."""
        ...


class ArchiveStore:
    """Manifests and layers in one archive."""

    def __init__(self, archive: Layer, spool: Spool) -> None:
        self._archive = archive
        self._spool = spool
        self.used: set[str] = set()
        self.unread: list[str] = []

    def value(self, name: str) -> Any:
        """Return a JSON member, None where there is none."""
        kept = self._archive.members.get(name)
        return _parse(self._spool.read(kept.at, kept.length), name) if kept is not None and kept.at >= 0 else None

    def layer(self, name: str) -> Layer | None:
        """Return a layer that was read with the archive; a link stands for the layer that it leads to."""
        kept = self._archive.members.get(name)
        if kept is not None and kept.kind == "link":
            parts = [*name.split("/")[:-1], *kept.target.split("/")]
            while ".." in parts[1:]:
                at = parts.index("..", 1)
                del parts[at - 1 : at + 1]
            self.used.add(name)
            name = "/".join(parts)
        self.used.add(name)
        return self._archive.nested.get(name)

    def blob(self, name: str, place: str) -> tuple[Tree, str]:
        """Return a member as a path in the tree of the archive."""
        return LayeredTree([self._archive], self._spool, place), name


class FolderStore:
    """Manifests and layers in a folder on disk."""

    def __init__(self, tree: DiskTree, folder: str, reading: Reading) -> None:
        self._tree = tree
        self._folder = folder
        self._reading = reading
        self.used: set[str] = set()
        self.unread: list[str] = []

    def value(self, name: str) -> Any:
        """Return a JSON file, None where there is none."""
        try:
            return _parse(self._tree.head(below(self._folder, name), _JSON_BYTES + 1), name)
        except Unreadable:
            return None

    def layer(self, name: str) -> Layer | None:
        """Read a layer, None where it is not there."""
        self.used.add(name)
        try:
            with self._tree.source(below(self._folder, name)) as file:
                return read_layer(Plain(file), self._reading, depth=1)
        except Unreadable:
            return None

    def blob(self, name: str, place: str) -> tuple[Tree, str]:  # noqa: ARG002 - the shape of a store
        """Return a file as a path in the tree on disk."""
        return self._tree, below(self._folder, name)


def find_images(store: Store) -> Iterator[Image]:
    """Yield the images that a store's manifests describe, each once."""
    saved = store.value("manifest.json")
    found = 0
    for row in saved if isinstance(saved, list) else ():
        layers = row.get("Layers") if isinstance(row, dict) else None
        if isinstance(layers, list):
            found += 1
            if found > _MOST_IMAGES:
                store.unread.append(f"describes more than {_MOST_IMAGES:,} images")
                return
            _tell_rest(store, layers)
            tags = row.get("RepoTags")
            name = str(tags[0]) if isinstance(tags, list) and tags else ""
            config = store.value(_safe(row.get("Config")))
            store.used.add(_safe(row.get("Config")))
            yield Image(name, tuple(map(_safe, layers[:_MOST_LAYERS])), _configuration(config))
    if not found:
        yield from _indexed(store, store.value("index.json"), "", 0)


def _indexed(store: Store, index: Any, name: str, depth: int) -> Iterator[Image]:
    """Yield the images of an OCI index."""
    rows = index.get("manifests") if isinstance(index, dict) else None
    if isinstance(rows, list) and len(rows) > _MOST_IMAGES:
        store.unread.append(f"describes more than {_MOST_IMAGES:,} images")
    for row in rows[:_MOST_IMAGES] if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            continue
        notes = row.get("annotations")
        own = str(notes.get("org.opencontainers.image.ref.name", "")) if isinstance(notes, dict) else ""
        manifest = store.value(_blob(row.get("digest")))
        store.used.add(_blob(row.get("digest")))
        if not isinstance(manifest, dict):
            continue
        if "manifests" in manifest and depth < _DEEP:
            yield from _indexed(store, manifest, own or name, depth + 1)
        elif isinstance(manifest.get("layers"), list):
            yield _image(store, manifest, own or name)


def _image(store: Store, manifest: dict[str, Any], name: str) -> Image:
    _tell_rest(store, manifest["layers"])
    rows = [row for row in manifest["layers"][:_MOST_LAYERS] if isinstance(row, dict)]
    kinds = {_blob(row.get("digest")): str(row.get("mediaType")).lower() for row in rows}
    weights = [blob for blob, kind in kinds.items() if "gguf" in kind]
    layers = [blob for blob, kind in kinds.items() if "gguf" not in kind and not kind.endswith(_NO_FILES)]
    config = manifest.get("config")
    said = store.value(_blob(config.get("digest"))) if isinstance(config, dict) else None
    store.used.update(weights, [_blob(config.get("digest"))] if isinstance(config, dict) else ())
    return Image(name, tuple(layers), _configuration(said), tuple(weights))


def _tell_rest(store: Store, layers: list[Any]) -> None:
    if len(layers) > _MOST_LAYERS:
        store.unread.append(f"has an image of more than {_MOST_LAYERS} layers")


def _configuration(value: Any) -> str:
    """Return what an image's configuration says, as the lines of a Dockerfile that would say it."""
    config = value.get("config") if isinstance(value, dict) else None
    lines = []
    if isinstance(config, dict):
        environment, labels = config.get("Env"), config.get("Labels")
        lines += [f"ENV {one}" for one in environment if isinstance(one, str)] if isinstance(environment, list) else []
        lines += [f"LABEL {key}={one}" for key, one in labels.items()] if isinstance(labels, dict) else []
        lines += [f"{key.upper()} {json.dumps(config[key])}" for key in ("Entrypoint", "Cmd") if config.get(key)]
    history = value.get("history") if isinstance(value, dict) else None
    for row in history if isinstance(history, list) else ():
        if isinstance(row, dict) and isinstance(row.get("created_by"), str):
            lines.append(row["created_by"])
    return "\n".join(line.replace("\n", " ") for line in lines)


def _blob(digest: Any) -> str:
    text = digest if isinstance(digest, str) else ""
    return f"blobs/{text.replace(':', '/', 1)}" if _DIGEST.fullmatch(text) else "?"


def _safe(name: Any) -> str:
    """Return a path that stays in its folder; what does not is "?", which is nowhere."""
    text = name if isinstance(name, str) else "?"
    return text if text and not text.startswith("/") and ".." not in text.split("/") else "?"


def _parse(data: bytes, name: str) -> Any:
    try:
        return parse_json(data, name, max_bytes=_JSON_BYTES)
    except DamagedFile:
        return None
