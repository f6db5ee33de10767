"""A path file holds a line that Python runs at its start.

What it finds: `.pth` files that are text, in the folder or in an archive, with lines that begin with `import`. By its
bytes, such a file is no weights: torch's `.pth` is a ZIP archive or a pickle, and is judged as that.

Why it matters: once the file lies in a folder of packages (`site-packages`), every Python process of that environment
runs the line before anything else, whether or not a model is loaded.

What to do: do not put it where packages are installed; read the named line, and delete the file from the copy.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_plain import PATH_CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["path_files"]

LOOKS_AT = "`.pth` files that are text"


def path_files(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(PATH_CHECK, artefact)
