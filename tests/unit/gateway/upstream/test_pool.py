"""Upstreams that are not used any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from weighbridge.gateway.upstream import http
from weighbridge.gateway.upstream.http import HTTPUpstream
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.pilot.route import UpstreamSettings
from weighbridge.testing.upstream_double import UpstreamDouble, answer

if TYPE_CHECKING:
    import pytest


async def ask(upstream: HTTPUpstream) -> None:
    """Post once and read the answer."""
    got = await upstream.post("/x", b"{}", {})
    await got.whole(100)
    got.close()


def test_a_connection_that_nobody_needs_is_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no other request ever comes: a leg that a reload dropped holds no socket, and one in use stays."""
    monkeypatch.setattr(http, "_IDLE_S", 0.1)

    async def play(url: str) -> None:
        upstream = HTTPUpstream(UpstreamSettings(url, "m"), None)
        await ask(upstream)
        kept = upstream._idle[0]
        for _ in range(500):
            if not kept.is_open:
                break
            await asyncio.sleep(0.01)
        assert upstream._idle == []
        await ask(upstream)
        assert upstream._idle[0].is_open
        upstream.close()

    with UpstreamDouble(lambda *_: [answer(b"a")]).running() as double:
        asyncio.run(play(double.url))
        assert double.connections == 2


def test_what_a_reload_dropped_is_forgotten_with_its_key() -> None:
    """The others stay as they are, connections and all."""
    first, second = (UpstreamSettings(f"http://127.0.0.1:{port}/v1", "m", "KEY") for port in (1, 2))
    asked: list[str] = []

    def secret(name: str) -> str:
        asked.append(name)
        return "k"

    upstreams = Upstreams(secret)
    stays, goes = upstreams.at(first), upstreams.at(second)
    upstreams.keep([first])
    assert upstreams.at(first) is stays
    assert upstreams.at(second) is not goes
    assert asked == ["KEY"] * 3
