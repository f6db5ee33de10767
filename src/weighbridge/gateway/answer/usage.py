"""Tokens as an upstream counts them, and what they cost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jiter

from weighbridge.pilot.exchange import UNKNOWN, Usage

if TYPE_CHECKING:
    from weighbridge.pilot.route import Price

__all__ = ["cost_usd", "usage_in_event", "usage_of"]

_PARSED_WHOLE = 64 << 10
_END = 16 << 10
_MTOK = 1_000_000
_MOST = 1 << 40
# an object that nests objects once, as `prompt_tokens_details` does
_USAGE = re.compile(rb'"usage"[ \t\r\n]*:[ \t\r\n]*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')


def usage_of(body: bytes, *, echoes: bool = False, generates: bool = True) -> Usage:
    """Return the usage of a whole answer; from its end alone where it is long, as embeddings are.

    One that `echoes` objects of the request is read whole: the caller may have written another usage into them. One
    that generates nothing need not say so.
    """
    if len(body) > _PARSED_WHOLE and not echoes:
        usage = _usage_in(body[-_END:])
    else:
        try:
            fields = jiter.from_json(body, cache_mode="keys")
        except ValueError:
            return UNKNOWN
        usage = _read(fields.get("usage")) if isinstance(fields, dict) else UNKNOWN
    return usage if generates or usage.input_tokens is None else Usage(usage.input_tokens, 0)


def usage_in_event(fields: dict[str, Any]) -> Usage:
    """Return the usage of one event of a stream: its own, or that of the response it is about."""
    response = fields.get("response")
    return _read(response.get("usage") if isinstance(response, dict) else fields.get("usage"))


def _usage_in(text: bytes) -> Usage:
    """Return the last usage written in a text that may begin in mid-answer.

    A quote inside a JSON string is escaped, so no generated text can pass for one.
    """
    found = _USAGE.findall(text)
    if not found:
        return UNKNOWN
    try:
        return _read(jiter.from_json(found[-1]))
    except ValueError:
        return UNKNOWN


def cost_usd(usage: Usage, price: Price) -> float | None:
    """Return what an answer cost in US dollars; None where the tokens, read or written, or the price are not known."""
    asked, said = usage
    if asked is None or said is None or not price.is_known:
        return None
    return (asked * price.usd_per_mtok_input + said * price.usd_per_mtok_output) / _MTOK


def _read(usage: Any) -> Usage:
    """Read the usage of chat and completions (prompt, completion) or of responses (input, output)."""
    if not isinstance(usage, dict):
        return UNKNOWN
    asked, said = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if asked is None:
        asked, said = usage.get("input_tokens"), usage.get("output_tokens")
    return Usage(_count(asked), _count(said))


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < _MOST else None
