"""A file can run code when it is loaded, and no check reads it yet.

What it finds: pickles (by their first bytes, whatever the name, or by the name), ZIP archives (the container of
PyTorch files), NumPy, Keras and TensorFlow files, Python, scripts and programs; and a `config.json` or its like
that asks for custom code with `auto_map`, or that cannot be read. It does not say that the file is malicious.

Why it matters: loading such a file can do whatever the person who loads it may do: read keys, open connections,
change the machine. That nothing else was found in it means only that nobody looked.

What to do: use safetensors or GGUF weights of the same revision where the publisher has them and delete these
files from the copy; otherwise let a person read them, and load them in a sandbox only.

Works offline: yes.
"""

from __future__ import annotations

import pickletools
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence, Finding, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.config import read_config
from weighbridge.formats.place import quote
from weighbridge.formats.safetensors import read_header
from weighbridge.inspection.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["unread_code"]

_MOST_NAMED = 3  # classes of an `auto_map` that are named
_HEAD_BYTES = 512
_LENGTH_BYTES = 8  # a safetensors file begins with the length of its header

_PICKLE = "is a pickle by its first bytes"
_TWO_KINDS = "is a safetensors file that can be loaded as a pickle too"
_ZIP = "is a ZIP archive, the container of PyTorch files"
_PROGRAM = "is a program or library of machine code"

_OPCODES = {ord(opcode.code): opcode for opcode in pickletools.opcodes}

_MAGICS = (
    (b"PK\x03\x04", _ZIP),
    (b"\x7fELF", _PROGRAM),
    (b"\xcf\xfa\xed\xfe", _PROGRAM),
    (b"\xca\xfe\xba\xbe", _PROGRAM),
    (b"\x93NUMPY", "is a NumPy file, which may hold pickled objects"),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file, in which Keras stores code"),
    (b"#!", "is a script"),
)

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
    folder = Folder(artefact)
    for name in folder.names:
        try:
            what, confidence = _what(folder, name)
        except DamagedFile as error:
            message = f"it is not known whether loading this file runs code: {folder.say(error)}"
            yield Finding("unread-code", Severity.HIGH, name, message, Confidence.LOW)
            continue
        if what:
            yield _finding(name, what, confidence)
    if artefact.is_partial:  # what stayed on the hub may still run where the model is loaded
        for entry in artefact.left_alone:
            if what := _by_name(entry.name):
                yield _finding(entry.name, what, Confidence.MEDIUM)


def _finding(name: str, what: str, confidence: Confidence) -> Finding:
    message = f"{what}; it can run code when it is loaded, and no check reads it yet"
    return Finding("unread-code", Severity.HIGH, name, message, confidence)


def _what(folder: Folder, name: str) -> tuple[str, Confidence]:
    """Say why a file can run code and how sure that is: bytes are facts, a name is a claim; "" where it cannot."""
    if not folder.has_own_bytes(name):
        return _by_name(name), Confidence.MEDIUM
    with BoundedFile(folder.path(name)) as file:
        head = file.read(0, _HEAD_BYTES)
    if what := _by_bytes(folder, name, head):
        return what, Confidence.HIGH
    if name.lower().endswith("config.json"):
        return _custom_code(read_config(folder.path(name))), Confidence.HIGH
    return (_by_name(name) if head else ""), Confidence.MEDIUM


def _by_bytes(folder: Folder, name: str, head: bytes) -> str:
    """Settle the kind by the bytes: any magic of two to four bytes may also be the length of a safetensors header."""
    what = next((what for magic, what in _MAGICS if head.startswith(magic)), "")
    if _begins_as_pickle(head):
        what = _PICKLE
    elif head.startswith(b"MZ") and b"\0" in head:  # no text that happens to begin with these letters
        what = _PROGRAM
    if what and _is_safetensors(folder, name):
        return _TWO_KINDS if what == _PICKLE and _swallows_length(head) else ""
    if what == _ZIP:
        return f"{_ZIP}, that begins with {quote(_first_member(head))}"
    return what


def _begins_as_pickle(head: bytes) -> bool:
    """Whether an unpickler would go on after the mark of the protocol (it takes 0 to 5) and the first opcode."""
    return len(head) > 2 and head[0] == 0x80 and head[1] <= 5 and head[2] in _OPCODES  # noqa: PLR2004


def _swallows_length(head: bytes) -> bool:
    """Whether the first opcode takes the rest of the length, zeros that no unpickler goes on from, as its argument."""
    argument = _OPCODES[head[2]].arg
    if argument is None:
        return False
    size = argument.n
    if size == pickletools.UP_TO_NEWLINE:
        return True
    if size < 0:  # counted: the argument says its own length first
        width = {pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT8U: 8}.get(size, 4)
        size = width + int.from_bytes(head[3 : 3 + width], "little")
    return 3 + size > _LENGTH_BYTES


def _is_safetensors(folder: Folder, name: str) -> bool:
    try:
        read_header(folder.path(name))
    except DamagedFile:
        return False
    return True


def _first_member(head: bytes) -> str:
    """Return the name in the first local header of a ZIP archive, as far as it was read."""
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].decode("utf-8", "replace")


def _by_name(name: str) -> str:
    """Say what a name claims; a suffix of compression does not hide the one before it."""
    path = PurePosixPath(name.lower())
    suffix = path.suffix
    if suffix in _COMPRESSED:
        suffix = PurePosixPath(path.stem).suffix
    return f"{what} (`{suffix}`)" if (what := _BY_SUFFIX.get(suffix)) else ""


def _custom_code(config: dict[str, Any]) -> str:
    """Say which classes a configuration asks for, or "" where it asks for none."""
    asked = config.get("auto_map")
    if not asked:
        return ""
    named = sorted(set(_texts(asked)))
    shown = ", ".join(quote(text) for text in named[:_MOST_NAMED])
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return f"asks for custom code with `auto_map`{': ' if shown else ''}{shown}{more}"


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of an `auto_map`: of an object, of the lists in it, or of a list alone."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
