"""The target of a request: its path, decoded and as it came, and its query."""

from __future__ import annotations

from urllib.parse import unquote

import httptools

from weighbridge.gateway.request.endpoints import ENDPOINTS

__all__ = ["read_target"]

_KNOWN = {path.encode(): (path, path.encode(), b"") for path in ENDPOINTS}  # what nearly all ask for is not parsed


def read_target(url: bytes) -> tuple[str, bytes, bytes]:
    """Return path, raw path and query of a target that the parser took; raises HttpParserInvalidURLError."""
    known = _KNOWN.get(url)
    if known is not None:
        return known
    parts = httptools.parse_url(url)
    return unquote(parts.path.decode("ascii")), parts.path, parts.query or b""
