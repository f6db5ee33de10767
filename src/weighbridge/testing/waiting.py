"""Waiting for what another thread or process does, in place of sleeping for a guess."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

__all__ = ["first_document", "wait_for"]

_PAUSE_S = 0.01


def wait_for(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds; raises TimeoutError where it does not come about in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(_PAUSE_S)


def first_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the JSON document that a process prints first; raises ChildProcessError where it ends before that."""
    if process.stdout is None:
        raise ValueError
    text = ""
    while not text.endswith("\n}\n"):  # documents are indented
        line = process.stdout.readline()
        if not line:
            raise ChildProcessError(text + (process.communicate()[1] or ""))
        text += line
    document: dict[str, Any] = json.loads(text)
    return document
