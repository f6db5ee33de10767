"""Digests: canonical JSON (RFC 8785) hashed with SHA-256, written `sha256:<64 hex digits>`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["canonical", "digest_of", "digest_of_bytes", "short"]

_SHORT = 12


def canonical(value: Mapping[str, Any] | Sequence[Any] | str | float | None) -> bytes:
    """Return the one JSON text of `value` (RFC 8785), in UTF-8.

    Raises ValueError (rfc8785's own subclass) for NaN, infinities and integers beyond 2**53.
    """
    return rfc8785.dumps(value)


def digest_of(value: Mapping[str, Any] | Sequence[Any] | str | float | None) -> str:
    """Return the digest of a JSON value: the same value has the same digest, whatever wrote it."""
    return digest_of_bytes(canonical(value))


def digest_of_bytes(data: bytes) -> str:
    """Return the digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def short(digest: str) -> str:
    """Return a digest as people read it: its first 12 hex digits."""
    return digest.removeprefix("sha256:")[:_SHORT]
