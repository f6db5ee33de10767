"""A symbolic link leads out of the model's folder.

What it finds: symbolic links in the folder whose target lies outside it (high), or cannot be established
because the link leads nowhere or runs in a circle (medium). They are left alone, not followed. A link to a
folder inside is no finding: its files are read where they are.

Why it matters: a link can make a loader read a file that was never reviewed, a key or a configuration of
this machine among them, and the file behind it can change without the model's digest changing.

What to do: replace the link by the file it should hold, or remove it.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["outside_link"]

# the folder hub's reasons for leaving a link alone
_LINK = "symbolic link"
_OUT = "symbolic link leads out of the folder"
_INSIDE = "symbolic link to a folder"


def outside_link(artefact: Artefact) -> Iterator[Finding]:
    """Find symbolic links that lead out of the folder, or to no place that can be named."""
    for entry in artefact.left_alone:
        if entry.reason.startswith(_LINK) and not entry.reason.startswith(_INSIDE):
            severity = Severity.HIGH if entry.reason.startswith(_OUT) else Severity.MEDIUM
            yield Finding("outside-link", severity, entry.name, f"{entry.reason}; it was not followed")
