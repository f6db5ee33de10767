"""Import what programs may import: a component has no files, so what is not loaded at build time is not there."""

from __future__ import annotations

import contextlib
import gc
import importlib
import select
import sys
import time
from typing import Any

_NEVER = frozenset(
    {"__main__", "antigravity", "ensurepip", "idlelib", "test", "this", "tkinter", "turtle", "turtledemo", "venv"}
)
_INNER = (
    "collections.abc", "concurrent.futures", "concurrent.futures.thread", "email.message", "email.mime.text",
    "email.utils", "encodings.ascii", "encodings.cp1252", "encodings.idna", "encodings.latin_1", "encodings.punycode",
    "encodings.rot_13", "encodings.utf_16", "encodings.utf_32", "encodings.utf_8_sig", "html.entities", "html.parser",
    "http.client", "http.cookies", "importlib.metadata", "importlib.resources", "importlib.util", "json.decoder",
    "json.encoder", "logging.handlers", "os.path", "unittest.mock", "urllib.error", "urllib.parse", "urllib.request",
    "xml.dom.minidom", "xml.etree.ElementTree", "xml.sax.saxutils", "zoneinfo",
)  # fmt: skip


_SLICE_S = 0.05


def _slice_waits() -> None:
    """Have waits come up for air: a component can be ended where it computes, not where its host waits for it."""
    wait, look = time.sleep, select.select

    def sleep(seconds: Any, /) -> None:
        if not seconds > 0:
            return wait(seconds)  # nothing, or the error that there is for it
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            wait(min(left, _SLICE_S))
        return None

    def select_in_slices(read: Any, write: Any, other: Any, timeout: float | None = None, /) -> Any:
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            left = end - time.monotonic()
            found = look(read, write, other, max(0.0, min(left, _SLICE_S)))
            if any(found) or left <= 0:
                return found

    time.sleep = sleep
    select.select = select_in_slices
    for name in ("poll", "epoll", "kqueue"):
        with contextlib.suppress(AttributeError):
            delattr(select, name)


def load() -> int:
    """Import the standard library as far as it exists here, and return how many modules are loaded."""
    _slice_waits()
    for name in (*sorted(sys.stdlib_module_names - _NEVER), *_INNER):
        with contextlib.suppress(Exception, SystemExit):  # a module of another platform fails in its own way
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in the program then leaves these pages shared
    return len(sys.modules)
