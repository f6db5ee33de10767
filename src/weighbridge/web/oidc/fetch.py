"""Asking the provider: two kinds of question, no redirect followed, short answers only, ten seconds each."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from weighbridge.errors import DamagedFile, WeighbridgeError
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Fetch", "ask"]

_MOST_BYTES = 1 << 20
_PATIENCE_S = 10.0


class Fetch(Protocol):
    """Asks an address: POST with a form, GET without; raises WeighbridgeError for what is no JSON object with 200."""

    def __call__(self, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] = ...) -> Any:
        """Return the object."""
        ...


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: what is registered as an endpoint is the endpoint."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse."""


def ask(url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Any:
    """Ask as Fetch has it; what the provider says in an error is not passed on, its status is."""
    data = urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, data, {"Accept": "application/json", **(headers or {})})  # noqa: S310 - see settings
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(request, timeout=_PATIENCE_S) as answer:
            body = answer.read(_MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise WeighbridgeError(f"the login provider answered {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WeighbridgeError(f"the login provider cannot be asked: {type(error).__name__}") from error
    try:
        content = parse_json(body, "the provider's answer", max_bytes=_MOST_BYTES)
    except DamagedFile as error:
        raise WeighbridgeError("the login provider's answer is no JSON that can be read") from error
    if not isinstance(content, dict):
        raise WeighbridgeError("the login provider's answer is no JSON object")
    return content
