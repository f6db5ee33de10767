"""Walk a tree, on disk or in an image, and say what each of its folders and files is."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.formats.magic import is_text
from weighbridge.inventory.bill.read import MOST_BYTES, is_bill, read_bill
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.images.image import search_archive, search_layout
from weighbridge.inventory.images.names import is_archive
from weighbridge.inventory.texts.names import is_left_out, is_minified, kind_of_text
from weighbridge.inventory.texts.text import Text
from weighbridge.inventory.trees.tree import Unreadable, below
from weighbridge.inventory.weights.caches import CACHE_FOLDERS, cached_id, describe_hub_cache
from weighbridge.inventory.weights.folder import Origin, describe_folder, describe_gguf
from weighbridge.inventory.weights.names import Listing, is_weights, list_names, says_weights
from weighbridge.inventory.weights.ollama import describe_ollama_store, is_ollama_store
from weighbridge.inventory.weights.stated import Stated
from weighbridge.inventory.weights.stores import clone_origin, file_origins, folder_origin, served_classes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Advance
    from weighbridge.inventory.bounds import Bounds, Looked
    from weighbridge.inventory.texts.names import Kind
    from weighbridge.inventory.texts.text import TextSearch
    from weighbridge.inventory.trees.tree import Entry, Tree
    from weighbridge.knowledge.protocol import Known

__all__ = ["Walk"]

_INTERNAL = {
    ".git": "history of git",
    ".hg": "history of Mercurial",
    ".svn": "history of Subversion",
    "__pycache__": "compiled Python",
}
_KERNEL = frozenset({"proc", "sys", "dev"})  # at the root of a file system: no files, but questions to the kernel
_PACKAGES = frozenset({"site-packages", "dist-packages", "node_modules", "bower_components", "vendor", ".tox", ".nox"})
_SQLITE = b"SQLite for"
_TOGETHER = 256 << 10  # bytes of texts that are searched at once
_PARTS = frozenset({"onnx", "openvino", "original", "coreml", "flax", "tflite", "blobs"})
_POOLING = re.compile(r"\d_[A-Z]\w+")  # `1_Pooling`: the parts that sentence-transformers writes


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that waits: whether a model lies above it, one of parts, and the folder of packages that it is in."""

    path: str
    depth: int = 0
    in_model: bool = False
    in_pipeline: bool = False
    package: str = ""
    is_optional: bool = False


