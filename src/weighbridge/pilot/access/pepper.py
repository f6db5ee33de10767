"""The server's pepper: the secret under which keys are digested, kept apart from the database."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError, WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["PEPPER_FILE", "load_pepper", "mark_of", "pepper_of"]

PEPPER_FILE = "pilot.pepper"
_LEAST_CHARACTERS, _MOST_BYTES = 32, 4096
_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP


def load_pepper(folder: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the pepper: `WEIGHBRIDGE_PEPPER`, the file `WEIGHBRIDGE_PEPPER_FILE`, or `folder`/pilot.pepper.

    The last is made where it is missing, readable by its owner only. Raises UsageError for a file that others can
    read, one that is not there, and a text of less than 32 characters.
    """
    if text := environment.get("WEIGHBRIDGE_PEPPER"):
        return _checked(text.encode(), "`WEIGHBRIDGE_PEPPER`")
    if named := environment.get("WEIGHBRIDGE_PEPPER_FILE"):
        return _read(Path(named))
    path = folder / PEPPER_FILE
    if not path.exists():
        _make(path)
    return _read(path)


def pepper_of(state: PilotState, folder: Path) -> bytes:
    """Return the pepper as `load_pepper` does; raises UsageError, too, where the keys were made with another one."""
    pepper = load_pepper(folder)
    if not state.same_pepper(mark_of(pepper)):
        raise UsageError(
            "the pepper is not the one that the keys of this pilot were made with",
            hint="see WEIGHBRIDGE_PEPPER and WEIGHBRIDGE_PEPPER_FILE",
        )
    return pepper


def mark_of(pepper: bytes) -> str:
    """Return what tells one pepper from another and says nothing of it, for the store to remember."""
    return hmac.digest(pepper, b"weighbridge pilot: mark of the pepper", "sha256").hex()


def _make(path: Path) -> None:
    """Make a pepper; where two processes do so at once, the first one's stays."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_hex(32).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    except OSError as error:
        raise WeighbridgeError(f"the pepper `{path}` cannot be made: {error.strerror}") from error


def _read(path: Path) -> bytes:
    """Read a pepper from a file that only its owner, or its group, can read."""
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the pepper `{path}` cannot be read: {error.strerror}") from error
    if mode & _TOO_OPEN:
        raise UsageError(
            f"the pepper `{path}` is open to others (mode {stat.S_IMODE(mode):o})",
            hint=f"`chmod 600 {path}`; where others could have read it, make a new one and new keys",
        )
    return _checked(text.strip(), f"`{path}`")


def _checked(text: bytes, place: str) -> bytes:
    """Return the pepper, or say that it is no good."""
    if not _LEAST_CHARACTERS <= len(text) <= _MOST_BYTES:
        raise UsageError(
            f"the pepper in {place} has {len(text)} bytes, and {_LEAST_CHARACTERS} to {_MOST_BYTES} are needed",
            hint="`openssl rand -hex 32` makes one",
        )
    return text
