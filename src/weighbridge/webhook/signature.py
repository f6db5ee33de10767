"""Signatures as Standard Webhooks 1.0 has them (standardwebhooks.com): receivers check them with any library."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from weighbridge.errors import UsageError

__all__ = ["key_of", "signed_headers"]

_PREFIX = "whsec_"
_LEAST_BYTES = 16


def key_of(secret: str, variable: str) -> bytes:
    """Return the key of a secret: `whsec_` and base64, or any other text as it stands.

    Raises UsageError, naming the variable that holds it, for one that is too short to be secret.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True) if secret.startswith(_PREFIX) else b""
    except binascii.Error:
        raise UsageError(f"the secret in `{variable}` is not `{_PREFIX}` and base64", hint=_HINT) from None
    key = key or secret.encode()
    if len(key) < _LEAST_BYTES:
        raise UsageError(f"the secret in `{variable}` is shorter than {_LEAST_BYTES} bytes", hint=_HINT)
    return key


def signed_headers(message_id: str, at: int, body: bytes, key: bytes) -> dict[str, str]:
    """Return the headers of a message: id, time (seconds since 1970), and their signature with the body.

    The same id means the same message, sent again. Without a key there is no signature.
    """
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at)}
    if key:
        signed = hmac.digest(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
    return headers


_HINT = "make one: `echo whsec_$(head -c 32 /dev/urandom | base64)`"
