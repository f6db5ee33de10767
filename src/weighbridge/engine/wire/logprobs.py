"""The first token's distribution, in every shape that servers give it in."""

from __future__ import annotations

import math
from typing import Any

from weighbridge.engine.wire.bounds import clean

__all__ = ["first_distribution"]

_MAX_TOP = 64
_LOWEST, _HIGHEST = -1e6, 1e-6
_WHOLE = 1.05  # probabilities of different tokens add up to 1 at most; a little for rounding


def first_distribution(value: Any) -> tuple[tuple[str, float], ...]:
    r"""Read (token, natural log of its probability) pairs of the first token; () where there are none to be trusted.

    `value` is a choice's `logprobs`: today's form (`content` rows), the legacy one (`top_logprobs` tables), or the
    list of llama.cpp's native route (`completion_probabilities`). A token that is no whole character is named by its
    bytes, as OpenAI's legacy form does: `bytes:\xf0\x9f`. Pairs that add up to more than 1 are no distribution.
    """
    pairs = [
        (token, float(logprob))
        for token, logprob in _rows(value)[:_MAX_TOP]
        if token is not None
        and isinstance(logprob, int | float)
        and not isinstance(logprob, bool)
        and _LOWEST < logprob <= _HIGHEST
    ]
    return tuple(pairs) if sum(math.exp(logprob) for _, logprob in pairs) <= _WHOLE else ()


def _rows(value: Any) -> list[tuple[str | None, Any]]:
    """Find the rows of the first token."""
    rows = value.get("content") if isinstance(value, dict) else value
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        first = rows[0]
        if isinstance(first.get("probs"), list):  # llama.cpp's native route before December 2024
            return [(_named(row, "tok_str"), _log(row.get("prob"))) for row in first["probs"] if isinstance(row, dict)]
        top = first.get("top_logprobs")
        return (
            [(_named(row, "token"), row.get("logprob")) for row in top or () if isinstance(row, dict)]
            if isinstance(top, list)
            else []
        )
    legacy = value.get("top_logprobs") if isinstance(value, dict) else None
    if isinstance(legacy, list) and legacy and isinstance(legacy[0], dict):
        return [(clean(token), logprob) for token, logprob in legacy[0].items()]
    return []


def _named(row: dict[str, Any], key: str) -> str | None:
    """Name a token: by its text, or by its bytes where they are no whole characters (two such may show alike)."""
    token, raw = row.get(key), row.get("bytes")
    if not isinstance(token, str):
        return None
    if isinstance(raw, list) and 0 < len(raw) <= _MAX_TOP:
        try:
            bytes(raw).decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)
        except (ValueError, TypeError):
            return clean(token)
    return clean(token)


def _log(probability: Any) -> float | None:
    """Return the log of a probability, or None for what is none."""
    if not isinstance(probability, int | float) or not 0 < probability <= 1:
        return None
    return math.log(probability)
