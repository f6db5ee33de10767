"""A small OpenID provider with real RSA keys, over HTTP on loopback; each lie that it can be told to tell is named."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT, SECRET = "weighbridge", "made-up-secret-of-the-client"


class Double:
    """What the provider knows and does. `claims` go into the next ID token over what is right; `lie` names a fault."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.port = 0
        self.claims: dict[str, Any] = {}
        self.further: dict[str, Any] = {}
        self.key_name = "k1"
        self.header: dict[str, Any] = {}
        self.lie = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []

    @property
    def issuer(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    def discovery(self) -> dict[str, Any]:
        """Return what OpenID Connect Discovery 1.0 shows."""
        return {
            "issuer": "http://evil.example" if self.lie == "issuer" else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": "file:///etc/passwd" if self.lie == "file" else f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
            "end_session_endpoint": f"{self.issuer}/leave",
        }

    def keys(self) -> dict[str, Any]:
        """Return the public key as JSON Web Key."""
        return {
            "keys": [{**RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": self.key_name, "use": "sig"}]
        }

    def rotate(self) -> None:
        """Sign with another key from now on, and show that one alone."""
        self.key, self.key_name = self.other, f"{self.key_name}x"

    def me(self) -> dict[str, Any]:
        """Return what the UserInfo endpoint tells beyond the ID token (OpenID Connect Core 1.0, 5.3)."""
        return {"sub": "u1", **self.further}

    def grant(self, query: dict[str, str]) -> str:
        """Remember what a login asked, and return its code: what a person's consent would do."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return code

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Change a code for tokens as RFC 6749 and RFC 7636 have it; None where they forbid."""
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or authorization != f"Basic {pair}"
            or asked["code_challenge_method"] != "S256"
            or asked["code_challenge"] != challenge.rstrip(b"=").decode()
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return None
        return {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        """Sign a token, or do what a forger would."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "u1", "iat": now, "exp": now + 300, "nonce": nonce,
                  "email": "Ann@Example.org", "email_verified": True, "groups": ["staff"], **self.claims}  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.lie == "none":
            return jwt.encode(claims, "", algorithm="none")
        if self.lie == "hmac":  # the public key, which all know, as the secret (RFC 8725, 2.1)
            signed = jwt.encode(claims, json.dumps(self.keys()["keys"][0]) * 2, algorithm="HS256")
            return str(signed)
        key = self.other if self.lie == "stranger" else self.key
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self.key_name, **self.header})


@contextmanager
def provider() -> Iterator[Double]:
    """Serve a provider."""
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = {"/.well-known/openid-configuration": double.discovery, "/keys": double.keys}
            path = urlsplit(self.path).path
            if path == "/authorize":  # a person who always consents
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                self.send_response(302)
                back = urlencode({"code": double.grant(asked), "state": asked["state"], "iss": double.issuer})
                self.send_header("Location", f"{asked['redirect_uri']}?{back}")
                self.end_headers()
                return
            if path == "/me" and self.headers["Authorization"] == "Bearer a":
                shown[path] = double.me
            self._answer(shown[path]() if path in shown else None)

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(data).items()}
            double.asked.append(form)
            if double.lie == "redirect":
                self.send_response(307)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                return
            self._answer(double.token(form, self.headers.get("Authorization", "")))

        def _answer(self, content: dict[str, Any] | None) -> None:
            body = json.dumps(content or {"error": "invalid_grant"}).encode()
            self.send_response(200 if content else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
