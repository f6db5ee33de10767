"""A gateway on a real socket, with one key, its routes in memory, and a list of all that was told."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from weighbridge.gateway.app import Gateway
from weighbridge.gateway.hooks import Hooks, Mount, keep_nothing
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.gateway.wire import bounded_protocol
from weighbridge.pilot.access.protocol import Caller, Refusal
from weighbridge.pilot.route import Admission, Leg, Price, Route, UpstreamSettings
from weighbridge.testing.upstream_double import UpstreamDouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.pilot.exchange import Exchange, Listener, Usage

KEY = "wb_test_0123456789"
UPSTREAM_KEY = "sk-of-the-upstream"
SCOPES = frozenset({"inference", "models"})


@dataclass
class Reservation:
    """What was held, and what it was settled with."""

    route: str
    tokens: int
    usd: float | None
    settled: list[tuple[Usage, float | None]] = field(default_factory=list)
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def settle(self, usage: Usage, usd: float | None) -> None:
        """Note it."""
        self.settled.append((usage, usd))


@dataclass
class Keys:
    """A gatekeeper with the keys it is given; refuses what it is told to refuse."""

    callers: dict[bytes, Caller]
    refusal: Refusal | None = None
    held: list[Reservation] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    budgeted: bool = False

    def identify(self, authorization: bytes | None) -> Caller | Refusal:
        """Look the header up."""
        caller = self.callers.get(authorization or b"")
        return caller or Refusal(401, "invalid_request_error", "invalid_api_key", "a valid key is needed")

    def is_live(self, caller: Caller) -> bool:
        """Look whether its key has ended."""
        return caller.key_id not in self.ended

    def has_budget(self, caller: Caller) -> bool:
        """Return what it was told."""
        assert caller.key_id
        return self.budgeted

    def reserve(self, caller: Caller, route: str, tokens: int, usd: float | None) -> Reservation | Refusal:
        """Hold everything, or refuse everything."""
        assert caller.key_id
        if self.refusal is not None:
            return self.refusal
        self.held.append(Reservation(route, tokens, usd))
        return self.held[-1]

    async def reserve_soon(self, caller: Caller, route: str, tokens: int, usd: float | None) -> Reservation | Refusal:
        """Do the same."""
        return self.reserve(caller, route, tokens, usd)


@dataclass
class Table:
    """Routes in memory; `closed` says of a model's name upstream why it is not served."""

    routes: dict[str, Route]
    closed: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Route | None:
        """Look it up."""
        return self.routes.get(name)

    def names(self) -> list[str]:
        """Return all."""
        return list(self.routes)

    def admission(self, leg: Leg) -> Admission:
        """Return whether it is open."""
        return Admission(leg, "adopt", self.closed.get(leg.upstream.model, ""))


@dataclass
class Told:
    """Listens."""

    exchanges: list[Exchange] = field(default_factory=list)

    def ended(self, exchange: Exchange) -> None:
        """Note it."""
        self.exchanges.append(exchange)

    def wait(self, count: int = 1, seconds: float = 5.0) -> Exchange:
        """Return the last exchange once there are as many."""
        until = time.monotonic() + seconds
        while len(self.exchanges) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.exchanges) >= count
        return self.exchanges[count - 1]


@dataclass
class Running:
    """A gateway that runs."""

    port: int
    keys: Keys
    table: Table
    told: Told
    app: Gateway
    server: uvicorn.Server

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stop(self) -> None:
        """Stop it, with no time for answers to end."""
        self.server.should_exit = True

    def ask(
        self, body: dict[str, Any] | bytes, path: str = "/v1/chat/completions", key: str = KEY, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Post a body and return status, headers and answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", path, data, {"Authorization": f"Bearer {key}", **headers})

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()


def leg_to(url: str, model: str = "upstream/model", **settings: Any) -> Leg:
    """Return a leg to an upstream, with prices."""
    return Leg(
        UpstreamSettings(url, model, price=Price(1.0, 2.0), key_variable="UPSTREAM_KEY", **settings), "decision-1"
    )


@contextmanager
def run_gateway(
    routes: dict[str, Route],
    bounds: Bounds | None = None,
    *,
    mounts: tuple[Mount, ...] = (),
    keeps: Callable[[Route, Exchange], bool] = keep_nothing,
    choose: Any = None,
    listeners: tuple[Listener, ...] = (),
) -> Iterator[Running]:
    """Run a gateway in a thread, on a free port of 127.0.0.1."""
    bounds = bounds or Bounds()
    keys = Keys({f"Bearer {KEY}".encode(): Caller("key-1", "tenant-1", SCOPES)})
    table, told = Table(routes), Told()
    extra = {"choose": choose} if choose else {}
    hooks = Hooks(keys, table, (told, *listeners), keeps=keeps, user_secret=b"secret", mounts=mounts, **extra)
    app = Gateway(hooks, Upstreams(lambda name: UPSTREAM_KEY if name == "UPSTREAM_KEY" else None), bounds)
    config = uvicorn.Config(
        app,
        port=0,
        http=bounded_protocol(bounds),
        log_config=None,
        log_level="critical",
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=0,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Running(port, keys, table, told, app, server)
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def between(
    play: Callable[[int, str], list[Any]],
    bounds: Bounds | None = None,
    *,
    retries: int = 0,
    closes: bool = False,
    keeps: Callable[[Route, Exchange], bool] = keep_nothing,
    **settings: Any,
) -> Iterator[tuple[Running, UpstreamDouble]]:
    """Run a gateway with the route `qwen` in front of a scripted upstream."""
    with UpstreamDouble(play, closes=closes).running() as upstream:
        route = Route("qwen", leg_to(upstream.url, **settings), retries=retries)
        with run_gateway({"qwen": route}, bounds, keeps=keeps) as gateway:
            yield gateway, upstream


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for localhost that nobody trusts, and return its file, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return pem


@pytest.fixture(scope="module")
def no_upstream() -> Iterator[Running]:
    """Run a gateway whose upstream nobody reaches: for requests that must end before it."""
    route = Route("qwen", leg_to("http://127.0.0.1:9/v1"), retries=0)
    with run_gateway({"qwen": route}) as gateway:
        yield gateway
