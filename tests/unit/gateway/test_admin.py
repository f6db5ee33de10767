"""The admin API as it is reached: through the gateway, with a key."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.gateway.admin import ADMIN_PATH, create_admin
from weighbridge.gateway.app import Gateway
from weighbridge.gateway.hooks import Hooks, Mount
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.access.keys import SCOPES
from weighbridge.pilot.access.orders import KeyOrder
from weighbridge.pilot.access.protocol import Caller
from weighbridge.pilot.state.sqlite import SQLiteState

from .conftest import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping
    from pathlib import Path

    from weighbridge.pilot.access.desk import Issued

KEYS = f"{ADMIN_PATH}/v1/keys"
PEPPER = b"p" * 32


class Office:
    """A gateway with the admin API over a real store, asked in memory."""

    def __init__(self, folder: Path) -> None:
        self.noted: list[tuple[str, Mapping[str, object]]] = []
        self.state = SQLiteState(folder / "pilot.sqlite")
        self.gate = MemoryGatekeeper(self.state, PEPPER)
        self.desk = KeyDesk(self.state, PEPPER, self.note, self.gate.refresh)
        mount = Mount(ADMIN_PATH, create_admin(self.desk))
        self.app = Gateway(Hooks(self.gate, Table({}), mounts=(mount,)), Upstreams(lambda _name: None), Bounds())

    def note(self, event: str, facts: Mapping[str, object]) -> None:
        """Record an event."""
        self.noted.append((event, facts))

    def key(self, tenant: str, *scopes: str) -> Issued:
        """Make a key as the operator does."""
        return self.desk.create("", KeyOrder.of(name=f"{tenant}'s", tenant=tenant, scopes=frozenset(scopes)))

    def ask(self, method: str, path: str, key: Issued | None, body: Any = None) -> tuple[int, Any]:
        """Send a request and return status and JSON."""
        headers = [(b"host", b"localhost")]
        if key is not None:
            headers.append((b"authorization", f"Bearer {key.text}".encode()))
        path, _, query = path.partition("?")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        }  # fmt: skip
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], json.loads(text) if text else None


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Return an office over an empty store."""
    office = Office(tmp_path)
    yield office
    office.state.close()


WAYS = (
    ("GET", "/{id}", None), ("PATCH", "/{id}", {"name": "new"}), ("POST", "/{id}/rotate", {"grace_s": 5}),
    ("DELETE", "/{id}", {"with_minted": True}),
)  # fmt: skip


def test_a_key_lives_and_ends_by_the_api(office: Office) -> None:
    """Make, use, look at, change, renew, end: each with the scope, each recorded."""
    admin = office.key("red", "inference", "models", "admin:keys")
    status, made = office.ask("POST", KEYS, admin, {"name": "app", "budget": {"usd_per_day": 2}})
    assert status == 201
    assert made["key"].startswith(f"wb_{made['id']}_")
    assert (made["tenant"], made["scopes"], made["made_by"]) == ("red", ["inference", "models"], admin.key.id)
    status, shown = office.ask("GET", f"{KEYS}/{made['id']}", admin)
    assert (status, shown) == (200, {name: value for name, value in made.items() if name != "key"})
    status, changed = office.ask("PATCH", f"{KEYS}/{made['id']}", admin, {"limits": {"concurrent": 4}})
    assert (status, changed["limits"]["concurrent"], changed["budget"]["usd_per_day"]) == (200, 4, 2)
    status, renewed = office.ask("POST", f"{KEYS}/{made['id']}/rotate", admin)
    assert (status, renewed["key"] != made["key"], renewed["id"]) == (200, True, made["id"])
    status, page = office.ask("GET", f"{KEYS}?limit=1", admin)
    assert (status, [one["id"] for one in page["data"]], page["has_more"]) == (200, [admin.key.id], True)
    status, rest = office.ask("GET", f"{KEYS}?limit=1&after={admin.key.id}", admin)
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([made["id"]], False)
    status, ended = office.ask("DELETE", f"{KEYS}/{made['id']}", admin)
    assert (status, [one["state"] for one in ended["data"]]) == (200, ["revoked"])
    assert office.ask("GET", f"{ADMIN_PATH}/v1/spend", admin) == (200, {"object": "list", "data": []})
    events = [event for event, facts in office.noted if facts["by"] == admin.key.id]
    assert events == ["key.created", "key.changed", "key.rotated", "key.revoked"]
    assert made["key"].split("_", 2)[2] not in repr(office.noted)


