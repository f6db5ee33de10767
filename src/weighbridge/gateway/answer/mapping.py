"""What an upstream's refusal means to a caller.

Its own mistake is passed on; the gateway's and the upstream's become 502, 503 and 504, never the caller's 401.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.gateway.errors import Refused, upstream_failed

if TYPE_CHECKING:
    from weighbridge.gateway.upstream.protocol import Answer, UpstreamFailure

__all__ = ["LATE", "OK", "RETRIED", "failed", "is_passed", "judge", "retry_after_s"]

OK = 200
LATE = frozenset({408, 504})  # said by a proxy before a model that may be at work still
RETRIED = frozenset({500, 502, 503, 504, 529})
_PASSED = frozenset({400, 413, 415, 422})  # what the caller itself can mend
_TOO_MANY, _NOT_READY = 429, 503
_TOLD = (
    ((401, 402, 403, 407), 502, "the model's server refused the gateway's own key", "upstream_refused_key"),
    ((404,), 502, "the model's server does not offer this", "upstream_not_found"),
    ((405, 501), 404, "this model does not offer this endpoint", "endpoint_not_offered"),  # no use in asking again
    (tuple(LATE), 504, "the model's server took too long", "upstream_timeout"),
    ((503, 529), _NOT_READY, "the model's server is not ready", "upstream_unavailable"),
)
_LONGEST_WAIT_S = 86_400.0


def is_passed(status: int) -> bool:
    """Whether an answer of this status goes to the caller as it is, if it is JSON."""
    return status == OK or status in _PASSED


def judge(answer: Answer) -> Refused:
    """Return what the caller is told of an answer that is not passed on."""
    status = answer.status
    if status == _TOO_MANY:
        return upstream_failed(429, "the model is busy; try again later", "upstream_busy", retry_after_s(answer))
    for statuses, told, message, code in _TOLD:
        if status in statuses:
            return upstream_failed(told, message, code, retry_after_s(answer) if told == _NOT_READY else None)
    if is_passed(status):
        return upstream_failed(502, "the model's server sent something that is no answer", "upstream_garbled")
    return upstream_failed(502, f"the model's server failed (HTTP {status})", "upstream_failed")


def failed(failure: UpstreamFailure) -> Refused:
    """Return what the caller is told where no answer came."""
    if failure.kind == "timeout":
        return upstream_failed(504, "the model's server took too long", "upstream_timeout")
    if failure.kind == "blocked":
        return upstream_failed(502, "the model's server may not be asked: see the gateway's log", "upstream_blocked")
    if failure.kind == "connect":
        return upstream_failed(502, "the model's server cannot be reached", "upstream_unreachable")
    return upstream_failed(502, "the model's server broke off", "upstream_reset")


def retry_after_s(answer: Answer) -> float | None:
    """Return what `Retry-After` asks for, where it is a number of seconds."""
    text = answer.header("retry-after") or ""
    return min(float(text), _LONGEST_WAIT_S) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - digits of any sane wait
