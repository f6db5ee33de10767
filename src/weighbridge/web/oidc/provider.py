"""The provider: where it sends people, and what it says of who came back (OpenID Connect Core 1.0, RFC 7636, 9207).

An ID token counts only as section 3.1.3.7 has it: signed by a key of the provider with an algorithm that `oidc.toml`
allows, from this issuer, for this client, not expired, and with the nonce of this very login.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

from weighbridge.errors import WeighbridgeError
from weighbridge.web.oidc.fetch import ask
from weighbridge.web.oidc.identity import LoginRefused, claim_of, identity_of
from weighbridge.web.oidc.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.web.oidc.fetch import Fetch
    from weighbridge.web.oidc.identity import Identity
    from weighbridge.web.oidc.settings import OidcSettings

__all__ = ["Provider", "challenge_of"]

_FRESH_S = 3600.0
_REST_S = 5.0
_MOST_ASKING = 8  # of the server's forty threads: where the provider does not answer, the others go on
_LEEWAY_S = 10
_MOST_TOKEN = 64 << 10
_MOST_KEYS = 100
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "nonce"]


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Provider:
    """Asks one provider, from any thread; what it says of itself is read again after an hour.

    Where eight threads ask it, or wait for what another one asks, the next is refused at once (WeighbridgeError).
    """

    def __init__(
        self, settings: OidcSettings, secret: str = "", fetch: Fetch = ask, now: Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self._secret = secret
        self._fetch = fetch
        self._now = now
        self._lock = threading.RLock()  # held while asking, so that many logins at once ask once
        self._places = threading.BoundedSemaphore(_MOST_ASKING)
        self._failed_at = float("-inf")
        self._said: dict[str, Any] = {}
        self._said_at = 0.0
        self._keys: list[dict[str, Any]] = []
        self._keys_at = 0.0

    def login_address(self, state: str, nonce: str, challenge: str) -> str:
        """Return where a browser is sent to log in."""
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = self._page("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    def leave_address(self) -> str:
        """Return where people end their session with the provider as well, "" where it does not say."""
        try:
            address = self._page("end_session_endpoint")
        except WeighbridgeError:
            return ""
        return f"{address}{'&' if '?' in address else '?'}{urlencode({'client_id': self.settings.client_id})}"

    def redeem(self, code: str, verifier: str, nonce: str) -> Identity:
        """Change a code for an ID token, and return whom it names; raises LoginRefused, WeighbridgeError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        headers = {}
        if self._secret:
            pair = f"{quote(self.settings.client_id, safe='')}:{quote(self._secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        with self._asking():
            answer = self._fetch(self._endpoint("token_endpoint"), form, headers)
            token = answer.get("id_token")
            if not isinstance(token, str) or len(token) > _MOST_TOKEN:
                raise LoginRefused("the provider sent no ID token")
            claims = self._checked(token, nonce)
            return identity_of(claims, self._further(claims, answer.get("access_token")), self.settings.groups_claim)

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token; raises LoginRefused for one that does not count."""
        settings = self.settings
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in settings.algorithms:
                raise LoginRefused("the ID token is signed in a way that is not allowed")
            key = self._key(header.get("kid"), str(algorithm))
            claims: dict[str, Any] = jwt.decode(
                token, key.key, algorithms=[str(algorithm)], audience=settings.client_id, issuer=settings.issuer,
                leeway=_LEEWAY_S, options={"require": _REQUIRED},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise LoginRefused(f"the ID token does not count: {type(error).__name__}") from error
        if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise LoginRefused("the ID token is of another login")
        audience = claims["aud"]
        if claims.get("azp", settings.client_id) != settings.client_id or (
            isinstance(audience, list) and len(audience) > 1 and "azp" not in claims
        ):
            raise LoginRefused("the ID token was made for another client")
        if float(claims["exp"]) <= self._now():
            raise LoginRefused("the ID token has expired")
        return claims

    def _further(self, claims: dict[str, Any], access_token: object) -> dict[str, Any]:
        """Return what the provider tells of a person beyond an ID token that lacks their address or groups.

        A strict provider tells those only at its UserInfo endpoint (5.4); what that says is of the same person (5.3.2).
        """
        lacks = [name for name in ("email_verified", self.settings.groups_claim) if claim_of(claims, name) is None]
        if not lacks or not isinstance(access_token, str) or "userinfo_endpoint" not in self._said:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        said: dict[str, Any] = self._fetch(self._endpoint("userinfo_endpoint"), None, headers)
        if said.get("sub") != claims["sub"]:
            raise LoginRefused("the provider told of somebody else than its ID token names")
        return said

    def _key(self, name: object, algorithm: str) -> jwt.PyJWK:
        """Return the provider's key of a name, or its only one; keys are asked for again where the name is new."""
        for is_again in (False, True):
            shown = [one for one in self._known_keys(is_again=is_again) if _fits(one, name, algorithm)]
            if len(shown) == 1:
                return jwt.PyJWK(shown[0], algorithm)
        raise LoginRefused("the ID token is signed by a key that the provider does not show")

    def _known_keys(self, *, is_again: bool) -> list[dict[str, Any]]:
        """Return the keys that the provider shows, asked for again in some seconds at the soonest."""
        with self._lock:
            age = self._now() - self._keys_at
            if not self._keys or age > _FRESH_S or (is_again and age > _REST_S):
                shown = self._told(self._endpoint("jwks_uri")).get("keys")
                listed = shown[:_MOST_KEYS] if isinstance(shown, list) else []
                self._keys = [one for one in listed if isinstance(one, dict)]
                self._keys_at = self._now()
            return self._keys

    def _told(self, address: str) -> Any:
        """Ask what the provider tells everybody; after a failure not for some seconds, whoever knocks meanwhile."""
        if self._now() - self._failed_at < _REST_S:
            raise WeighbridgeError("the login provider did not answer just now", hint="try again in some seconds")
        try:
            return self._fetch(address)
        except WeighbridgeError:
            self._failed_at = self._now()
            raise

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Take one of the places of those who may wait for the provider; raises WeighbridgeError where none is free."""
        if not self._places.acquire(blocking=False):
            raise WeighbridgeError("the login provider is slow, and many wait for it", hint="try again in some seconds")
        try:
            yield
        finally:
            self._places.release()

    def _is_fresh(self) -> bool:
        """Whether what the provider said of itself still counts."""
        return bool(self._said) and self._now() - self._said_at <= _FRESH_S

    def _page(self, name: str) -> str:
        """Return an address to send people to; where it is known nobody waits."""
        if self._is_fresh():
            return self._endpoint(name)
        with self._asking():
            return self._endpoint(name)

    def _endpoint(self, name: str) -> str:
        """Return an address that the provider names; raises WeighbridgeError where it would go without TLS."""
        if not self._is_fresh():
            with self._lock:
                self._introduce()
        address = self._said.get(name)
        try:
            parts = urlsplit(address if isinstance(address, str) else "")
            host = parts.hostname or ""
        except ValueError:
            host = ""
        plain = host and is_loopback(host) and self.settings.issuer.startswith("http://") and parts.scheme == "http"
        if not host or not (parts.scheme == "https" or plain):
            raise WeighbridgeError(f"the login provider names no `{name}` that can be trusted")
        return str(address)

    def _introduce(self) -> None:
        """Ask what the provider says of itself, unless another thread just did."""
        if self._is_fresh():
            return
        said = self._told(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if said.get("issuer") != self.settings.issuer:
            raise WeighbridgeError(
                "the login provider calls itself otherwise than `issuer` does",
                hint="`issuer` must be spelled as in its `/.well-known/openid-configuration`",
            )
        self._said_at, self._said = self._now(), said


def _fits(shown: dict[str, Any], name: object, algorithm: str) -> bool:
    """Whether a key signs, is of this name (any, where the token names none), and meant for this algorithm."""
    kind = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]
    return (
        shown.get("kty") == kind
        and shown.get("use", "sig") == "sig"
        and shown.get("alg", algorithm) == algorithm
        and (name is None or shown.get("kid") == name)
    )
