"""Post a message to a webhook: https, or this machine; retried, never redirected, and its address never told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from weighbridge.core.digest import canonical, digest_of_bytes
from weighbridge.errors import HubUnreachable, UsageError
from weighbridge.hub.remote.answer import said
from weighbridge.hub.remote.patience import Patience, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_address", "post_message"]

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_OK = range(200, 300)
_TOTAL_S = 15.0
_TRIES = 4


def check_address(address: str) -> str:
    """Return the host that an address names; raises UsageError where a message would travel in the clear."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme == "https" and host:
        return host
    if parts.scheme == "http" and host in _THIS_MACHINE:
        return host
    raise UsageError("the webhook's address is not `https://...`", hint="set `WEIGHBRIDGE_WATCH_WEBHOOK`")


def post_message(address: str, message: Mapping[str, Any], patience: Patience | None = None) -> None:
    """Post a JSON message, trying again where the receiver is busy; raises HubUnreachable where it never takes it.

    A repeated attempt carries the same `Idempotency-Key`, so that a receiver that heeds it takes it once.
    """
    host = check_address(address)
    body = canonical(dict(message))
    trouble = Trouble()
    builder = SyncClientBuilder().follow_redirects(enable=False).timeout(timedelta(seconds=_TOTAL_S))
    builder = builder.user_agent("weighbridge")
    with (builder.no_proxy() if host in _THIS_MACHINE else builder).build() as client:
        for trouble in (patience or Patience(tries=_TRIES)).attempts():
            request = client.post(address).header("content-type", "application/json").body_bytes(body)
            try:
                response = request.header("idempotency-key", digest_of_bytes(body)).build().send()
            except PyreqwestError as error:
                trouble.fail(said(error))
                continue
            if response.status in _OK:
                return
            trouble.fail(f"HTTP {response.status}", asked=response.headers.get("retry-after") or "")
            if response.status not in _LATER:
                break
    raise HubUnreachable(
        f"the webhook at `{host}` did not take the message: {trouble.said}",
        hint="nothing is marked as sent; the next `--send` tries again",
    )
