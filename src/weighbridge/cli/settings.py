"""Settings: read once, at the edge. Flags over environment over `weighbridge.toml` over defaults."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weighbridge.dossier.locale import load_locale
from weighbridge.errors import UsageError, did_you_mean
from weighbridge.workflow.workspace import Workspace

__all__ = ["SETTINGS", "Settings", "load_settings"]

SETTINGS = {
    "workspace": "Folder of the evidence store and the dossiers (default `weighbridge-work`)",
    "policy": "Policy to decide by: a shipped name or a file (default `starter`)",
    "engine": "Address of the engine that serves the model, e.g. `http://127.0.0.1:8000/v1`",
    "language": "Language of the dossier: `en` or `zh`",
    "cache": "File that remembers digests of unchanged files",
}
_FILE = "weighbridge.toml"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """What the edge knows; handed down, never asked for again. `key` comes from the environment only."""

    workspace: Workspace
    policy: str
    engine: str | None
    language: str
    key: str | None


def load_settings(**flags: str | None) -> Settings:
    """Join flags, environment (`WEIGHBRIDGE_<NAME>`) and `weighbridge.toml`; raises UsageError with the place."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    values: dict[str, str | None] = {
        "workspace": "weighbridge-work",
        "policy": "starter",
        "engine": None,
        "language": "en",
        "cache": str(cache_home / "weighbridge" / "digests.sqlite"),
    }
    values |= _from_file(Path(_FILE))
    values |= {
        name: os.environ[f"WEIGHBRIDGE_{name.upper()}"]
        for name in SETTINGS
        if f"WEIGHBRIDGE_{name.upper()}" in os.environ
    }
    values |= {name: value for name, value in flags.items() if value is not None}
    language = load_locale(str(values["language"])).language  # refused now, not after a minute's work
    return Settings(
        Workspace(Path(str(values["workspace"])), Path(str(values["cache"]))),
        policy=str(values["policy"]),
        engine=values["engine"],
        language=language,
        key=_key(),
    )


def _from_file(path: Path) -> dict[str, str | None]:
    """Read the settings file, if there is one."""
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"`{path}` is larger than 1 MiB")
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"`{path}` cannot be read: {error}") from error
    for name, value in content.items():
        if name not in SETTINGS:
            known = ", ".join(f"`{known}`" for known in SETTINGS)
            raise UsageError(
                f"`{path}` has the unknown setting `{name}`", hint=did_you_mean(name, SETTINGS) or f"known: {known}"
            )
        if not isinstance(value, str):
            raise UsageError(f"`{path}`: the setting `{name}` must be a text in quotes")
    return content


def _key() -> str | None:
    """Return the engine's key from the environment, or from the file that the environment names."""
    if key := os.environ.get("WEIGHBRIDGE_API_KEY"):
        return key.strip()
    if not (place := os.environ.get("WEIGHBRIDGE_API_KEY_FILE")):
        return None
    try:
        return Path(place).read_text(encoding="utf-8").strip()[:4096] or None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the key file `{place}` cannot be read", hint="`WEIGHBRIDGE_API_KEY_FILE` names it"
        ) from error
