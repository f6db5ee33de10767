"""Importing this imports the package, but for what wants an extra that is missing: what a fork server has ready."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from contextlib import suppress

import weighbridge

_UNFIT = (
    "weighbridge.__main__",  # it runs
    "weighbridge.engine.ray_workers",  # it starts threads
    "weighbridge.sandbox.guest",  # it lives in WebAssembly
    "weighbridge.testing",
)

_LATE = ("duckdb", "vl_convert")  # what a command imports when it needs it, and takes long

for _name in (*(module.name for module in pkgutil.walk_packages(weighbridge.__path__, "weighbridge.")), *_LATE):
    if not _name.startswith(_UNFIT):
        with suppress(ImportError):
            importlib.import_module(_name)
gc.collect()
gc.freeze()  # a collection in a fork would copy every page it walks
