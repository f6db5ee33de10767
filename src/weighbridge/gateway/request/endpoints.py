"""The endpoints that are passed on, and nothing else: one list that routing, tests and pages read."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ENDPOINTS", "HEALTH", "INFERENCE", "MODELS", "READY", "Endpoint"]

HEALTH, READY = "/healthz", "/readyz"
MODELS = "/v1/models"
INFERENCE = "inference"


class Endpoint(NamedTuple):
    """One endpoint that takes a POST.

    `upstream` is its path below an upstream's base URL, `listed` the field whose items
    are counted, `has_options` whether a stream says its usage only if `stream_options` asks for it,
    `generates` whether tokens are generated, `echoes` whether an answer repeats objects of the request.
    """

    path: str
    upstream: str
    listed: str
    has_options: bool = False
    generates: bool = True
    echoes: bool = False


ENDPOINTS = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint("/v1/chat/completions", "/chat/completions", "messages", has_options=True),
        Endpoint("/v1/completions", "/completions", "prompt", has_options=True),
        Endpoint("/v1/embeddings", "/embeddings", "input", generates=False),
        Endpoint("/v1/responses", "/responses", "input", echoes=True),
    )
}
