"""A symbolic link leads out of the model's folder.

What it finds: symbolic links in the folder whose target lies outside it. They are left alone, not followed.

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


def outside_link(artefact: Artefact) -> Iterator[Finding]:
    """Find symbolic links that lead out of the folder."""
    for entry in artefact.left_alone:
        if entry.reason.startswith("symbolic link"):
            yield Finding("outside-link", Severity.HIGH, entry.name, f"{entry.reason}; it was not followed")