def test_tenants_do_not_see_each_other(office: Office) -> None:
    """The matrix: each tenant's admin over each tenant's key, by every way; another's key is as if not there."""
    admins = {name: office.key(name, "inference", "admin:keys") for name in ("red", "blue", "*")}
    for owner in ("red", "blue", "*"):
        for actor, admin in admins.items():
            for method, path, body in WAYS:
                target = office.key(owner, "inference")
                before = office.state.keys()
                status, answer = office.ask(method, KEYS + path.format(id=target.key.id), admin, body)
                if actor not in {owner, "*"}:
                    assert status == 404, (actor, owner, method)
                    assert target.text not in json.dumps(answer)
                    assert office.state.keys() == before
                else:  # a text is renewed only by who made the key
                    assert status == (403 if path.endswith("rotate") else 200), (actor, owner, method)
    for actor, admin in admins.items():
        seen = {one["tenant"] for one in office.ask("GET", f"{KEYS}?limit=1000", admin)[1]["data"]}
        assert seen == ({actor} if actor != "*" else {"red", "blue", "*"})
        status, _ = office.ask("POST", KEYS, admin, {"name": "x", "tenant": "blue"})
        assert status == (403 if actor == "red" else 201)


def test_nothing_is_reached_without_the_scope(office: Office) -> None:
    """Every way and method: 401 without a key, 403 with a key of other scopes, also for paths that are not there."""
    office.key("red", "admin:keys")
    plain = office.key("red", "inference", "models", "metrics", "admin:routes", "audit:read", "stop")
    paths = [
        "",
        "/",
        "/v1",
        KEYS[6:],
        KEYS[6:] + "/",
        f"{KEYS[6:]}/{plain.key.id}",
        "/v1/spend",
        "/v1/nothing",
        "/v2/keys",
    ]
    for path in paths:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            assert office.ask(method, ADMIN_PATH + path, None)[0] == 401, (method, path)
            assert office.ask(method, ADMIN_PATH + path, plain)[0] == 403, (method, path)


@pytest.mark.parametrize("state", [{}, {"caller": None}, {"caller": Caller("", "*", frozenset(SCOPES))}])
def test_the_api_asks_for_itself_who_it_is(state: dict[str, Any]) -> None:
    """Mounted where nobody asked for a key, or where nobody's name was found, it lets nobody in."""
    app = create_admin(None)  # type: ignore[arg-type]  # it must not come so far as to need a desk
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def ask() -> None:
        await app({"type": "http", "method": "GET", "path": KEYS, "headers": [], "state": state}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b'{"name": "a", "name": "b"}', 400), ({"name": "a", "id": "x" * 12}, 400), ({"name": ""}, 400),
        ({"name": "a", "scopes": ["stop"]}, 403), (b'{"name": "' + b"a" * (1 << 17) + b'"}', 413),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, 400), ({"name": "<script>"}, 201),
    ],
)  # fmt: skip
def test_bodies(office: Office, body: Any, status: int) -> None:
    """What is wrong is said in OpenAI's form, without what stood in it."""
    admin = office.key("red", "inference", "admin:keys")
    got, answer = office.ask("POST", KEYS, admin, body)
    assert got == status
    assert (set(answer["error"]) == {"message", "type", "param", "code"}) if status != 201 else answer["key"]


@pytest.mark.parametrize("name", ["x", "A" * 12, "a" * 13, "..", "%2e%2e", "a" * 11 + "'", "aaaaaaaaaaaa\n"])
def test_what_cannot_be_an_id_is_not_looked_for(office: Office, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never comes to the store."""
    admin = office.key("red", "inference", "admin:keys")
    monkeypatch.setattr(office.desk, "key", None)
    assert office.ask("GET", f"{KEYS}/{name}", admin)[0] == 404


def test_a_store_that_is_gone_is_said_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, nothing of the inside, and nothing done."""
    admin = office.key("red", "inference", "admin:keys")

    def gone(*_: object) -> None:
        raise WeighbridgeError("no route to db-7.internal")

    monkeypatch.setattr(office.state, "changing_keys", gone)
    status, answer = office.ask("POST", KEYS, admin, {"name": "a"})
    assert status == 503
    assert "internal" not in json.dumps(answer)
