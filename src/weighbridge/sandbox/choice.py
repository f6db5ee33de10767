"""Choose a sandbox: WebAssembly first, namespaces where a program needs what it cannot import there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge import plugin
from weighbridge.core.progress import silent
from weighbridge.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from weighbridge.core.progress import Progress
    from weighbridge.sandbox.protocol import Sandbox

__all__ = ["choose"]

_FIRST = ("wasm", "bubblewrap")


def choose(needs: Collection[str] = (), *, name: str | None = None, progress: Progress = silent) -> Sandbox:
    """Return a sandbox in which programs can import the third-party modules of `needs`, or the one of that name.

    Raises SandboxUnavailable where none can run here: code that a model wrote is never run in a plain process.
    """
    if name is not None:
        made: Sandbox = plugin.load("sandboxes", name)(progress)
        return made
    known = plugin.names("sandboxes")
    reasons, hints = [], []
    for one in (*_FIRST, *(other for other in known if other not in _FIRST)):
        if one not in known:
            continue
        try:
            kind: Any = plugin.load("sandboxes", one)
            missing = sorted(set(needs) - kind.modules)
            found: Sandbox | None = None if missing else kind(progress)
        except SandboxUnavailable as error:
            reasons.append(f"{one}: {error.message}")
            hints += [error.hint] if error.hint else []
            continue
        if found is not None:
            return found
        reasons.append(f"{one} has no {', '.join(missing)}")
    raise SandboxUnavailable(
        f"no sandbox can run code here ({'; '.join(reasons) or 'none is installed'})", hint="; or ".join(hints) or None
    )
