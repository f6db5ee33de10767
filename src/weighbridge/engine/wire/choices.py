"""Answers held to a list of choices: one constraint, spelled the way each server understands it.

A choice may stand after one space: after "Answer:" most tokenizers write " A", and a grammar that forbids the space
forces a token that the model hardly ever writes.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.engine.protocol import Request

__all__ = ["ENUM_TOKENS", "enum_schema", "force_choice", "gbnf", "pattern", "spaced", "unwrap"]

ENUM_TOKENS = 24  # what `{"answer": "..."}` takes beside the choice itself
_KEY = "answer"
_FIRST_PRINTABLE = 0x20


def force_choice(request: Request, choices: Sequence[str]) -> Request:
    """Return the request that makes the model write one of the choices, for where its letter cannot be read off.

    Asks for no distribution; the token limit is the longest choice in bytes, as a token is never shorter than one.
    """
    longest = max((len(choice.encode("utf-8", "replace")) for choice in choices), default=1)
    return replace(
        request, choices=tuple(choices), top_logprobs=0, max_tokens=max(request.max_tokens, longest + 2), stream=False
    )


def gbnf(choices: Sequence[str]) -> str:
    """Return the grammar of llama.cpp (GBNF) that admits the choices alone."""
    return f'root ::= " "? ({" | ".join(map(_quoted, choices))})'


def _quoted(choice: str) -> str:
    """Quote a literal for GBNF."""
    escaped = choice.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if ord(c) >= _FIRST_PRINTABLE else f"\\x{ord(c):02x}" for c in escaped) + '"'


def pattern(choices: Sequence[str]) -> str:
    """Return the regular expression that admits the choices alone (SGLang's `regex`)."""
    return f" ?({'|'.join(map(re.escape, choices))})"


def spaced(choices: Sequence[str]) -> list[str]:
    """Return the choices with and without the space before them (vLLM's `choice`)."""
    return list(dict.fromkeys(form for choice in choices for form in (choice, f" {choice}")))


def enum_schema(choices: Sequence[str]) -> dict[str, Any]:
    """Return the JSON Schema of an object whose one field is the choice; `unwrap` takes the choice out."""
    field = {"type": "string", "enum": list(choices)}
    return {"type": "object", "properties": {_KEY: field}, "required": [_KEY], "additionalProperties": False}


def unwrap(text: str, choices: Sequence[str]) -> str | None:
    """Return the choice that a text is, bare or in the object of `enum_schema`; None where it is none of them."""
    bare = text.strip()
    for choice in choices:
        if bare == choice.strip():
            return choice
    try:
        value = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    said = value.get(_KEY) if isinstance(value, dict) else None
    return said if said in choices else None
