"""CPython as a WebAssembly component: built from `guest/` at first use, compiled, and kept in the user's cache.

Compiled code is loaded as it is, so it is taken from a folder that nobody else can write, or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import platform
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime
from wasmtime.component import Component

from weighbridge.core.progress import silent
from weighbridge.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Progress

__all__ = ["cached_component", "private_folder"]

_GUEST = Path(__file__).parent / "guest"
_WORLD = "room"
_BUILD_S = 900
_INSTALL = "install it: `pip install 'weighbridge[sandbox]'`"
_BUILDER = "import sys; from componentize_py import script; sys.exit(script())"


def cached_component(engine: wasmtime.Engine, progress: Progress = silent) -> Component:
    """Return the component for this engine, from the cache or built now (some 15 to 45 s, once).

    Raises SandboxUnavailable where it is not there and cannot be built, or where the cache is open to others.
    """
    folder = private_folder()
    place = folder / f"{_key()}.cwasm"
    component = _load(engine, place)
    if component is not None:
        return component
    with _only_one(folder / "building"):
        component = _load(engine, place)  # another process may have built it while this one waited
        if component is None:
            _build(engine, place, progress)
            component = _load(engine, place)
    if component is None:
        raise SandboxUnavailable(f"the sandbox that was built at `{place}` cannot be loaded")
    return component


def private_folder() -> Path:
    """Return the cache folder, made where it is missing; raises SandboxUnavailable where others could write it."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weighbridge" / "sandbox"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise SandboxUnavailable(
            f"the cache `{folder}` cannot be written: {error.strerror}",
            hint="name another folder in the environment variable `XDG_CACHE_HOME`",
        ) from error
    if not stat.S_ISDIR(found.st_mode) or not _is_ours(found):
        raise SandboxUnavailable(
            f"others could write the cache `{folder}`, and code is loaded from there",
            hint=f"remove it, or make it yours alone: `chmod 700 {folder}`",
        )
    return folder


def _is_ours(found: os.stat_result) -> bool:
    """Whether this user owns it and nobody else can write it."""
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _key() -> str:
    """Return the digest of everything that the compiled code depends on."""
    digest = hashlib.sha256()
    for path in sorted(_GUEST.iterdir()):
        if path.suffix in {".py", ".wit"}:
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    versions = (importlib.metadata.version("wasmtime"), _builder_version(), platform.machine())
    return digest.hexdigest()[:24] + "-" + "-".join(versions)


def _builder_version() -> str:
    """Return the version of componentize-py, which brings the interpreter; raises SandboxUnavailable without it."""
    try:
        return importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        raise SandboxUnavailable("`componentize-py` is not installed", hint=_INSTALL) from None


def _load(engine: wasmtime.Engine, place: Path) -> Component | None:
    """Return what was compiled before, or None where there is nothing that fits this engine."""
    try:
        found = place.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) or not _is_ours(found):
        raise SandboxUnavailable(
            f"`{place}` was not written by you alone, and code is loaded from there", hint="remove it"
        )
    try:
        return Component.deserialize_file(engine, str(place))
    except wasmtime.WasmtimeError:  # for another processor, or damaged
        return None


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """Let one process build at a time."""
    with place.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(engine: wasmtime.Engine, place: Path, progress: Progress) -> None:
    """Build and compile the component; it appears under its name at once and whole."""
    if find_spec("componentize_py") is None:
        raise SandboxUnavailable("`componentize-py` is not installed", hint=_INSTALL)
    with (
        progress("building the sandbox, once", 2, "steps") as advance,
        tempfile.TemporaryDirectory(prefix="building-", dir=place.parent) as folder,
    ):
        module = Path(folder, "room.wasm")
        _componentize(module)
        advance(1)
        compiled = Path(folder, "room.cwasm")
        compiled.write_bytes(Component(engine, module.read_bytes()).serialize())
        compiled.chmod(0o600)
        compiled.replace(place)
        advance(1)


def _componentize(module: Path) -> None:
    """Run componentize-py over `guest/`; it works without a network."""
    with tempfile.TemporaryDirectory(dir=module.parent) as sources:
        package = Path(sources, "guest")  # by itself: what else lies beside it has no business in there
        package.mkdir()
        for path in _GUEST.glob("*.py"):
            (package / path.name).write_bytes(path.read_bytes())
        command = [
            sys.executable, "-c", _BUILDER, "-q", "-d", str(_GUEST / "world.wit"), "-w", _WORLD,
            "componentize", "-p", sources, "guest.app", "-o", str(module),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=sources, capture_output=True, timeout=_BUILD_S, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxUnavailable(f"building the sandbox took more than {_BUILD_S} s") from error
    if done.returncode != 0 or not module.is_file():
        lines = done.stderr.decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")[:200]
        raise SandboxUnavailable(f"the sandbox could not be built: {said}")