class Walk:
    """One walk over one tree. Folders wait on a stack, so that no depth of them exhausts the interpreter's."""

    def __init__(self, tree: Tree, known: Known, texts: TextSearch, bounds: Bounds, looked: Looked) -> None:
        self._tree = tree
        self._known = known
        self._texts = texts
        self._bounds = bounds
        self._looked = looked
        self._waiting: list[_Folder] = []
        self._closed: Counter[str] = Counter()  # archives that were not opened, by the folder of packages they are in
        self._unread: Counter[str] = Counter()  # files that may name a model and are not read, by what they are
        self._used: set[str] = set()  # files that were read as parts of an image
        self._gathered: list[Text] = []
        self._gathered_bytes = 0

    def all(self, advance: Advance) -> Iterator[Found | Unsearched]:
        """Yield what lies in the whole tree; `advance` counts files."""
        self._waiting = [_Folder("")]
        while self._waiting:
            folder = self._waiting.pop()
            try:
                entries = self._tree.entries(folder.path)
            except Unreadable as error:
                if not folder.is_optional:
                    yield Unsearched(self._tree.place(folder.path), str(error))
                continue
            files = sum(entry.kind == "file" for entry in entries)
            self._looked.folders += 1
            self._looked.files += files
            yield from self._folder(folder, entries)
            advance(files)
        yield from self._read_gathered()
        yield from self._say_unread()
        for package, n in self._closed.items():
            what = "an archive that was" if n == 1 else f"{n:,} archives that were"
            yield Unsearched(self._tree.place(package), f"holds installed packages with {what} not opened")

    def file(self, name: str) -> Iterator[Found | Unsearched]:
        """Yield what one file of the root is."""
        listing = list_names([name])
        if listing.says_something:
            yield from describe_folder(self._tree, "", listing, folder_origin("", self._known))
        else:
            yield from self._file(_Folder(""), name, is_own=False)
            yield from self._read_gathered()
            yield from self._say_unread()

    def tree(self, tree: Tree) -> Iterator[Found | Unsearched]:
        """Yield what lies in another tree: the file system in an archive."""
        files = self._looked.files
        yield from Walk(tree, self._known, self._texts, self._bounds, self._looked).all(lambda _: None)
        self._looked.files = files  # members were counted when the archive was read

    def text(self, data: bytes, place: str) -> Iterator[Found | Unsearched]:
        """Yield what a configuration that lies in no file names."""
        yield from self._texts.search([Text(data, place, "configuration")])

    def _folder(self, folder: _Folder, entries: list[Entry]) -> Iterator[Found | Unsearched]:
        """Say what one folder is as a whole, then what its files are; queue its folders."""
        names = frozenset(entry.name for entry in entries)
        parent, _, name = self._tree.place(folder.path).rstrip("/").rpartition("/")
        done: frozenset[str] = frozenset()
        if cached := cached_id(parent.rpartition("/")[2], name, names):
            yield from describe_hub_cache(self._tree, folder.path, *cached)
            done = CACHE_FOLDERS
        elif is_ollama_store(self._tree, folder.path, names):
            yield from describe_ollama_store(self._tree, folder.path)
            done = frozenset({"manifests", "blobs"})
        elif (searched := search_layout(self._tree, folder.path, names, self, self._bounds, self._looked)) is not None:
            found_in_images, used = searched
            yield from found_in_images
            self._used.update(below(folder.path, one) for one in used)
        if name == "modelinfos":
            yield from served_classes(self._tree, folder.path, names)
        listing = list_names(entry.name for entry in entries if entry.kind in {"file", "link"})
        found = list(self._weights(folder, listing, names))
        yield from found
        is_own = bool(found) and bool(listing.configs or listing.has_adapter or listing.has_pipeline)
        inner = replace(
            folder, in_model=folder.in_model or bool(found), in_pipeline=folder.in_pipeline or listing.has_pipeline
        )
        for entry in entries:
            if entry.name not in done:
                yield from self._entry(inner, entry, is_own=is_own)

    def _weights(self, folder: _Folder, listing: Listing, names: frozenset[str]) -> Iterator[Found]:
        """Yield the models whose files lie in a folder; parts of the model above are none of their own."""
        name = folder.path.rpartition("/")[2]
        is_part = folder.in_pipeline or name in _PARTS or _POOLING.fullmatch(name) is not None
        has_weights = bool(listing.tensors or listing.torch or listing.gguf or listing.has_adapter)
        if not listing.says_something or (folder.in_model and (is_part or not has_weights)):
            return
        path = self._tree.place(folder.path).replace("!", "/")
        origin = clone_origin(self._tree, folder.path, names) or folder_origin(path, self._known)
        for name, own in file_origins(path, listing.gguf, self._known).items():
            listing.gguf.remove(name)
            yield describe_gguf(self._tree, below(folder.path, name), own, Stated())[0]
        yield from describe_folder(self._tree, folder.path, listing, origin)

    def _entry(self, folder: _Folder, entry: Entry, *, is_own: bool) -> Iterator[Found | Unsearched]:
        path = below(folder.path, entry.name)
        if entry.kind == "file":
            yield from self._file(folder, entry.name, is_own=is_own)
        elif entry.kind == "folder":
            yield from self._queue(folder, entry.name, path)
        elif entry.kind == "special":
            yield Unsearched(self._tree.place(path), "is a pipe, a socket or a device")
        else:
            try:
                target = self._tree.target(path)
            except Unreadable as error:
                yield Unsearched(self._tree.place(path), str(error))
                return
            if kind_of_text(entry.name) and not kind_of_text(target.rpartition("/")[2]) and self._is_file(target):
                yield from self._file(folder, entry.name, is_own=is_own)  # its name says what that of its target hides
            else:
                self._looked.skipped["links to what is searched in its own place"] += 1

    def _is_file(self, path: str) -> bool:
        try:
            self._tree.head(path, 1)
        except Unreadable:
            return False
        return True

    def _queue(self, folder: _Folder, name: str, path: str) -> Iterator[Unsearched]:
        if rule := _INTERNAL.get(name):
            self._looked.skipped[rule] += 1
            if name == ".git":  # whole files of weights, which the history only points to
                self._waiting.append(replace(folder, path=below(path, "lfs"), depth=folder.depth + 1, is_optional=True))
        elif not folder.path and name in _KERNEL and self._tree.place("") == "/":
            yield Unsearched(self._tree.place(path), "is the kernel's own file system")
        elif folder.depth >= self._bounds.depth:
            yield Unsearched(self._tree.place(path), f"lies deeper than {self._bounds.depth} folders")
        else:
            package = folder.package
            if name in _PACKAGES and not package and not self._bounds.packages:
                yield Unsearched(self._tree.place(path), "holds installed packages, whose texts are not read")
                package = path
            below_it = replace(folder, path=path, depth=folder.depth + 1, package=package, is_optional=False)
            self._waiting.append(below_it)

    def _file(self, folder: _Folder, name: str, *, is_own: bool) -> Iterator[Found | Unsearched]:
        """Read one file; `is_own` says that it lies beside the config of a model, whose texts are about that model."""
        path, kind = below(folder.path, name), kind_of_text(name)
        if path in self._used:
            return
        if kind and folder.package:
            self._looked.skipped["texts of installed packages"] += 1
        elif kind == "configuration" and is_own and not name.startswith("mergekit"):  # which names what was merged
            self._looked.skipped["configuration of a model, read with its weights"] += 1
        elif kind:
            yield from self._text(path, "model" if is_own and kind != "configuration" else kind)
        elif is_archive(name):
            if folder.package:
                self._closed[folder.package] += 1
            else:
                yield from search_archive(self._tree, path, self, self._bounds, self._looked)
        elif is_left_out(name):
            self._looked.skipped["lists of packages, vocabularies, styles and generated code"] += 1
        elif is_minified(name):
            self._unread["minified scripts or their maps"] += not folder.package
        elif not says_weights(name):
            yield from self._unnamed(folder, name, path, is_own=is_own)

    def _unnamed(self, folder: _Folder, name: str, path: str, *, is_own: bool) -> Iterator[Found | Unsearched]:
        """Say what a file is by its first bytes, where its name says nothing: weights, a script, a text."""
        try:
            first = self._tree.head(path, 10)
        except Unreadable as error:
            yield Unsearched(self._tree.place(path), str(error))
            return
        if is_weights(first):
            listing = Listing(gguf=[name]) if first.startswith(b"GGUF") else Listing(tensors=[name])
            yield from describe_folder(self._tree, folder.path, listing, Origin(detail="its name does not say so"))
        elif folder.package:
            return
        elif first == _SQLITE:
            self._unread["databases of SQLite"] += 1
        elif first.startswith(b"#!"):
            yield from self._text(path, "model" if is_own else "code")
        elif first and "." not in name.lstrip(".") and is_text(first):
            yield from self._text(path, "model" if is_own else "configuration")

    def _say_unread(self) -> Iterator[Unsearched]:
        """Yield one line a kind of files that may name a model and were not read."""
        for what, n in self._unread.items():
            yield Unsearched(self._tree.place(""), f"holds files that are not read: {what} ({n:,})")

    def _text(self, path: str, kind: Kind) -> Iterator[Found | Unsearched]:
        most = self._bounds.text_bytes
        try:
            data = self._tree.head(path, most + 1)
        except Unreadable as error:
            yield Unsearched(self._tree.place(path), str(error))
            return
        self._looked.texts += 1
        self._looked.n_bytes += len(data)
        if kind in {"configuration", "document"} and is_bill(data):
            yield from read_bill(self._tree.head(path, MOST_BYTES + 1), self._tree.place(path))
            return
        if len(data) > most:
            yield Unsearched(self._tree.place(path), f"is read up to {most >> 20} MiB")
        self._gathered.append(Text(data[:most], self._tree.place(path), kind, path))
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= _TOGETHER:
            yield from self._read_gathered()

    def _read_gathered(self) -> Iterator[Found | Unsearched]:
        """Search the texts that wait."""
        texts, self._gathered, self._gathered_bytes = self._gathered, [], 0
        yield from self._texts.search(texts)
