"""The pages of `weighbridge watch serve`: the digest, its feeds, how the watch stands, and a door to knock at."""

from __future__ import annotations

import hmac
import json
import re
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from weighbridge.dossier.digest.document import digest_json
from weighbridge.dossier.digest.feed import atom, rss
from weighbridge.dossier.digest.page import html
from weighbridge.dossier.locale import LANGUAGES, load_locale
from weighbridge.errors import WeighbridgeError
from weighbridge.watch.digest.rules import shipped_rules
from weighbridge.web.guard import HEADERS, Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from weighbridge.dossier.digest.page import ToldDigest
    from weighbridge.watch.digest.windows import Rhythm

__all__ = ["HOOK", "create_watch_app"]

HOOK = "/webhook/huggingface"
_MOST_BYTES = 64 << 10
_REPOSITORY = re.compile(r"([A-Za-z0-9_][\w.-]{0,95})/[\w.-]{1,96}", re.ASCII)
_STYLED = HEADERS | {  # the digest carries its style inside, as it does when it is mailed
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " frame-ancestors 'none'"
}


def create_watch_app(
    told: Callable[[str], tuple[ToldDigest, Mapping[str, Rhythm]]],
    *,
    health: Callable[[], dict[str, Any]],
    knock: Callable[[str], bool],
    secret: str | None,
) -> Starlette:
    """Return the application. `told` makes the digest in a language, `knock` asks for a look at a publisher.

    Without a `secret` (None or empty) the webhook takes nothing.
    """

    def page(request: Request) -> Response:
        """Answer with the digest as a page."""
        return Response(html(told(_language(request))[0]), media_type="text/html; charset=utf-8")

    def document(request: Request) -> Response:
        """Answer with the digest as JSON."""
        found, rhythms = told(_language(request))
        content = digest_json(found.digest, shipped_rules(), rhythms, found.language)
        return _json({"schema": "weighbridge/watch-digest/v1", **content})

    def feed(request: Request) -> Response:
        """Answer with an Atom or RSS feed."""
        found = told(_language(request))[0]
        make, kind = (atom, "atom") if request.url.path == "/feed.atom" else (rss, "rss")
        data = make(found.digest, found.lines, load_locale(found.language))
        return Response(data, media_type=f"application/{kind}+xml; charset=utf-8")

    def healthz(_request: Request) -> Response:
        """Answer 200 while the watch looks, 503 where it cannot."""
        found = health()
        return JSONResponse(found, 200 if found["ok"] else 503)

    async def hook(request: Request) -> Response:
        """Take a hub's word as a reason to look, and for nothing more."""
        given = request.headers.get("x-webhook-secret", "").encode()
        if not secret or not hmac.compare_digest(given, secret.encode()):
            return PlainTextResponse("the secret is missing or wrong\n", 403)
        body = await _bounded(request)
        if body is None:
            return PlainTextResponse("this is longer than any webhook\n", 413)
        publisher = _publisher(body)
        if publisher is None:
            return PlainTextResponse("this is not the webhook of a model\n", 400)
        return PlainTextResponse("looking\n", 202) if knock(publisher) else PlainTextResponse("busy\n", 503)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/digest.json", document),
            Route("/feed.atom", feed),
            Route("/rss.xml", feed),
            Route("/healthz", healthz),
            Route(HOOK, hook, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, headers=_STYLED, hooks=frozenset({HOOK}))],
        exception_handlers={WeighbridgeError: _explain, HTTPException: _explain},
    )


async def _bounded(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return None
    return bytes(body)


def _publisher(body: bytes) -> str | None:
    """Return whom to look at (`hf:Qwen`) by a payload of version 3; None for what is none, or is about no model."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    repository = payload.get("repo") if isinstance(payload, dict) else None
    if not isinstance(repository, dict) or repository.get("type", "model") != "model":
        return None
    name = repository.get("name")
    found = _REPOSITORY.fullmatch(name) if isinstance(name, str) else None
    return f"hf:{found[1]}" if found else None


def _language(request: Request) -> str:
    asked = request.query_params.get("lang", "en")
    return asked if asked in LANGUAGES else "en"


def _json(content: dict[str, Any]) -> Response:
    text = json.dumps(content, ensure_ascii=True, indent=2) + "\n"
    return Response(text.encode(), media_type="application/json")


async def _explain(_request: Request, error: Exception) -> Response:
    """Say in one sentence what is wrong."""
    if isinstance(error, HTTPException):
        return PlainTextResponse(f"{error.detail}\n", error.status_code)
    message = error.message if isinstance(error, WeighbridgeError) else "Weighbridge failed"
    return PlainTextResponse(f"{message}\n", 500)
