"""Dialects: how servers of the OpenAI API differ, by the table `dialects.toml`."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

__all__ = ["OTHER", "Dialect", "dialects", "recognise"]

_MAX_MODELS = 64  # entries of a list of models that are looked at


@dataclass(frozen=True, slots=True)
class Dialect:
    """One row of the table: how it is recognised, and how it spells what a request asks for."""

    name: str
    source: str
    hosts: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    owned_by: tuple[str, ...] = ()
    max_tokens: str = "max_tokens"
    choices: str = "schema"
    schema: str = "response_format"
    raw_schema: str = ""
    thinking: str = "template"
    logprobs: str = "flag"


OTHER = "other"


@functools.cache
def dialects() -> dict[str, Dialect]:
    """Return the table by name."""
    rows = tomllib.loads(files(__package__).joinpath("dialects.toml").read_text("utf-8"))["dialect"]
    listed = ("hosts", "server", "owned_by")
    read: list[dict[str, Any]] = [
        {key: tuple(value) if key in listed else value for key, value in row.items()} for row in rows
    ]
    return {row["name"]: Dialect(**row) for row in read}


def recognise(base_url: str, models: Any = None, server: str | None = None) -> Dialect:
    """Return the dialect of an address, by its host, its `Server` header, or its list of models (parsed JSON)."""
    host = urlsplit(base_url).hostname or ""
    rows = models.get("data") if isinstance(models, dict) else None
    rows = rows[:_MAX_MODELS] if isinstance(rows, list) else []
    owners = {row["owned_by"] for row in rows if isinstance(row, dict) and isinstance(row.get("owned_by"), str)}
    for dialect in dialects().values():
        at_home = any(host == known or host.endswith(f".{known}") for known in dialect.hosts)
        if at_home or (server in dialect.server) or owners & set(dialect.owned_by):
            return dialect
    return dialects()[OTHER]
