"""A route with a shadow, exchanges that ended, and answers as servers write them."""

from __future__ import annotations

import json
from typing import Any

from weighbridge.pilot.exchange import Exchange, Usage
from weighbridge.pilot.route import (
    Allowance,
    JudgeTerms,
    Leg,
    Price,
    Route,
    ShadowSettings,
    ShadowTerms,
    UpstreamSettings,
)

NOWHERE = "http://127.0.0.1:9/v1"
PRICE = Price(1.0, 2.0)
CHAT = "/v1/chat/completions"
SECRET = b"s" * 32


def upstream(model: str, url: str = NOWHERE, **settings: Any) -> UpstreamSettings:
    """Return where a model is served."""
    return UpstreamSettings(url, model, **{"price": PRICE, **settings})


def shadow_route(
    candidate: UpstreamSettings | None = None, judge: UpstreamSettings | None = None, **terms: Any
) -> Route:
    """Return the route `qwen` with a candidate that gets all prompts."""
    judging = JudgeTerms(judge, terms.pop("judging", Allowance())) if judge is not None else None
    share = terms.pop("share", 1.0)
    shadow = ShadowSettings(
        Leg(candidate or upstream("new"), "decision-new"), ShadowTerms(share, judge=judging, **terms)
    )
    return Route("qwen", Leg(upstream("old"), "decision-old"), shadow=shadow)


def chat(text: str, finish: str = "stop", **message: Any) -> bytes:
    """Return an answer of chat, with its usage."""
    choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}).encode()


def ended(number: int = 0, text: str = "The answer is 4.", prompt: str = "What is 2+2?", **changed: Any) -> Exchange:
    """Return an exchange that ended well, its bodies held."""
    asked = {"model": "qwen", "messages": [{"role": "user", "content": prompt}], **changed.pop("asks", {})}
    answer = changed.pop("answer", chat(text))
    about: dict[str, Any] = {
        "status": 200, "request": json.dumps(asked).encode(), "answer": answer, "sent_bytes": len(answer),
        "total_s": 0.02, "first_s": 0.01, "usage": Usage(10, 5), "request_bytes": 100,
    }  # fmt: skip
    return Exchange(
        f"x{number}", 1e9 + number, "key", "tenant", "qwen", "primary", "decision-old", CHAT, **about | changed
    )
