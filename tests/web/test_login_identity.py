"""Whom a login names: claims of the ID token and of the UserInfo endpoint, and keys that the provider changes.

Forms of claims as providers document them; `bench/oidc_login.py` logs in with a certified one.
"""

from __future__ import annotations

import runpy
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.web.oidc.identity import LoginRefused, identity_of
from weighbridge.web.oidc.provider import Provider, challenge_of
from weighbridge.web.oidc.settings import OidcSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.web.oidc.identity import Identity

_DOUBLE = runpy.run_path(str(Path(__file__).with_name("oidc_double.py")))


class Door:
    """A provider, ours that asks it, and a clock."""

    def __init__(self, double: Any) -> None:
        self.double, self.late_s = double, 0.0
        self.settings = OidcSettings(issuer=double.issuer, client_id="weighbridge", origin="http://127.0.0.1:1")
        self.provider = Provider(self.settings, _DOUBLE["SECRET"], now=lambda: time.time() + self.late_s)

    def enter(self) -> Identity:
        """Log in: consent, and change the code."""
        asked = {"nonce": "n", "code_challenge_method": "S256", "code_challenge": challenge_of("v"),
                 "redirect_uri": self.settings.redirect_uri}  # fmt: skip
        return self.provider.redeem(self.double.grant(asked), "v", "n")


@pytest.fixture
def door() -> Iterator[Door]:
    """Serve a provider."""
    with _DOUBLE["provider"]() as double:
        yield Door(double)


def test_what_the_token_lacks_is_asked_at_the_userinfo_endpoint(door: Door) -> None:
    """A strict provider tells address and groups only there (OpenID Connect Core 1.0, 5.4), as panva's does."""
    door.double.claims = {"email": None, "email_verified": None, "groups": None}
    door.double.further = {"email": "Boss@example.org", "email_verified": True, "groups": ["staff"]}
    found = door.enter()
    assert found.name == "boss@example.org"
    assert found.groups == {"staff"}


def test_nobody_is_asked_about_what_the_token_tells(door: Door) -> None:
    """A token with address and groups is enough, and what is said elsewhere adds nothing."""
    door.double.further = {"groups": ["admins"], "sub": "u2"}
    assert door.enter().groups == {"staff"}


@pytest.mark.parametrize(
    ("further", "groups"),
    [
        ({"email": "boss@example.org", "email_verified": False, "groups": ["staff"]}, {"staff"}),
        ({"email_verified": True}, set()),  # the token's address is not what that verifies
        ({"groups": [["staff"], None]}, set()),
    ],
)
def test_an_address_counts_only_with_the_word_beside_it(door: Door, further: dict[str, Any], groups: set[str]) -> None:
    """Verified is what its own source calls so; groups of a strange form say nothing."""
    door.double.claims = {"email": "boss@example.org", "email_verified": None, "groups": None}
    door.double.further = further
    found = door.enter()
    assert (found.name, found.email) == ("u1", "")
    assert found.groups == groups


def test_what_is_told_of_somebody_else_lets_nobody_in(door: Door) -> None:
    """OpenID Connect Core 1.0, 5.3.2: the subject must be that of the ID token."""
    door.double.claims = {"groups": None}
    door.double.further = {"sub": "u2", "groups": ["staff"]}
    with pytest.raises(LoginRefused, match="somebody else"):
        door.enter()


@pytest.mark.parametrize(
    ("claims", "claim", "groups"),
    [
        ({"realm_access": {"roles": ["a", "b"]}}, "realm_access.roles", {"a", "b"}),  # Keycloak
        ({"https://x.example/roles": ["a"]}, "https://x.example/roles", {"a"}),  # Auth0: the dots are of the name
        ({"urn:zitadel:roles": {"a": {"1": "x"}}}, "urn:zitadel:roles", {"a"}),  # Zitadel: an object by its keys
        ({"group": "a"}, "group", {"a"}),  # AD FS names one group without a list
        ({"groups": 7}, "groups", set()),
        ({"realm_access": ["roles"]}, "realm_access.roles", set()),
    ],
)
def test_groups_are_found_where_providers_put_them(claims: dict[str, Any], claim: str, groups: set[str]) -> None:
    """A claim by its name or its path, as a list, an object or one name; anything else says nothing."""
    assert identity_of({"sub": "u", "exp": 1, **claims}, {}, claim).groups == groups


def test_a_provider_that_changes_its_key_is_asked_for_the_new_one(door: Door) -> None:
    """A token of a new key is good some seconds after the keys were read last, and none of the old one any more."""
    old = door.double.key
    door.enter()
    door.double.rotate()
    with pytest.raises(LoginRefused, match="does not show"):
        door.enter()
    door.late_s = 6
    door.enter()
    door.double.lie, door.double.other, door.double.header = "stranger", old, {"kid": "k1"}
    with pytest.raises(LoginRefused, match="does not show"):
        door.enter()
