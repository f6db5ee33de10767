"""No licence text comes with the weights.

What it finds: an artefact without a file named like LICENSE, LICENCE, COPYING or NOTICE.

Why it matters: a licence tag on a model card is a claim, not a licence. Without the text nobody can check
which terms, thresholds and duties were granted for this revision.

What to do: get the licence text from the publisher for this very revision and keep it with the files.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Finding, Severity
from weighbridge.inspection.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["no_licence_file"]


def no_licence_file(artefact: Artefact) -> Iterator[Finding]:
    """Find that no file is named like a licence."""
    if not Folder(artefact).licence_files():
        yield Finding("no-licence-file", Severity.LOW, ".", "no licence file comes with the weights")
