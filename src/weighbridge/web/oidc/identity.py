"""Whom a login names: what the provider says of a person, in the ID token or at its UserInfo endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.web.visitor import Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Identity", "LoginRefused", "claim_of", "identity_of"]

_LONGEST = 255
_MOST_GROUPS = 1000


class LoginRefused(Forbidden):
    """Nobody is let in on this; one sentence says why, without anything of the token."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says came: `email` only if it has verified it (folded), `until` when the token expires."""

    subject: str
    email: str
    groups: frozenset[str]
    until: float

    @property
    def name(self) -> str:
        """Name the person for the record."""
        return self.email or self.subject


def identity_of(claims: Mapping[str, Any], further: Mapping[str, Any], groups_claim: str) -> Identity:
    """Return who it is by a checked ID token's claims and, where those say nothing of it, by what was said further.

    An address counts with the verification beside it, never with that of the other source.
    """
    sources = (claims, further)
    email = next((_verified_email(one) for one in sources if "email_verified" in one), "")
    told = (claim_of(one, groups_claim) for one in sources)
    groups = next((_names(one) for one in told if one is not None), frozenset[str]())
    return Identity(str(claims["sub"])[:_LONGEST], email, groups, float(claims["exp"]))


def claim_of(claims: Any, name: str) -> Any:
    """Return a claim by its name, or by its path with dots (`realm_access.roles`); None where there is none."""
    if name in claims:
        return claims[name]
    for part in name.split("."):
        claims = claims.get(part) if isinstance(claims, dict) else None
    return claims


def _verified_email(claims: Mapping[str, Any]) -> str:
    """Return the address if the provider has verified it, else ""."""
    email = claims.get("email")
    return email.casefold()[:_LONGEST] if claims["email_verified"] is True and isinstance(email, str) else ""


def _names(told: object) -> frozenset[str]:
    """Read groups: a list, an object by its keys, or one name alone; what has another form says nothing."""
    listed = [told] if isinstance(told, str) else list(told)[:_MOST_GROUPS] if isinstance(told, list | dict) else []
    return frozenset(one for one in listed if isinstance(one, str))
