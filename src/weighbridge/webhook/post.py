"""Post a body to a webhook: https, or this machine; retried, never redirected, and its address never told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from weighbridge.errors import HubUnreachable, UsageError
from weighbridge.hub.remote.answer import said
from weighbridge.hub.remote.patience import Patience, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_address", "post"]

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_OK = range(200, 300)
_TOTAL_S = 15.0


def check_address(address: str, variable: str) -> str:
    """Return the host that an address names; raises UsageError where a message would travel in the clear.

    `variable` is that of the environment which holds the address; the error names it, and not what it holds.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme == "https" and host:
        return host
    if parts.scheme == "http" and host in _THIS_MACHINE:
        return host
    raise UsageError("the webhook's address is not `https://...`", hint=f"set `{variable}`")


def post(address: str, body: bytes, headers: Mapping[str, str], patience: Patience) -> None:
    """Post a JSON body to an address that was checked, trying again where the receiver is busy.

    Raises HubUnreachable, which names the host alone, where it is not taken in all attempts; a refusal is final.
    """
    host = urlsplit(address).hostname or ""
    trouble = Trouble()
    builder = SyncClientBuilder().follow_redirects(enable=False).timeout(timedelta(seconds=_TOTAL_S))
    builder = builder.user_agent("weighbridge")
    with (builder.no_proxy() if host in _THIS_MACHINE else builder).build() as client:
        for trouble in patience.attempts():
            request = client.post(address).header("content-type", "application/json").body_bytes(body)
            for name, value in headers.items():
                request = request.header(name, value)
            try:
                # the body of an answer may be endless, and says nothing
                with request.streamed_read_buffer_limit(0).build_streamed() as response:
                    status, asked = response.status, response.headers.get("retry-after") or ""
            except PyreqwestError as error:
                trouble.fail(said(error))
                continue
            if status in _OK:
                return
            trouble.fail(f"HTTP {status}", asked=asked)
            if status not in _LATER:
                break
    raise HubUnreachable(f"the webhook at `{host}` did not take the message: {trouble.said}")
