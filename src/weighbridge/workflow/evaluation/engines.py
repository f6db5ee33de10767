"""Engines: which one answers at an address, and how much room it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge import plugin
from weighbridge.evaluation.plan import forms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.engine.limits import Limits
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.suite import Suite

__all__ = ["context_needed", "engine_at"]

_MARGIN = 256  # tokens that a chat template adds
_LEAST, _STEP = 4096, 4096


def engine_at(address: str, model: str, *, key: str | None = None, limits: Limits | None = None) -> Engine:
    """Return the engine for an address: Anthropic's API where the host or a part of the path says so, else OpenAI's."""
    parts = urlsplit(address)
    speaks_messages = parts.hostname == "api.anthropic.com" or "anthropic" in parts.path.split("/")
    name = "anthropic" if speaks_messages else "openai"
    engine: Engine = plugin.load("engines", name)(address, model, key=key, limits=limits)
    return engine


def context_needed(suites: Sequence[Suite]) -> int:
    """Return the tokens that the longest request of the suites may take, prompt and answer, in steps of 4,096.

    A token is taken for at least two bytes; where it is less, the server says that the prompt is too long, and no
    answer is cut in silence.
    """
    longest = 0
    for suite in suites:
        for item in suite.items:
            prompts = (suite.prompt(item, form) for form in forms_of(suite))
            size = max((len(prompt.encode("utf-8", "replace")) for prompt in prompts), default=0)
            longest = max(longest, size // 2 + suite.max_tokens + _MARGIN)
    return max(_LEAST, -(-longest // _STEP) * _STEP)
