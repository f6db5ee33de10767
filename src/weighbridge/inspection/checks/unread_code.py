"""A file can run code when it is loaded, and no check reads it yet.

What it finds: programs and scripts by their first bytes; files that are named like pickles, archives, Python, NumPy,
Keras and TensorFlow files and whose bytes are of no format that is read (a file on its hub, a Git LFS pointer); a
`config.json` or its like that cannot be read. What is a pickle, an archive, a model or Python by its bytes is read by
the checks for those. It does not say that the file is malicious.

Why it matters: loading such a file can do whatever the person who loads it may do: read keys, open connections,
change the machine. That nothing else was found in it means only that nobody looked.

What to do: use safetensors or GGUF weights of the same revision where the publisher has them and delete these
files from the copy; otherwise let a person read them, and load them in a sandbox only.

Works offline: yes.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Finding, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.config import read_config
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.safety.readers import formats_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["unread_code"]

_PROGRAMS = {
    "elf": "is a program or library of machine code",
    "mach-o": "is a program or library of machine code",
    "pe": "is a program or library of machine code",
    "script": "is a script",
}
_UNSETTLED = frozenset({"unknown", "not read", "git lfs pointer"})  # of all other formats the bytes were read

_SUFFIXES = {
    "is named like a pickle": ".pkl .pickle .pt .pth .ckpt .bin .joblib .dill .pdparams .pdopt .nemo .mar",
    "is named like a NumPy file, which may hold pickled objects": ".npy .npz",
    "is named like a Keras model, which may hold code": ".h5 .hdf5 .keras",
    "is named like a TensorFlow graph, which is a program": ".pb",
    "is named like a program or library of machine code": ".so .dll .dylib .exe .pyd",
    "is named like Python code": ".py .pyc .pyw .egg .whl",
    "is named like a script": ".sh .bash .bat .cmd .ps1",
}
_BY_SUFFIX = {suffix: what for what, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".lzma", ".z", ".zst", ".lz4"})


def unread_code(artefact: Artefact) -> Iterator[Finding]:
    """Find files that can run code when they are loaded and that no check reads yet."""
    folder, formats = Folder(artefact), formats_of(artefact)
    for name in folder.names:
        try:
            what, confidence = _what(folder, name, formats[name])
        except DamagedFile as error:
            message = f"it is not known whether loading this file runs code: {folder.say(error)}"
            yield Finding("unread-code", Severity.HIGH, name, message, Confidence.LOW, Effect.UNKNOWN)
            continue
        if what:
            yield _finding(name, what, confidence)
    if artefact.is_partial:  # what stayed on the hub may still run where the model is loaded
        for entry in artefact.left_alone:
            if what := _by_name(entry.name):
                yield _finding(entry.name, what, Confidence.MEDIUM)


def _finding(name: str, what: str, confidence: Confidence) -> Finding:
    message = f"{what}; it can run code when it is loaded, and no check reads it yet"
    effect = Effect.ASKS_TRUST if what in _PROGRAMS.values() else Effect.UNKNOWN
    return Finding("unread-code", Severity.HIGH, name, message, confidence, effect)


def _what(folder: Folder, name: str, form: str) -> tuple[str, Confidence]:
    """Say why a file can run code and how sure that is: bytes are facts, a name is a claim; "" where it cannot."""
    if not folder.has_own_bytes(name):
        return _by_name(name), Confidence.MEDIUM
    with BoundedFile(folder.path(name)) as file:
        head = file.read(0, 1)
    if what := _PROGRAMS.get(form):
        return what, Confidence.HIGH
    if name.lower().endswith("config.json"):
        read_config(folder.path(name))  # what it asks for is for `remote-code`; whether it can be read at all is not
    return (_by_name(name) if head and form in _UNSETTLED else ""), Confidence.MEDIUM


def _by_name(name: str) -> str:
    """Say what a name claims; a suffix of compression does not hide the one before it."""
    path = PurePosixPath(name.lower())
    suffix = path.suffix
    if suffix in _COMPRESSED:
        suffix = PurePosixPath(path.stem).suffix
    return f"{what} (`{suffix}`)" if (what := _BY_SUFFIX.get(suffix)) else ""
