"""Import what programs may import: a component has no files, so what is not loaded at build time is not there."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys

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


def load() -> int:
    """Import the standard library as far as it exists here, and return how many modules are loaded."""
    for name in (*sorted(sys.stdlib_module_names - _NEVER), *_INNER):
        with contextlib.suppress(Exception, SystemExit):  # a module of another platform fails in its own way
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in the program then leaves these pages shared
    return len(sys.modules)
