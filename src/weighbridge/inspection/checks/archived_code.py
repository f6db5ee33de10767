"""Code travels inside an archive of weights.

What it finds: Python, libraries and programs among the members of ZIP and tar files (a TorchServe `.mar`, a
`torch.package`, a `.nemo`). The code of TorchScript is no finding: it runs in a machine without files and network.

Why it matters: the loader of such an archive imports that code, and nobody reviewed it with the model.

What to do: read the named files, or take the weights out into safetensors.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_plain import MEMBER_CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["archived_code"]

LOOKS_AT = "members of archives that are code"


def archived_code(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(MEMBER_CHECK, artefact)
