# ruff: noqa: RUF001 - Chinese messages have Chinese punctuation
"""Errors that are a filter's word, as services were seen to send them (sources: `filters.toml`), and others."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.engine.wire.filters import is_filter
from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

AZURE = {"error": {"code": "content_filter", "message": "The response was filtered", "status": 400,
                   "innererror": {"code": "ResponsibleAIPolicyViolation"}}}  # fmt: skip
FILTERS: list[Any] = [
    AZURE,
    {"error": {"code": 400, "message": "The request was rejected because it was considered high risk",
               "param": "prompt", "type": "content_filter"}},
    {"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content.",
               "type": "data_inspection_failed"}},
    {"error": {"message": "<400> InternalError.Algo.DataInspectionFailed: Input text data may contain ..."}},
    {"error": {"message": "Content Exists Risk", "type": "invalid_request_error", "code": "invalid_request_error"}},
    {"detail": "Content Exists Risk"},
    {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免"}},
    {"error": {"message": "input contains sensitive words: [test]", "code": "sensitive_words_detected"}},
]  # fmt: skip
OTHERS: list[Any] = [
    {"error": {"message": "context too long", "code": "context_length_exceeded", "type": "invalid_request_error"}},
    {"error": {"message": "Unsupported parameter: seed", "code": None, "type": []}},
    {"error": {"code": "1302", "message": "您当前使用该API的并发数过高"}},
    {"error": "no such model"}, {"object": "error", "message": {}}, [], None, "x", 3, {"error": {"innererror": [1]}},
]  # fmt: skip


def asked(serve: Serve, body: Any, status: str) -> tuple[Completion, int]:
    """Ask a server that always answers so; return the completion and how often it was asked."""
    server = serve(lambda _n, _path: http(json.dumps(body).encode(), status=status))

    async def ask() -> Completion:
        async with OpenAIEngine(server.url, "m") as engine:
            return await engine.complete(Request("chat", "q", 8))

    return asyncio.run(ask()), len(server.paths)


@pytest.mark.parametrize("body", FILTERS)
def test_what_services_send_where_they_filter(body: Any) -> None:
    """By code, by type, by inner code or by the words of the message."""
    assert is_filter(body)


@pytest.mark.parametrize("body", OTHERS)
def test_other_errors_are_no_filter(body: Any) -> None:
    """A wrong request, too many requests, and bodies of any shape."""
    assert not is_filter(body)


def test_a_filtered_request_is_filtered_and_not_failed(serve: Serve) -> None:
    """It is asked once, kept apart from failures, and says why; a server's own trouble stays a failure."""
    completion, calls = asked(serve, AZURE, "400 Bad Request")
    assert (completion.outcome, completion.finish_reason, calls) == (Outcome.FILTERED, "content_filter", 1)
    assert completion.detail == "HTTP 400: The response was filtered"
    assert asked(serve, OTHERS[0], "400 Bad Request")[0].outcome is Outcome.FAILED
