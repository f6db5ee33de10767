"""A weight file contradicts its own format.

What it finds: a `.safetensors` or `.gguf` file whose header cannot be read or contradicts itself (lengths,
offsets, shapes, keys that stand twice), that ends before its tensors do, or that holds bytes of no tensor.

Why it matters: a cut file is a failed download; a crafted header attacks the parser of the program that
loads it; two programs that read an ambiguous file see two different models.

What to do: compare the file's SHA-256 with the publisher's and download it again. Where the published file
itself is damaged, do not load it.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.place import quote
from weighbridge.formats.safetensors import read_header
from weighbridge.inspection.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["damaged_weights"]

LOOKS_AT = "headers and tensor tables of safetensors and GGUF"
_READ = (".safetensors", ".gguf")


def damaged_weights(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find weight files whose bytes contradict their format, or that end too early."""
    folder = Folder(artefact)
    for name in filter(folder.is_readable, folder.names):
        for message in _damage(folder, name):
            yield Finding("damaged-weights", Severity.HIGH, name, message, effect=Effect.BREAKS_FORMAT)
        if name.lower().endswith(_READ):
            yield Looked("damaged-weights", name)


def _damage(folder: Folder, name: str) -> tuple[str, ...]:
    """Return what is wrong with one file."""
    try:
        if name.lower().endswith(".safetensors"):
            return read_header(folder.path(name)).damage
        if name.lower().endswith(".gguf"):
            return read_gguf(folder.path(name)).damage
    except DamagedFile as error:
        return (folder.say(error).removeprefix(f"{quote(name)} "),)
    return ()
