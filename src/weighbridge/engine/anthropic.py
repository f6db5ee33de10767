"""Anthropic's Messages API, and servers that speak it: no raw completions, no log-probabilities, no seed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from weighbridge.engine.http import HTTPEngine
from weighbridge.engine.protocol import Completion, EngineIdentity, Request
from weighbridge.engine.wire.batch import message_line
from weighbridge.engine.wire.messages import MessageStream, impossible_here, message_body, parse_message

if TYPE_CHECKING:
    from weighbridge.engine.limits import Limits
    from weighbridge.engine.wire.stream import Events

__all__ = ["AnthropicEngine"]

_VERSION = "2023-06-01"  # https://docs.anthropic.com/en/api/versioning
_HOME = "https://api.anthropic.com/v1"


class AnthropicEngine(HTTPEngine):
    """One model behind `base_url` (`https://api.anthropic.com/v1`); its key is that of ANTHROPIC_API_KEY."""

    _path = {"chat": "/messages", "completion": "/messages"}  # noqa: RUF012 - read only
    _where_keys_are = "`ANTHROPIC_API_KEY` or `WEIGHBRIDGE_API_KEY`"

    def __init__(
        self,
        base_url: str = _HOME,
        model: str = "",
        *,
        key: str | None = None,
        limits: Limits | None = None,
        identity: EngineIdentity | None = None,
    ) -> None:
        address = base_url.rstrip("/")
        identity = identity or EngineIdentity("anthropic", model, address=address)
        key = (os.environ.get("ANTHROPIC_API_KEY") if _is_home(address) else None) or key
        super().__init__(address, identity, key, limits)
        self.model = model

    def _headers(self) -> dict[str, str]:
        """Return the version of the API, and the key."""
        return {"anthropic-version": _VERSION} | ({"x-api-key": self._key} if self._key else {})

    def _body(self, request: Request) -> dict[str, Any] | str:
        """Return the body, or why there is none."""
        return impossible_here(request) or message_body(request, self.model)

    def _line(self, name: str, path: str, body: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - the shape of others
        """Return the line of a batch file."""
        return message_line(name, body)

    def _read(self, body: bytes, request: Request) -> Completion:
        """Read an answer that comes in one piece."""
        return parse_message(body, request)

    def _events(self) -> Events:
        """Return a reader for a streamed answer."""
        return MessageStream()


def _is_home(address: str) -> bool:
    """Tell whether an address is Anthropic's own: its key goes nowhere else."""
    return address.startswith("https://api.anthropic.com/")
