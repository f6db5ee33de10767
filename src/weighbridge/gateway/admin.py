"""The admin API, `/admin/v1`: keys and what they spent. Whoever asks is known already, and must hold `admin:keys`.

Every body is read by a form that names its fields; who asks can neither see another tenant nor give more than it has.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.gateway.errors import BAD_REQUEST, body_of
from weighbridge.pilot.access.desk import MANAGES_KEYS
from weighbridge.pilot.access.keys import BeyondRights, key_facts
from weighbridge.pilot.access.orders import MOST_BODY_BYTES, KeyOrder, KeyPatch, Revocation, Rotation
from weighbridge.pilot.access.protocol import Caller, Refusal
from weighbridge.pilot.state.protocol import NANO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from weighbridge.pilot.access.desk import Issued, KeyDesk
    from weighbridge.pilot.access.keys import Key

__all__ = ["ADMIN_PATH", "create_admin"]

ADMIN_PATH = "/admin"
_ID = re.compile(r"[a-z2-7]{12}")
_NUMBER = re.compile(r"[0-9]{1,4}")
_MOST_LISTED, _MOST_DAYS = 1000, 366
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class _Guard:
    """Lets in only who was recognised by the gateway and holds the scope, whatever the path and the method."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        caller = scope.get("state", {}).get("caller")
        if scope["type"] != "http":
            return
        if not isinstance(caller, Caller) or not caller.key_id:  # to the desk, no id is the operator
            response = _refuse(401, "invalid_api_key", "no valid key was presented")
        elif MANAGES_KEYS not in caller.scopes:
            response = _refuse(403, "scope_missing", f"the key has not the scope `{MANAGES_KEYS}`")
        else:
            await self._app(scope, receive, send)
            return
        await response(scope, receive, send)


class _Admin:
    """The endpoints over a desk; calls to the store run in threads."""

    def __init__(self, desk: KeyDesk) -> None:
        self._desk = desk

    async def list(self, request: Request) -> Response:
        """Answer with the keys of the tenant, `limit` of them, those after the id `after`."""
        limit, after = _number(request, "limit", 100, _MOST_LISTED), request.query_params.get("after", "")
        keys = await run_in_threadpool(self._desk.keys, _actor(request))
        start = next((at for at, key in enumerate(keys, 1) if key.id == after), 0)
        page = keys[start : start + limit]
        now = time.time()
        return _answer({
            "object": "list",
            "data": [key_facts(key, now) for key in page],
            "has_more": start + limit < len(keys),
        })  # fmt: skip

    async def create(self, request: Request) -> Response:
        """Make a key; its text is in this answer and nowhere else."""
        order = KeyOrder.read(await _body(request))
        return _issued(await run_in_threadpool(self._desk.create, _actor(request), order), 201)

    async def show(self, request: Request) -> Response:
        """Answer with one key."""
        return _key(await run_in_threadpool(self._desk.key, _actor(request), _id(request)))

    async def change(self, request: Request) -> Response:
        """Change the fields of a key that the body names."""
        patch = KeyPatch.read(await _body(request))
        return _key(await run_in_threadpool(self._desk.change, _actor(request), _id(request), patch))

    async def revoke(self, request: Request) -> Response:
        """End a key, and where the body says so those that it made."""
        how = Revocation.read(await _body(request) or b"{}")
        ended = await run_in_threadpool(self._desk.revoke, _actor(request), _id(request), how)
        return _answer({"object": "list", "data": [key_facts(key, time.time()) for key in ended]})

    async def rotate(self, request: Request) -> Response:
        """Give a key a new text."""
        how = Rotation.read(await _body(request) or b"{}")
        return _issued(await run_in_threadpool(self._desk.rotate, _actor(request), _id(request), how), 200)

    async def spend(self, request: Request) -> Response:
        """Answer with what keys used by UTC day, key and route, over the last `days`."""
        days = _number(request, "days", 30, _MOST_DAYS)
        since = datetime.now(UTC).date() - timedelta(days=days - 1)
        used = await run_in_threadpool(self._desk.usage, _actor(request), since)
        return _answer({
            "object": "list",
            "data": [
                {
                    "day": row.day.isoformat(), "key": key.id, "name": key.name, "tenant": key.rights.tenant,
                    "route": row.route, "requests": row.requests, "input_tokens": row.input_tokens,
                    "output_tokens": row.output_tokens, "usd": row.nano_usd / NANO,
                }
                for key, row in used
            ],
        })  # fmt: skip


def create_admin(desk: KeyDesk) -> ASGIApp:
    """Return the application for `Mount(ADMIN_PATH, app)`; `scope["state"]["caller"]` says who asks."""
    admin = _Admin(desk)
    ways: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
        ("GET", "/keys", admin.list),
        ("POST", "/keys", admin.create),
        ("GET", "/keys/{id}", admin.show),
        ("PATCH", "/keys/{id}", admin.change),
        ("DELETE", "/keys/{id}", admin.revoke),
        ("POST", "/keys/{id}/rotate", admin.rotate),
        ("GET", "/spend", admin.spend),
    )
    app = Starlette(
        routes=[Route(f"{ADMIN_PATH}/v1{path}", endpoint, methods=[method]) for method, path, endpoint in ways],
        exception_handlers={WeighbridgeError: _explain, HTTPException: _explain},
    )
    app.router.redirect_slashes = False
    return _Guard(app)


def _actor(request: Request) -> str:
    """Return the id of the key that asks; the guard saw it."""
    caller: Caller = request.scope["state"]["caller"]
    return caller.key_id


def _id(request: Request) -> str:
    """Return the id in the path; raises NotFound for what cannot be one."""
    text = str(request.path_params["id"])
    if not _ID.fullmatch(text):
        raise NotFound("there is no such key")
    return text


def _number(request: Request, name: str, default: int, most: int) -> int:
    """Return a number of the query."""
    text = request.query_params.get(name, str(default))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise UsageError(f"`{name}` must be a number from 1 to {most}")
    return int(text)


async def _body(request: Request) -> bytes:
    """Read a body of at most 64 KiB."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise HTTPException(413)
    return body


def _issued(issued: Issued, status: int) -> Response:
    return _answer({**key_facts(issued.key, time.time()), "key": issued.text}, status)


def _key(key: Key) -> Response:
    return _answer(key_facts(key, time.time()))


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return Response(to_json(content), status, _HEADERS, "application/json")


def _refuse(status: int, code: str, message: str) -> Response:
    """Answer with an error in OpenAI's form."""
    headers = {**_HEADERS, "www-authenticate": "Bearer"} if status == 401 else _HEADERS  # noqa: PLR2004 - HTTP
    return Response(body_of(Refusal(status, BAD_REQUEST, code, message)), status, headers, "application/json")


async def _explain(_request: Request, error: Exception) -> Response:
    """Say what was wrong; nothing of what is inside."""
    if isinstance(error, HTTPException):
        names = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
        return _refuse(error.status_code, names.get(error.status_code, "refused"), error.detail.lower())
    if isinstance(error, BeyondRights):
        return _refuse(403, "beyond_rights", error.message)
    if isinstance(error, NotFound):
        return _refuse(404, "not_found", error.message)
    if isinstance(error, UsageError):
        return _refuse(400, "invalid_field", error.message)
    return _refuse(503, "store_unavailable", "the keys cannot be reached now; nothing was changed")
