"""A Keras model holds or names code.

What it finds: `Lambda` layers (byte code in the file), layers that load pickles or other models, functions and classes
that are no part of Keras, and calls that turn Keras' protection off; in `.h5`, `.keras` and configurations alone.

Why it matters: loading such a model runs what it holds (CVE-2024-3660, CVE-2025-1550, -8747, -9905, -9906, -49655).

What to do: do not load it with `safe_mode=False`; take the weights and build the layers from reviewed source.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_keras import CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["keras_code"]

LOOKS_AT = "Keras configurations in HDF5, archives and JSON"


def keras_code(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(CHECK, artefact)
