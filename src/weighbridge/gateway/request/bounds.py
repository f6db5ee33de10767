"""Bounds of what a caller may send and an upstream may answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Bounds", "bounds_of"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes, counts and seconds. JSON is read to a depth of 200, which is the parser's own bound.

    `header_s` and `body_s`: how long a caller may take to send them; `stall_s`: how long it may leave an answer unread.
    `bodies_bytes` bounds the bodies of all requests under way together (in memory they take some three times that);
    with more than one of them under way a key has at most half. Those of up to 16 KiB are not counted: `connections`
    bounds them.
    `items` bounds messages and inputs, `tools` tools, `choices` the answers asked for at once. `assumed_output_tokens`
    are reserved where a request names no bound of its own.
    """

    header_bytes: int = 64 << 10
    body_bytes: int = 32 << 20
    bodies_bytes: int = 512 << 20
    answer_bytes: int = 64 << 20
    event_bytes: int = 8 << 20
    connections: int = 4096
    pipelined: int = 4
    header_s: float = 10.0
    body_s: float = 60.0
    keep_alive_s: float = 75.0
    stall_s: float = 60.0
    items: int = 4096
    tools: int = 512
    choices: int = 128
    assumed_output_tokens: int = 4096


def bounds_of(limits: Mapping[str, Any]) -> Bounds:
    """Return the bounds that `[gateway.limits]` sets, checked there, and the usual ones besides."""
    return replace(Bounds(), **limits)
