"""An archive contradicts itself, cannot be read to its end, or puts files elsewhere.

What it finds: ZIP archives whose central directory and local headers disagree, with members that only one of them
names, wrong checksums, false marks of encryption; tar and ZIP members whose names lead out of the folder; archives
that are cut, nested deeper than three, encrypted, compressed in a way that is not read, or that unpack to more than
256 MiB. Every member that can be read is judged by the other checks, by its bytes and not by its name.

Why it matters: two programs that read such an archive see two different models, and a scanner may see the harmless one.

What to do: fetch the file again and compare its SHA-256; where the published file itself is so, do not load it.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_archives import CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["archive_members"]

LOOKS_AT = "ZIP, tar, 7z and compressed files"


def archive_members(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(CHECK, artefact)
