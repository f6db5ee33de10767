"""Collect the chat templates of an artefact from every place where a loader looks for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile, read_small
from weighbridge.formats.chat_template import ChatTemplate, of_config, of_metadata
from weighbridge.formats.config import read_config
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from weighbridge.inspection.folder import Folder

__all__ = ["Sources", "read_sources"]

_KEY = b'"chat_template"'
_MAX_JSON_BYTES = 16 << 20
_JINJA = frozenset({".jinja", ".jinja2", ".j2"})
_MAX_BYTES = 2 << 20
_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Sources:
    """The templates in the order of the files; `damage` by file that could not be read; `looked` the files read."""

    templates: list[ChatTemplate] = field(default_factory=list)
    damage: dict[str, str] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)


def read_sources(folder: Folder) -> Sources:
    """Return the chat templates of a folder; a file that cannot be read has its reason in `damage`."""
    found = Sources()
    for name in folder.names:
        if not folder.is_readable(name):
            continue
        try:
            templates = _of_file(folder, name)
        except DamagedFile as error:
            found.damage[name] = folder.say(error)
            continue
        if templates is not None:
            found.templates.extend(templates)
            found.looked.append(name)
    return found


def _of_file(folder: Folder, name: str) -> list[ChatTemplate] | None:
    """Return the templates of one file, or None where files of its kind hold none."""
    path, base = folder.path(name), PurePosixPath(name.lower())
    if base.suffix == ".json":
        return list(_say_place(of_config(name, read_config(path)), path)) if _has_key(folder, name) else None
    if base.suffix in _JINJA:
        return [ChatTemplate(name, "default", _text(path))]
    if base.suffix == ".gguf" or (folder.has_own_bytes(name) and _is_gguf(path)):
        try:
            metadata = _metadata(path)
        except DamagedFile:
            return None  # damaged weights are for `damaged-weights` and `stray-bytes` to say
        return list(_say_place(of_metadata(name, metadata), path))
    return None


def _has_key(folder: Folder, name: str) -> bool:
    """Whether a JSON file mentions a template, whatever it is called; `tokenizer_config.json` is always looked at."""
    if name.lower().endswith("tokenizer_config.json"):
        return True
    if not folder.has_own_bytes(name):
        return False
    with BoundedFile(folder.path(name)) as file:
        return file.size <= _MAX_JSON_BYTES and _KEY in file.read(0, _MAX_JSON_BYTES)


def _say_place(templates: Iterator[ChatTemplate], path: Path) -> Iterator[ChatTemplate]:
    try:
        yield from templates
    except DamagedFile as error:
        raise damaged(path, error.message) from error


def _text(path: Path) -> str:
    data = read_small(path, _MAX_BYTES)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(path, f"is not UTF-8 at byte {error.start}") from error


def _is_gguf(path: Path) -> bool:
    with BoundedFile(path) as file:
        return file.read(0, len(_MAGIC)) == _MAGIC


def _metadata(path: Path) -> Mapping[str, Any]:
    try:
        status = path.stat()
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}") from error
    return _cached_metadata(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=8)
def _cached_metadata(path: Path, size: int, changed: int, inode: int) -> Mapping[str, Any]:  # noqa: ARG001 - the key
    """Return the template keys of a GGUF file's metadata; several checks ask for them."""
    return {key: value for key, value in read_gguf(path).metadata.items() if key.startswith("tokenizer.chat_template")}
