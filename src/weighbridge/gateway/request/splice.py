"""Change a body by bytes: the model's name, and the wish for usage; every other byte stays as the caller wrote it."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import jiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.gateway.request.ask import Ask

__all__ = ["spliced", "top_level"]

_FIRST = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"model"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*")')
_MODEL = re.compile(rb'"model"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]', re.DOTALL)
_ESCAPED_LETTER = b"\\u006"  # d, e, l, m and o, the letters of `model`, are U+0064 to U+006F
_USAGE = b'"include_usage":true'
_SPACE = b" \t\r\n"
_QUOTE, _COMMA = ord('"'), ord(",")
_OPENING = frozenset(b"{[")


def spliced(ask: Ask, model: str, *, adds_usage: bool) -> bytes:
    """Return the body for an upstream that calls the model `model`; with `adds_usage` its stream ends with the usage.

    The body must have been read before (`read_ask`): it is one JSON object without equal keys.
    """
    body = ask.body
    if model != ask.model:
        start, end = _model_span(body)
        body = body[:start] + _written(model) + body[end:]
    if adds_usage:
        start, end, new = _usage_edit(body, ask.fields)
        body = body[:start] + new + body[end:]
    return body


def top_level(body: bytes) -> dict[str, tuple[int, int]]:
    """Return where the value of each key of an object begins and ends, white space included; linear in the body."""
    found: dict[str, tuple[int, int]] = {}
    depth, start = 0, 0
    key: str | None = None
    for token in _TOKEN.finditer(body):
        mark = body[token.start()]
        if mark == _QUOTE:
            if depth == 1 and key is None:
                key = jiter.from_json(token[0])
                start = body.index(b":", token.end()) + 1
        elif mark in _OPENING:
            depth += 1
        else:
            if depth == 1 and key is not None:
                found[key] = (start, token.start())
                key = None
            depth -= mark != _COMMA
    return found


@cache
def _written(model: str) -> bytes:
    """Return a name as JSON writes it; names come from the configuration, so they are few."""
    return json.dumps(model).encode()


def _model_span(body: bytes) -> tuple[int, int]:
    """Return where the model's name stands, quotes included.

    A body's first key is the only one of its name. Where the bytes `"model"` come but once and no letter of it is
    escaped anywhere, they are the key.
    """
    first = _FIRST.match(body)
    if first is not None:
        return first.span(1)
    if body.count(b'"model"') == 1 and _ESCAPED_LETTER not in body:
        only = _MODEL.search(body)
        if only is not None:
            return only.span(1)
    start, end = top_level(body)["model"]
    value = body[start:end]
    return start + len(value) - len(value.lstrip(_SPACE)), end - len(value) + len(value.rstrip(_SPACE))


def _usage_edit(body: bytes, fields: Mapping[str, Any]) -> tuple[int, int, bytes]:
    """Return the change that asks for usage, wherever the caller's options leave room for it."""
    options = fields.get("stream_options")
    if "stream_options" not in fields:
        at = body.index(b"{") + 1
        return at, at, b'"stream_options":{' + _USAGE + b"},"
    start, end = top_level(body)["stream_options"]
    if not options:
        return start, end, b"{" + _USAGE + b"}"
    value = body[start:end]
    if "include_usage" in options:
        inner, outer = top_level(value)["include_usage"]
        return start + inner, start + outer, b"true"
    at = start + value.index(b"{") + 1
    return at, at, _USAGE + b","
