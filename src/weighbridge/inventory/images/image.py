"""Search archives and images of containers: `docker save`, OCI layouts, and any tar or ZIP file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from weighbridge.formats.archives.packed import Allowance, Unpacked
from weighbridge.formats.archives.zip import read_zip
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.images.layer import (
    Layer,
    Reading,
    Spool,
    clean_path,
    keep_bytes,
    read_layer,
    tell_of,
    wanted_bytes,
)
from weighbridge.inventory.images.manifests import ArchiveStore, FolderStore, find_images
from weighbridge.inventory.images.names import is_opened
from weighbridge.inventory.images.stream import Plain
from weighbridge.inventory.trees.disk import DiskTree
from weighbridge.inventory.trees.layered import LayeredTree
from weighbridge.inventory.trees.tree import Unreadable
from weighbridge.inventory.weights.folder import Origin, describe_gguf
from weighbridge.inventory.weights.stated import Stated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.formats.source import Source
    from weighbridge.inventory.bounds import Bounds, Looked
    from weighbridge.inventory.images.manifests import Image, Store
    from weighbridge.inventory.trees.tree import Tree

__all__ = ["search_archive", "search_layout"]

_KEPT_BYTES = 4 << 30
_FLOOR_BYTES = 1 << 30
_RATIO = 60  # gzip can do a thousand; images of real files do three


class Walking(Protocol):
    """What searches the trees and texts that an archive turns out to hold."""

    def tree(self, tree: Tree) -> Iterator[Found | Unsearched]:
        """Yield what lies in a tree."""
        ...

    def text(self, data: bytes, place: str) -> Iterator[Found | Unsearched]:
        """Yield what a configuration names."""
        ...


def search_archive(
    tree: Tree, path: str, walk: Walking, bounds: Bounds, looked: Looked
) -> Iterator[Found | Unsearched]:
    """Yield what lies in an archive on disk. `walk` searches a tree, here the one that the archive holds."""
    place = tree.place(path)
    if not is_opened(path) or not isinstance(tree, DiskTree):
        yield Unsearched(place, "is an archive of a kind that is not searched")
        return
    try:
        file = tree.source(path)
    except Unreadable as error:
        yield Unsearched(place, str(error))
        return
    with file:
        allowed = min(bounds.archive_bytes, _FLOOR_BYTES + _RATIO * file.size)
        reading = Reading(Spool(_KEPT_BYTES), bounds, looked, [allowed])
        try:
            is_zip = file.read(0, 4) == b"PK\x03\x04"
            layer = _read_zip(file, reading) if is_zip else read_layer(Plain(file), reading)
            yield from _search(layer, place, reading.spool, walk)
        finally:
            reading.spool.close()


def search_layout(
    tree: Tree, folder: str, names: frozenset[str], walk: Walking, bounds: Bounds, looked: Looked
) -> tuple[Iterator[Found | Unsearched], set[str]] | None:
    """Return a search of the images that `docker save` or OCI laid out in a folder, None for other folders.

    Beside it, the paths of the files that they are made of, complete once the search has ended.
    """
    is_saved, is_oci = "manifest.json" in names, {"index.json", "blobs"} <= names
    if not (is_saved or is_oci) or not isinstance(tree, DiskTree):
        return None
    shared = Reading(Spool(_KEPT_BYTES), bounds, looked, [bounds.archive_bytes])
    store = FolderStore(tree, folder, shared)
    images = list(find_images(store))
    if not images:
        shared.spool.close()
        return None
    return _closing(shared.spool, _search_images(images, store, tree.place(folder), shared.spool, walk)), store.used


def _search_images(
    images: Sequence[Image], store: Store, place: str, spool: Spool, walk: Walking
) -> Iterator[Found | Unsearched]:
    """Yield what the file systems and configurations of images hold."""
    for reason in store.unread:
        yield Unsearched(place, reason)
    if any(image.layers or image.weights for image in images):  # else they may be any program's own
        store.used.update(("manifest.json", "index.json", "repositories"))
    for number, image in enumerate(images):
        name = image.name or (f"image {number + 1}" if len(images) > 1 else "")
        prefix = f"{place}!{name}" if len(images) > 1 else place
        yield from walk.text(image.configuration.encode(), f"{prefix}!configuration")
        yield from _weights(image, store, place, prefix)
        layers = []
        for blob in image.layers:
            layer = store.layer(blob)
            if layer is None:
                yield Unsearched(f"{prefix}!{blob}", "is a layer that is not there")
                continue
            yield from _unread(layer, f"{prefix}!{blob}")
            layers.append(layer)
        yield from walk.tree(LayeredTree(layers, spool, prefix))


def _closing(spool: Spool, found: Iterator[Found | Unsearched]) -> Iterator[Found | Unsearched]:
    """Yield what is found, and let go of the bytes that were kept for it."""
    try:
        yield from found
    finally:
        spool.close()


def _weights(image: Image, store: Store, place: str, prefix: str) -> Iterator[Found | Unsearched]:
    """Yield the GGUF files that are layers themselves, each by its own head."""
    for name in image.weights:
        tree, path = store.blob(name, place)
        try:
            n_bytes = tree.size(path)
        except Unreadable:
            yield Unsearched(f"{prefix}!{name}", "is a layer of weights that is not there")
            continue
        digest = name.removeprefix("blobs/").replace("/", ":")
        origin = Origin(detail=f"a layer of the artefact {image.name}" if image.name else "a layer of an artefact")
        found, kind = describe_gguf(tree, path, origin, Stated())
        if kind != "mmproj":  # a companion of the model beside it
            own = image.name if image.name and found.name == path.rpartition("/")[2] else found.name
            yield replace(found, name=own, digest=digest, n_bytes=n_bytes)


def _search(layer: Layer, place: str, spool: Spool, walk: Walking) -> Iterator[Found | Unsearched]:
    """Yield what an archive holds: images, or files, and archives within it."""
    yield from _unread(layer, place)
    store = ArchiveStore(layer, spool)
    images = list(find_images(store))
    yield from _search_images(images, store, place, spool, walk)
    members = {name: kept for name, kept in layer.members.items() if name not in store.used}
    yield from walk.tree(LayeredTree([replace(layer, members=members)], spool, place))
    for name, nested in layer.nested.items():
        if name not in store.used:
            yield from _search(nested, f"{place}!{name}", spool, walk)


def _unread(layer: Layer, place: str) -> Iterator[Unsearched]:
    for reason in layer.unread:
        yield Unsearched(place, reason)


def _read_zip(source: Source, reading: Reading) -> Layer:
    """Return the members of a ZIP archive as a layer."""
    layer = Layer()
    reading.looked.archives += 1
    archive = read_zip(source, Allowance(min(reading.allowance[0], _KEPT_BYTES)))
    try:
        for member in archive.members[: reading.bounds.archive_members]:
            reading.looked.files += 1
            path = clean_path(member.name)
            if not path or member.name.endswith("/"):
                continue
            most = wanted_bytes(path, reading.bounds)
            if not most:
                tell_of(path, 0, layer)
                continue
            if member.source is None:
                layer.say(f"holds members that cannot be read: {member.why}")
                continue
            data = member.source.read(0, most + 1)
            layer.members[path] = keep_bytes(data, len(data), layer, reading)
            if isinstance(member.source, Unpacked):
                member.source.close()
    finally:
        archive.close()
    for reason in (*archive.unread, *archive.broken):
        layer.say(reason)
    return layer
