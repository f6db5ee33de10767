"""Texts and images were read, and do nothing by being read.

What it finds: nothing of its own. It says that a file is text to its end, or an image, so that "nothing found" of
the other checks counts; what a text asks of a loader (templates, custom code) is for their checks.

Why it matters: a file that nobody read is unknown, and must not be mixed with one that was read.

What to do: nothing.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_plain import CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["plain_files"]

LOOKS_AT = "texts and images"


def plain_files(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(CHECK, artefact)
