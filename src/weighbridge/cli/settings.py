"""Settings: read once, at the edge. Flags over environment over `weighbridge.toml` over defaults."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weighbridge.cli.options import DEFAULT_WORKSPACE
from weighbridge.dossier.locale import check_language
from weighbridge.errors import UsageError, did_you_mean
from weighbridge.workflow.workspace import Workspace

__all__ = ["SETTINGS", "Settings", "load_settings", "read_secret", "read_watch_secret"]

SETTINGS = {
    "workspace": "Folder of the evidence store and the dossiers (default `weighbridge-work`)",
    "policy": "Policy to decide by: a shipped name or a file (default `starter`)",
    "engine": "Address of the engine that serves the model, e.g. `http://127.0.0.1:8000/v1`",
    "language": "Language of the dossier: `en` or `zh`",
    "cache": "File that remembers digests of unchanged files",
    "knowledge": "Folder of your own tables of makers, families, releases and prices (default `knowledge` in the "
    "workspace, where it exists)",
}
_FILE = "weighbridge.toml"
_NOT_FROM_A_FILE = {
    "engine": "a key would go there",
    "cache": "the file it names is written to",
}  # a folder may be a stranger's
_MAX_BYTES = 1 << 20
_WATCH_SECRET = "WEIGHBRIDGE_WATCH_SECRET"  # noqa: S105 - the name of a variable
_SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """What the edge knows; handed down, never asked for again. `key` comes from the environment only.

    `knowledge` is the folder of the user's own tables, as `load_knowledge` takes it; None where there is none.
    """

    workspace: Workspace
    policy: str
    engine: str | None
    language: str
    key: str | None
    baseline_key: str | None
    knowledge: Path | None = None


def load_settings(*, weighed: str | None = None, **flags: str | None) -> Settings:
    """Join flags, environment (`WEIGHBRIDGE_<NAME>`) and `weighbridge.toml`; raises UsageError with the place.

    `weighed` is the reference of the model: a settings file in the very folder that is weighed is refused.
    """
    if weighed is not None and _is_there(Path(_FILE)) and Path(weighed).resolve() in (Path.cwd(), *Path.cwd().parents):
        raise UsageError(
            f"`{_FILE}` lies in the folder that is weighed, so its publisher could have written it",
            hint="weigh it from another folder",
        )
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    values: dict[str, str | None] = {
        "workspace": DEFAULT_WORKSPACE,
        "policy": "starter",
        "engine": None,
        "language": "en",
        "knowledge": None,
        "cache": str(cache_home / "weighbridge" / "digests.sqlite"),
    }
    values |= _from_file(Path(_FILE))
    values |= {
        name: os.environ[f"WEIGHBRIDGE_{name.upper()}"]
        for name in SETTINGS
        if f"WEIGHBRIDGE_{name.upper()}" in os.environ
    }
    values |= {name: value for name, value in flags.items() if value is not None}
    workspace = Workspace(Path(str(values["workspace"])), Path(str(values["cache"])))
    own_tables = Path(values["knowledge"]) if values["knowledge"] else None
    if own_tables is None and _is_there(workspace.knowledge):
        own_tables = workspace.knowledge
    language = check_language(str(values["language"]))  # refused now, not after a minute's work
    return Settings(
        workspace,
        policy=str(values["policy"]),
        engine=values["engine"],
        language=language,
        key=read_secret("WEIGHBRIDGE_API_KEY"),
        baseline_key=read_secret("WEIGHBRIDGE_BASELINE_API_KEY"),
        knowledge=own_tables,
    )


def _is_there(path: Path) -> bool:
    """Return whether this user can see that a path is there: a gateway's user often starts in a home of another."""
    return os.access(path, os.F_OK)


def _from_file(path: Path) -> dict[str, str | None]:
    """Read the settings file, if there is one."""
    if not _is_there(path):
        return {}
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"`{path}` is larger than 1 MiB")
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"`{path}` cannot be read: {error}") from error
    for name, value in content.items():
        if name not in SETTINGS:
            known = ", ".join(f"`{known}`" for known in SETTINGS)
            raise UsageError(
                f"`{path}` has the unknown setting `{name}`", hint=did_you_mean(name, SETTINGS) or f"known: {known}"
            )
        if name in _NOT_FROM_A_FILE:
            raise UsageError(
                f"`{path}` must not set `{name}`: {_NOT_FROM_A_FILE[name]}",
                hint=f"use the environment variable `WEIGHBRIDGE_{name.upper()}`",
            )
        if not isinstance(value, str):
            raise UsageError(f"`{path}`: the setting `{name}` must be a text in quotes")
    return content


def read_secret(name: str) -> str | None:
    """Return a secret from the environment, or from the file that the environment names."""
    if key := os.environ.get(name, "").strip():
        return key
    if not (place := os.environ.get(f"{name}_FILE")):
        return None
    try:
        return Path(place).read_text(encoding="utf-8").strip()[:4096] or None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the key file `{place}` cannot be read", hint=f"`{name}_FILE` names it") from error


def read_watch_secret() -> str | None:
    """Return the secret of the webhook's door, None where none is set; raises UsageError where one is easily guessed.

    One that is set but blank is a mistake, not a wish for no door: it would otherwise go unnoticed.
    """
    if _WATCH_SECRET not in os.environ and f"{_WATCH_SECRET}_FILE" not in os.environ:
        return None
    secret = read_secret(_WATCH_SECRET) or ""
    if len(secret) < _SHORTEST_SECRET:
        raise UsageError(
            f"`{_WATCH_SECRET}` holds {len(secret)} characters, which is too short for a secret"
            if secret
            else f"`{_WATCH_SECRET}` is set, but empty",
            hint=f"give {_SHORTEST_SECRET} characters or more, e.g. of `openssl rand -hex 16`, or unset it",
        )
    return secret
