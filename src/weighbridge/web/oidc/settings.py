"""`oidc.toml`: who vouches for people, under which address the pages are reached, and who may do what."""

from __future__ import annotations

import ipaddress
import tomllib
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from weighbridge.errors import UsageError
from weighbridge.formats.bounded_file import read_small

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.web.visitor import Role

__all__ = ["CALLBACK", "OidcSettings", "PeopleForm", "is_loopback", "load_oidc"]

CALLBACK = "/login/callback"
_MOST_BYTES = 64 << 10
_Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x20\x7f]+$")]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=64)]
# signatures by a key of the provider alone: no `none`, and no HMAC, whose key would be ours as well (RFC 8725, 2.1)
_Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]


class _Table(BaseModel):
    """A table refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PeopleForm(_Table):
    """`[viewer]`, `[operator]`: by group, or by an email address that the provider has verified."""

    groups: Annotated[list[_Word], Field(max_length=1000)] = []
    emails: Annotated[list[_Word], Field(max_length=10_000)] = []

    def holds(self, groups: frozenset[str], email: str) -> bool:
        """Whether somebody of these groups, with this address ("" for none verified), is meant."""
        return not groups.isdisjoint(self.groups) or (bool(email) and email in {one.casefold() for one in self.emails})


class OidcSettings(_Table):
    """The whole file. `origin` is the address in the browser's bar, without a path; the callback is under it."""

    issuer: _Line
    client_id: _Line
    client_secret_env: _Variable | None = None
    origin: _Line
    groups_claim: _Word = "groups"
    scopes: Annotated[list[_Line], Field(max_length=20)] = ["openid", "email", "profile"]
    algorithms: Annotated[list[_Algorithm], Field(min_length=1)] = ["RS256", "ES256", "EdDSA"]
    viewer: PeopleForm = PeopleForm()
    operator: PeopleForm = PeopleForm()

    @property
    def redirect_uri(self) -> str:
        """The address that must be registered with the provider."""
        return self.origin + CALLBACK

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the pages by TLS."""
        return self.origin.startswith("https://")

    def role_of(self, groups: frozenset[str], email: str) -> Role | None:
        """Return the most that somebody may be, or None."""
        if self.operator.holds(groups, email):
            return "operator"
        return "viewer" if self.viewer.holds(groups, email) else None


def load_oidc(path: Path) -> OidcSettings:
    """Read the file; raises UsageError that names the key, and what to do."""
    try:
        content = tomllib.loads(read_small(path, _MOST_BYTES).decode())
        settings = OidcSettings.model_validate(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"`{path}` is not TOML", hint="see docs/howto/pilot-pages.md for an example") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:100]
        raise UsageError(f"`{path}`, `{place}`: {first['msg'][:200]}", hint="see docs/howto/pilot-pages.md") from None
    for name, text in (("issuer", settings.issuer), ("origin", settings.origin)):
        _check_address(path, name, text)
    if "openid" not in settings.scopes:
        raise UsageError(f"`{path}`: `scopes` must hold `openid`", hint="without it there is no ID token")
    people = (settings.viewer, settings.operator)
    if not any(one.groups or one.emails for one in people):
        raise UsageError(f"`{path}` lets nobody in", hint="name groups or emails in `[viewer]` and `[operator]`")
    return settings


def is_loopback(host: str) -> bool:
    """Whether a name is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_address(path: Path, name: str, text: str) -> None:
    """Refuse an address without TLS, unless it is this machine's; an origin has no path."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    is_plain = host and parts.scheme == "http" and is_loopback(host)
    if not host or not (parts.scheme == "https" or is_plain) or parts.username or parts.query or parts.fragment:
        raise UsageError(f"`{path}`: `{name}` is no address with `https://`", hint="http is for this machine only")
    if name == "origin" and text != f"{parts.scheme}://{parts.netloc.lower()}":
        raise UsageError(
            f"`{path}`: `origin` is more than a scheme and a host", hint="write it in lower case, without a last slash"
        )
