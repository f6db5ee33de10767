"""Bytes of a weight file belong to no tensor, or a tensor or a text in it is another format.

What it finds: in safetensors and GGUF files, by their bytes and whatever their names: bytes after the last tensor,
between tensors, and padding that is not zero; tensors of bytes that begin as a program, an archive or a pickle; code
and encoded programs in metadata texts; entries of a header that the format does not have; tensor types that no GGUF
defines. All bytes that belong to no tensor are searched, as far as 256 MiB a stretch, for ZIP, 7z, gzip, pickles, ELF,
PE, Mach-O and scripts. Where such a file is not named `.safetensors` or `.gguf`, its structure is judged here too.

Why it matters: what no loader of weights reads is where another program's payload travels unseen, and what makes one
file two formats at once.

What to do: compare the SHA-256 with the publisher's. Convert the tensors into a fresh file, which drops the rest.

Works offline: yes. Values of tensors are not judged: data can hide in the low bits of any weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.place import quote
from weighbridge.formats.safetensors import read_header
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.safety.readers import formats_of
from weighbridge.inspection.stray import Stray, in_gguf, in_safetensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["stray_bytes"]

LOOKS_AT = "bytes and texts of weight files beside the tensors"
_CHECK = "stray-bytes"
_NAMED = {"safetensors": ".safetensors", "gguf": ".gguf"}
_SEVERITIES = {"payload": Severity.HIGH, "broken": Severity.HIGH, "odd": Severity.MEDIUM, "unread": Severity.MEDIUM}
_EFFECTS = {"payload": Effect.ASKS_TRUST, "broken": Effect.BREAKS_FORMAT, "odd": None, "unread": Effect.UNKNOWN}


def stray_bytes(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find what travels in weight files beside the weights."""
    folder, formats = Folder(artefact), formats_of(artefact)
    for name in folder.names:
        form = formats[name]
        if form not in _NAMED or not folder.has_own_bytes(name) or not folder.is_readable(name):
            continue
        try:
            for stray in _of(folder, name, form):
                yield Finding(_CHECK, _SEVERITIES[stray.kind], name, stray.what, Confidence.HIGH, _EFFECTS[stray.kind])
        except DamagedFile as error:
            if not name.lower().endswith(_NAMED[form]):  # of the others `damaged-weights` says it
                message = folder.say(error).removeprefix(f"{quote(name)} ")
                yield Finding(_CHECK, Severity.HIGH, name, message, effect=Effect.BREAKS_FORMAT)
            continue
        yield Looked(_CHECK, name, settles=not name.lower().endswith(_NAMED[form]))


def _of(folder: Folder, name: str, form: str) -> Iterator[Stray]:
    path, is_named = folder.path(name), name.lower().endswith(_NAMED[form])
    with BoundedFile(path) as file:
        if form == "safetensors":
            header = read_header(path)
            found, damage = in_safetensors(file, header), header.damage
        else:
            table = read_gguf(path)
            found, damage = in_gguf(file, table), table.damage
        if not is_named:
            yield from (Stray("broken", what) for what in damage)
        yield from found
