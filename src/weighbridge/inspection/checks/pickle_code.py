"""A pickle runs code when it is loaded, or asks for trust in a package.

What it finds: in every pickle (protocols 0 to 5, by its bytes, in archives and behind other data too) the names
that loading would import, call or change. The machine that loads pickles is simulated, nothing is loaded. Names that
only build data (tensors, arrays, ordered dictionaries) are on a list; every other name is a finding: names of
the standard library and functions of any package run code, classes of packages ask for trust.

Why it matters: a pickle is a program. Loading it can do whatever the person who loads it may do.

What to do: use safetensors weights of the same revision. Where a finding says "asks for trust", load the file
only with the very package that it names, at a version that was reviewed; where it says "runs code", do not load it.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_pickles import CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["pickle_code"]

LOOKS_AT = "pickles, wherever they lie"


def pickle_code(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(CHECK, artefact)
