"""A file is of two formats at once.

What it finds: a ZIP archive at the end of any other file, a pickle inside an image or an unknown file, a safetensors
file that loads as a pickle too. Large weights are searched at their ends only.

Why it matters: a scanner looks at the first format, and a loader reads the second.

What to do: do not load it; ask the publisher what the second format is for.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_hidden import CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["hidden_format"]

LOOKS_AT = "bytes that a file of its format does not call for"


def hidden_format(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(CHECK, artefact)
