"""An ONNX model takes data from outside its folder.

What it finds: tensors whose external data lies at an absolute path, at one with `..`, or at an address; operations
that run Python.

Why it matters: loading the model reads that file of this machine (CVE-2024-27318, CVE-2025-51480).

What to do: do not load it; a sound model keeps its data in files beside it.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_graphs import ONNX_CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["onnx_references"]

LOOKS_AT = "ONNX models"


def onnx_references(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(ONNX_CHECK, artefact)
