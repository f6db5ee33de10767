"""No weights are in the folder.

What it finds: a folder without a file named `*.safetensors` or `*.gguf`, the formats that are read here.

Why it matters: the digest that was pinned names settings and texts only. A model that answers under this name
draws its weights from somewhere else, and nothing that was found in these files holds for them.

What to do: download the weights of this very revision into the folder. Where the publisher has pickles only
(`*.bin`, `*.pt`), use safetensors or GGUF weights made from them.

A config or another single file is inspected for what it is; there the finding is not made.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["no_weights"]

_READ = (".safetensors", ".gguf")


def no_weights(artefact: Artefact) -> Iterator[Finding]:
    """Find that no file holds weights in a format that is read here."""
    if artefact.reference.kind in {"config", "file"}:
        return
    if not any(file.name.lower().endswith(_READ) for file in artefact.files):
        message = "no weights are here, so what was pinned is not what would answer"
        yield Finding("no-weights", Severity.HIGH, ".", message)
