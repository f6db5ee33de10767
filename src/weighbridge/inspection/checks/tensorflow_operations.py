"""A TensorFlow graph runs Python or touches files.

What it finds: operations of a SavedModel, of a graph alone (`.pb`, `.pbtxt`) that run Python, read, write or delete
files, or open connections. Those with which every SavedModel saves and restores itself are no finding, as long as
only its saver reaches them: the graph is followed from its signatures, its start and its saver.

Why it matters: a SavedModel is a program; these operations reach outside of it when the graph runs.

What to do: do not serve it outside a sandbox; ask the publisher for weights without the graph.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_graphs import TENSORFLOW_CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["tensorflow_operations"]

LOOKS_AT = "TensorFlow SavedModels"


def tensorflow_operations(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(TENSORFLOW_CHECK, artefact)
