"""Local hubs: a folder in hub layout, a single file of a model, a config alone."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.artefact import Artefact, digest_of_files
from weighbridge.core.reference import Reference
from weighbridge.errors import BadReference, NotFound, WeighbridgeError, did_you_mean
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.magic import format_of_source
from weighbridge.hub.hashing import hash_files, open_regular, printable
from weighbridge.hub.mirror.manifest import manifest_of_folder
from weighbridge.hub.walk import walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.core.progress import Progress
    from weighbridge.hub.protocol import DigestCache

__all__ = ["ConfigHub", "FileHub", "FolderHub", "pin_file"]

_SIBLINGS = 10_000
_OF_A_MODEL = ("config.json", "model_index.json", ".safetensors", ".gguf", ".bin", ".pt", ".pth")
_MARKUP = (".html", ".svg", ".xml")
_OF_FILES = (
    ".gguf", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".h5",
    ".hdf5", ".keras", ".onnx", ".pb", ".nemo", ".mar", ".zip", ".tar", ".7z", ".model",
)  # fmt: skip
_FORMS = "use `demo`, `model.gguf`, `weights.bin`, `./folder` or `http://host:port/v1#model`"


class FolderHub:
    """A folder as a hub publishes it: config.json, *.safetensors, *.gguf, README.md ..."""

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:
        """Pin every file of the folder; raises NotFound, or BadReference where there is nothing to pin."""
        root = _real(reference.target)
        shown = printable(reference.target)
        if root.is_file():
            return FileHub().resolve(Reference(reference.text, "file", reference.target), cache, progress)
        if not root.is_dir():
            raise BadReference(f"`{shown}` is neither a folder nor a file", hint=_FORMS)
        _refuse_repository(root, shown)
        listing = walk(str(root))
        _refuse_several(listing.files, shown)
        entries, unread = hash_files(listing.files, cache, progress)
        left_alone = tuple(sorted([*listing.left_alone, *unread]))
        if not entries:
            raise BadReference(
                f"`{shown}` holds no file that can be read",
                hint=f"`{left_alone[0].name}`: {left_alone[0].reason}" if left_alone else _FORMS,
            )
        digest = digest_of_files(entries)
        mirrored = manifest_of_folder(root, digest)
        return Artefact(
            reference=reference,
            name=mirrored.origin.repository if mirrored else printable(root.name or str(root)),
            digest=digest,
            files=tuple(entries),
            left_alone=left_alone,
            root=str(root),
        )


class FileHub:
    """One file of a model, of any format that is read."""

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:
        """Pin the file; raises NotFound, or BadReference where it is no file of a model."""
        path = Path(reference.target)
        shown = printable(reference.target)
        _real(reference.target)
        if path.is_dir():
            raise BadReference(f"`{shown}` is a folder", hint=f"write `{shown}/`")
        if printable(path.name) != path.name:
            raise BadReference(f"the name of `{shown}` is not valid UTF-8", hint="rename the file")
        _refuse_other_formats(str(path), shown)
        return pin_file(path, path.stem, reference, cache, progress)


class ConfigHub:
    """A `config.json` alone, under any name: what it describes can be inspected, and nothing else."""

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:
        """Pin the file; raises NotFound, or BadReference where the name is not one that can be pinned."""
        path = Path(reference.target)
        shown = printable(reference.target)
        if _real(reference.target).is_dir():
            raise BadReference(f"`{shown}` is a folder", hint=f"write `{shown}/`")
        if printable(path.name) != path.name:
            raise BadReference(f"the name of `{shown}` is not valid UTF-8", hint="rename the file")
        name = path.parent.absolute().name if path.name == "config.json" else path.stem
        return pin_file(path, name or path.stem, reference, cache, progress)


def pin_file(path: Path, name: str, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:
    """Return the artefact that is one file; raises WeighbridgeError where it cannot be read."""
    entries, unread = hash_files({path.name: os.path.realpath(path)}, cache, progress)
    if unread:
        raise WeighbridgeError(f"`{printable(str(path))}` {unread[0].reason}")
    root = os.path.realpath(path.parent)
    return Artefact(reference=reference, name=name, digest=digest_of_files(entries), files=tuple(entries), root=root)


def _real(target: str) -> Path:
    """Return the resolved path of what was typed; raises NotFound with the nearest name beside it."""
    try:
        return Path(os.path.realpath(target, strict=True))
    except OSError as error:
        path = Path(target).absolute()
        try:
            with os.scandir(path.parent) as entries:
                siblings = [printable(entry.name) for entry in islice(entries, _SIBLINGS)]
        except OSError:
            siblings = []
        reason = "was not found" if isinstance(error, FileNotFoundError) else f"cannot be opened: {error.strerror}"
        raise NotFound(f"`{printable(target)}` {reason}", hint=did_you_mean(path.name, siblings) or _FORMS) from error


def _refuse_repository(root: Path, shown: str) -> None:
    """Refuse `models--maker--name` of the Hugging Face cache: it may hold several revisions at once."""
    snapshots = root / "snapshots"
    if root.name.startswith("models--") and snapshots.is_dir():
        revision = min((folder.name for folder in snapshots.iterdir()), default="<revision>")
        raise BadReference(
            f"`{shown}` is a repository of the Hugging Face cache, not one revision",
            hint=f"give the revision: `{shown.rstrip('/')}/snapshots/{printable(revision)}`",
        )


def _refuse_several(files: Mapping[str, str], shown: str) -> None:
    """Refuse a folder of models: it has no `config.json` and no weights itself, and each of its sub-folders has one."""
    if any("/" not in name and name.endswith(_OF_A_MODEL) for name in files):
        return
    folders = sorted({name.partition("/")[0] for name in files if "/" in name and not name.startswith(".")})
    if folders and all(f"{folder}/config.json" in files for folder in folders):
        raise BadReference(
            f"`{shown}` is a folder of models, not a model",
            hint=f"weigh one of them, for example `{shown.rstrip('/')}/{folders[0]}`",
        )


def _refuse_other_formats(path: str, shown: str) -> None:
    """Refuse what is no file of a model: a pointer, a web page, unknown bytes under a name that says nothing."""
    try:
        with open_regular(path) as file:
            head = file.read(16)
    except OSError as error:
        raise BadReference(f"`{shown}` cannot be read: {error.strerror}") from error
    if head.startswith(b"version https://"):
        raise BadReference(
            f"`{shown}` is a Git LFS pointer, not the file itself", hint="fetch the file with `git lfs pull`"
        )
    name = path.lower()
    if head.lstrip().startswith(b"<") and not name.endswith(_MARKUP):
        raise BadReference(f"`{shown}` looks like a web page", hint="download the file again")
    if not name.endswith(_OF_FILES):
        with BoundedFile(Path(path)) as bounded:
            if format_of_source(bounded, path) in {"unknown", "empty"}:
                raise BadReference(f"`{shown}` is of no format that is read here", hint=_FORMS)
