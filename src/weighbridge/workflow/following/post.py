"""Post a digest's message to the webhook of the watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import canonical, digest_of_bytes
from weighbridge.errors import HubUnreachable
from weighbridge.hub.remote.patience import Patience
from weighbridge.webhook import post as webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_address", "post_message"]

_VARIABLE = "WEIGHBRIDGE_WATCH_WEBHOOK"
_TRIES = 4


def check_address(address: str) -> str:
    """Return the host that an address names; raises UsageError where a message would travel in the clear."""
    return webhook.check_address(address, _VARIABLE)


def post_message(address: str, message: Mapping[str, Any], patience: Patience | None = None) -> None:
    """Post a JSON message, trying again where the receiver is busy; raises HubUnreachable where it never takes it.

    A repeated attempt carries the same `Idempotency-Key`, so that a receiver that heeds it takes it once.
    """
    check_address(address)
    body = canonical(dict(message))
    try:
        webhook.post(address, body, {"idempotency-key": digest_of_bytes(body)}, patience or Patience(tries=_TRIES))
    except HubUnreachable as error:
        hint = "nothing is marked as sent; the next `--send` tries again"
        raise HubUnreachable(error.message, hint=hint) from error
