"""A NumPy file holds Python objects, or contradicts its header.

What it finds: arrays of objects, which are pickles and are judged as such; headers that cannot be read; data that
is cut; a pickle or an archive behind the data.

Why it matters: `numpy.load(..., allow_pickle=True)` runs the pickle; the default refuses it.

What to do: store numbers without objects; never load with `allow_pickle=True` what a stranger published.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_arrays import CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["numpy_objects"]

LOOKS_AT = "NumPy arrays"


def numpy_objects(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(CHECK, artefact)
