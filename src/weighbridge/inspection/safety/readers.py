"""One pass over the files of an artefact: each is read by its bytes, with what is nested in it, and reported once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.magic import format_of_source
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.safety import (
    read_archives,
    read_arrays,
    read_graphs,
    read_hidden,
    read_keras,
    read_pickles,
    read_plain,
)
from weighbridge.inspection.safety.report import FilePart, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["formats_of", "look", "said_by"]

_READERS: dict[str, Callable[[FilePart, Report], None]] = {
    "pickle": read_pickles.read,
    **dict.fromkeys(("zip", "tar", "7z", "rar", "zstd", "lz4", "lzip", "compress", "lzop"), read_archives.read),
    **dict.fromkeys(("gzip", "bzip2", "xz", "lzma", "zlib"), read_archives.read),
    "numpy": read_arrays.read,
    "hdf5": read_keras.read_hdf5,
    "savedmodel": read_graphs.read_savedmodel,
    "onnx": read_graphs.read_onnx,
    "protobuf": read_graphs.read_protobuf,
    **dict.fromkeys(("text", "markdown", "toml", "json", "yaml", "png", "jpeg", "gif", "pdf"), read_plain.read),
    **dict.fromkeys(("elf", "mach-o", "pe", "script"), read_plain.read_program),
}

_last: list[tuple[Artefact, dict[str, list[Finding | Looked]], dict[str, str]]] = []


def look(part: FilePart, report: Report) -> None:
    """Read one part by its format, then look for a second format behind the first."""
    report.look = look
    if reader := _READERS.get(part.format):
        reader(part, report)
    if part.depth == 0:
        read_hidden.read(part, report)


def said_by(check: str, artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what one check says of all files; the files are read once for all checks."""
    yield from _pass(artefact)[0].get(check, ())


def formats_of(artefact: Artefact) -> dict[str, str]:
    """Return the format of every pinned file, by its bytes; "not read" where these are not here."""
    return _pass(artefact)[1]


def _pass(artefact: Artefact) -> tuple[dict[str, list[Finding | Looked]], dict[str, str]]:
    """Read all files, or return what the last pass over this very artefact said: by check, and the formats."""
    if _last and _last[0][0] is artefact:
        return _last[0][1], _last[0][2]
    folder, formats = Folder(artefact), {}
    said: dict[str, list[Finding | Looked]] = {}
    for name in folder.names:
        report = Report(name)
        formats[name] = _one(folder, name, report)
        for one in report.said():
            said.setdefault(one.check, []).append(one)
    _last[:] = [(artefact, said, formats)]
    return said, formats


def _one(folder: Folder, name: str, report: Report) -> str:
    """Read one file into its report; return its format."""
    if not folder.has_own_bytes(name):
        return "not read"
    try:
        with BoundedFile(folder.path(name)) as file:
            part = FilePart(name, file, format_of_source(file, name))
            look(part, report)
            return part.format
    except DamagedFile:
        return "not read"
