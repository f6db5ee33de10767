"""A configuration inside an archive asks for objects by name.

What it finds: `_target_` of Hydra and `!!python/` tags of YAML in configurations that travel in an archive, a
`.nemo` file for example. A target that is no class of a known package runs code; one that is asks for trust.

Why it matters: Hydra imports and calls whatever `_target_` names, with the arguments beside it (CVE-2025-23304).

What to do: read the configuration; refuse targets such as `os.system` or `builtins.exec`.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.safety.read_plain import CONFIG_CHECK
from weighbridge.inspection.safety.readers import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.finding import Finding, Looked

__all__ = ["archived_config"]

LOOKS_AT = "configurations inside archives"


def archived_config(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Yield what the one pass over the files found."""
    yield from said_by(CONFIG_CHECK, artefact)
