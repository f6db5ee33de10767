"""Legs without a price: they serve whom no budget in money is held against, and lock nobody out."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.pilot.route import CanarySettings, CanaryTerms, Leg, Route, UpstreamSettings
from weighbridge.testing.upstream_double import UpstreamDouble, answer

from .conftest import leg_to, run_gateway

CHAT = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":'
    b'"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,'
    b'"total_tokens":4}}'
)
ASKED: dict[str, Any] = {"model": "qwen", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}


def unpriced(url: str) -> Leg:
    """Return a leg whose price nobody has said."""
    return Leg(UpstreamSettings(url, "new"), "decision-2")


def choose_canary(route: Route, _exchange: Any) -> tuple[str, Leg]:
    """Choose the candidate, always."""
    assert route.canary is not None
    return "canary", route.canary.leg


@pytest.mark.parametrize("budgeted", [True, False])
def test_a_canary_without_a_price_does_not_serve_budgets_and_locks_none_out(budgeted: bool) -> None:
    """Found by a user: even at 0% share it made 403s. Callers with a budget stay on the primary, whose cost is held."""
    with UpstreamDouble(lambda *_: [answer(CHAT)]).running() as upstream:
        leg = leg_to(upstream.url, "old")
        route = Route("qwen", leg, canary=CanarySettings(unpriced(upstream.url), CanaryTerms((1.0,))))
        with run_gateway({"qwen": route}, choose=choose_canary) as gateway:
            gateway.keys.budgeted = budgeted
            assert gateway.ask(ASKED)[0] == 200
            exchange = gateway.told.wait()
            (held,) = gateway.keys.held
    assert exchange.leg == ("primary" if budgeted else "canary")
    assert (held.usd is not None) == budgeted
    if held.usd is not None:
        assert held.usd > 0
        assert exchange.usd == pytest.approx((3 * 1.0 + 1 * 2.0) / 1e6)


def test_a_fallback_without_a_price_is_passed_over_and_the_next_keeps_its_name() -> None:
    """The primary is down: the second fallback, which has a price, answers a key with a budget, under its own name."""
    with (
        UpstreamDouble(lambda *_: [answer(b"{}", status="503 Busy")]).running() as bad,
        UpstreamDouble(lambda *_: [answer(CHAT)]).running() as good,
    ):
        fallbacks = (unpriced(good.url), leg_to(good.url, "second"))
        route = Route("qwen", leg_to(bad.url), fallbacks=fallbacks, retries=0)
        with run_gateway({"qwen": route}) as gateway:
            gateway.keys.budgeted = True
            assert gateway.ask(ASKED)[0] == 200
            assert gateway.told.wait().leg == "fallback-2"


def test_a_primary_without_a_price_is_held_at_nothing_known() -> None:
    """Then the gatekeeper decides: it refuses a key with a budget, whatever the other legs cost."""
    with UpstreamDouble(lambda *_: [answer(CHAT)]).running() as upstream:
        route = Route("qwen", unpriced(upstream.url), fallbacks=(leg_to(upstream.url),))
        with run_gateway({"qwen": route}) as gateway:
            gateway.keys.budgeted = True
            assert gateway.ask(ASKED)[0] == 200
            assert gateway.keys.held[0].usd is None
