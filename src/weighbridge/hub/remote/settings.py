"""What a remote hub needs to know of its surroundings: addresses, tokens, the cache, and how much may be read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_BUDGET_BYTES", "RemoteSettings"]

DEFAULT_BUDGET_BYTES = 8_000_000
_LEAST_MEGABYTES, _MOST_MEGABYTES = 1, 1000
_ON = frozenset({"1", "true", "yes", "on"})
_MAX_TOKEN = 4096
_VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Where a hub is and what may be done there; the token is never shown and goes to the hub's own origin only."""

    endpoint: str
    token: str | None = field(default=None, repr=False)
    cache: Path = field(default_factory=lambda: Path.home() / ".cache")
    budget_bytes: int = DEFAULT_BUDGET_BYTES
    is_offline: bool = False

    @classmethod
    def from_environment(
        cls, endpoint_variable: str, endpoint: str, token_variables: tuple[str, ...], environment: Mapping[str, str]
    ) -> RemoteSettings:
        """Read the settings of one hub; raises UsageError for an address or a number that cannot be meant."""
        address = environment.get(endpoint_variable, "").strip().rstrip("/") or endpoint
        _check_address(address, endpoint_variable)
        token = next((found for name in token_variables if (found := environment.get(name, "").strip())), None)
        if token is not None and (len(token) > _MAX_TOKEN or not _VISIBLE.fullmatch(token)):
            raise UsageError(f"the token in `{token_variables[0]}` holds characters that no token has")
        return cls(
            endpoint=address,
            token=token,
            cache=Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weighbridge" / "hub",
            budget_bytes=_megabytes(environment.get("WEIGHBRIDGE_REMOTE_MEGABYTES", "")),
            is_offline=any(
                environment.get(name, "").lower() in _ON for name in ("WEIGHBRIDGE_OFFLINE", "HF_HUB_OFFLINE")
            ),
        )

    @classmethod
    def here(cls, endpoint_variable: str, endpoint: str, *token_variables: str) -> RemoteSettings:
        """Read the settings from the environment of this process."""
        return cls.from_environment(endpoint_variable, endpoint, token_variables, os.environ)

    @property
    def host(self) -> str:
        """The hub's host, and its port where one is given, as a name for a folder."""
        return re.sub(r"[^\w.-]", "_", urlsplit(self.endpoint).netloc.lower())


def _check_address(address: str, variable: str) -> None:
    """Refuse what is no plain address of a web server."""
    try:
        parts = urlsplit(address)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"`{variable}` is not the address of a hub", hint="write it like `https://huggingface.co`")


def _megabytes(text: str) -> int:
    """Return a number of megabytes in bytes; the default where none is given."""
    if not text.strip():
        return DEFAULT_BUDGET_BYTES
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not _LEAST_MEGABYTES <= number <= _MOST_MEGABYTES:
        raise UsageError(
            f"`WEIGHBRIDGE_REMOTE_MEGABYTES` must be between {_LEAST_MEGABYTES} and {_MOST_MEGABYTES}",
            hint="it bounds what is read of a remote model; the default is 8",
        )
    return int(number * 1_000_000)
