"""Logging in by OpenID Connect, against a provider of our own with real keys, and what an attacker tries.

The list of attacks: OpenID Connect Core 1.0 section 3.1.3.7, RFC 8725 (JWT best practices), RFC 9700 (OAuth security),
and CVE-2026-12796 (a session that outlived the login).
"""

from __future__ import annotations

import runpy
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.responses import Response

from weighbridge.errors import UsageError
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.web.app import create_app
from weighbridge.web.gate import Cookies
from weighbridge.web.oidc.settings import load_oidc
from weighbridge.web.pages.pilot.room import PilotRoom
from weighbridge.web.pilot import access_by_login
from weighbridge.web.server import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import SimpleNamespace

    from playwright.sync_api import Browser
    from starlette.applications import Starlette

_DOUBLE = runpy.run_path(str(Path(__file__).with_name("oidc_double.py")))
FILE = """
issuer = "{issuer}"
client_id = "weighbridge"
client_secret_env = "MADE_UP"
origin = "{origin}"
[viewer]
groups = ["staff"]
[operator]
emails = ["boss@example.org"]
"""
_CLOSED = ("/", "/evidence", "/pilot", "/pilot/keys", "/nothing", "/pilot/", "//pilot", "/pilot/%6beys", "/login/x",
           "/static/../pilot", "/LOGIN")  # fmt: skip


class Club:
    """Pages behind a login, the provider, and guests that come to them."""

    def __init__(self, port: int, double: Any, guest: Callable[[int], Any]) -> None:
        self.port, self.double, self._guest = port, double, guest

    def guest(self) -> Any:
        """Return somebody whom nobody knows."""
        return self._guest(self.port)

    def sent(self, guest: Any, wanted: str = "/pilot/keys") -> dict[str, str]:
        """Have a guest ask for a page; return with what the login sends them to the provider."""
        away = guest.ask(f"/login?next={wanted}")
        assert away.leads.startswith(f"{self.double.issuer}/authorize?")
        return {name: values[0] for name, values in parse_qs(urlsplit(away.leads).query).items()}

    def back(self, guest: Any, asked: dict[str, str], **changed: str) -> Any:
        """Bring a guest back from the provider with a code."""
        code = self.double.grant(asked)
        given = {"code": code, "state": asked["state"], **changed}
        return guest.ask("/login/callback?" + "&".join(f"{name}={value}" for name, value in given.items()))

    def enter(self, **claims: Any) -> Any:
        """Return a guest who has logged in."""
        self.double.claims = claims
        guest = self.guest()
        assert self.back(guest, self.sent(guest)).leads == "/pilot/keys"
        return guest


@pytest.fixture(scope="module")
def _club(pilot: SimpleNamespace, run_app: Any, guest: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    with ExitStack() as stack:
        double = stack.enter_context(_DOUBLE["provider"]())
        path = tmp_path_factory.mktemp("oidc") / "oidc.toml"
        store = stack.enter_context(closing(SQLiteStore(pilot.folder / "evidence.sqlite", read_only=True)))
        room = stack.enter_context(closing(PilotRoom(pilot.folder, operates=True)))

        def make(port: int) -> Starlette:
            path.write_text(FILE.format(issuer=double.issuer, origin=f"http://127.0.0.1:{port}"))
            access = access_by_login(path, {"MADE_UP": _DOUBLE["SECRET"]}.get)
            return create_app(store, folder=pilot.folder, room=room, access=access)

        yield Club(stack.enter_context(run_app(make)), double, guest)


@pytest.fixture
def club(_club: Club) -> Iterator[Club]:
    """Return the club, its provider honest again."""
    yield _club
    _club.double.claims, _club.double.header, _club.double.lie = {}, {}, ""


def test_a_login_leads_to_the_page_that_was_wanted_with_the_role_of_a_group(club: Club) -> None:
    """Code, PKCE with S256, state and nonce; a group makes a viewer, who sees keys and no buttons."""
    guest = club.guest()
    away = guest.ask("/pilot/keys")
    assert away.leads == "/login?next=%2Fpilot%2Fkeys"
    asked = club.sent(guest)
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == (
        "code",
        "S256",
        "weighbridge",
    )
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43  # 256 bits
    home = club.back(guest, asked)
    assert home.leads == "/pilot/keys"
    page = guest.ask("/pilot/keys")
    assert page.status == 200
    assert "ann@example.org (may look)" in page.text
    assert "/pilot/keys/new" not in page.text
    assert guest.ask("/pilot/keys/new", {"name": "x", "once": "1"}).status == 403


def test_an_operator_is_named_by_a_verified_address_only(club: Club, pilot: SimpleNamespace) -> None:
    """What an operator does is recorded under that address; an unverified one makes nobody an operator."""
    boss = club.enter(email="Boss@example.org")
    made = boss.ask("/pilot/keys/new", {"name": "by the boss", "once": "m1"})
    assert "wb_" in made.text
    with_note: list[dict[str, Any]] = []
    room = PilotRoom(pilot.folder)
    room.state().hand_over(lambda event, facts: with_note.append({"event": event, **facts}))
    room.close()
    assert [one["by"] for one in with_note if one["event"] == "key.created"][-1] == "boss@example.org"
    liar = club.enter(email="boss@example.org", email_verified=False)
    assert liar.ask("/pilot/keys/new").status == 403


def test_who_is_told_of_without_groups_learns_what_to_look_at(club: Club) -> None:
    """The usual fault of a new set-up: the provider does not tell groups at all."""
    club.double.claims = {"email": None, "groups": None}
    guest = club.guest()
    assert "no groups in <code>groups</code>" in club.back(guest, club.sent(guest)).text


def test_whoever_is_in_no_group_stays_outside(club: Club) -> None:
    """A valid login of somebody who is not named is refused, and opens no page."""
    club.double.claims = {"groups": ["others"], "email": None}
    guest = club.guest()
    assert club.back(guest, club.sent(guest)).status == 403
    assert guest.ask("/pilot").status == 303


@pytest.mark.parametrize(
    ("claims", "lie"),
    [
        ({"aud": "another-client"}, ""),
        ({"aud": ["weighbridge", "another-client"]}, ""),
        ({"azp": "another-client"}, ""),
        ({"iss": "https://evil.example"}, ""),
        ({"exp": 1_700_000_000}, ""),
        ({"exp": None}, ""),
        ({"iat": 4_000_000_000}, ""),
        ({"nonce": "of-another-login"}, ""),
        ({"nonce": None}, ""),
        ({"sub": None}, ""),
        ({}, "none"),
        ({}, "hmac"),
        ({}, "stranger"),
        ({}, "redirect"),
    ],
)
def test_a_token_that_does_not_count_lets_nobody_in(club: Club, claims: dict[str, Any], lie: str) -> None:
    """Of another client, issuer or login, expired, unsigned, signed by others, or from elsewhere: no session."""
    guest = club.guest()
    asked = club.sent(guest)
    club.double.claims, club.double.lie = claims, lie
    answer = club.back(guest, asked)
    assert answer.status == (500 if lie == "redirect" else 403)
    assert not [name for name in guest.jar if "session" in name]
    assert guest.ask("/pilot").status == 303


def test_a_login_is_good_once_in_the_browser_that_began_it(club: Club) -> None:
    """A state is not taken twice, nor from another browser, nor made up, nor with another provider's name."""
    guest, thief = club.guest(), club.guest()
    asked = club.sent(guest)
    club.sent(thief)
    assert club.back(thief, asked).status == 403  # a login that somebody else began (login CSRF)
    asked = club.sent(guest)
    kept = dict(guest.jar)
    assert club.back(guest, asked).status == 303
    guest.jar = kept
    assert club.back(guest, asked).status == 403  # with everything as it was
    for state in ("", "made-up", "a" * 5000):
        assert club.back(guest, asked, state=state).status == 403
    asked = club.sent(guest)
    assert club.back(guest, asked, iss="https%3A%2F%2Fevil.example").status == 403  # RFC 9207


def test_a_code_without_the_verifier_is_worth_nothing(club: Club) -> None:
    """The provider of the test holds the challenge against the verifier: a stolen code fits no other login (PKCE)."""
    guest, other = club.guest(), club.guest()
    asked, others = club.sent(guest), club.sent(other)
    code = club.double.grant(asked)
    answer = other.ask(f"/login/callback?code={code}&state={others['state']}")
    assert answer.status == 500
    assert other.ask("/pilot").status == 303


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/%5Cevil.example", "/%09/evil.example", "javascript:alert(1)", "", "x",
     "/%0d%0aSet-Cookie:a=b"],
)  # fmt: skip
def test_the_login_leads_nowhere_else(club: Club, wanted: str) -> None:
    """An address of another site, however spelled, becomes the pilot's page."""
    club.double.claims = {}
    guest = club.guest()
    assert club.back(guest, club.sent(guest, wanted)).leads == "/pilot"


def test_a_session_ends_with_its_token_and_a_copied_cookie_after_leaving(club: Club) -> None:
    """The cookie is nothing without the server's memory of it: not after the token's end, not after leaving."""
    late = club.guest()
    asked = club.sent(late)
    club.double.claims = {"exp": int(time.time()) - 2}  # within what clocks may differ by, and over all the same
    assert club.back(late, asked).status == 403
    short = club.enter(exp=int(time.time()) + 3)
    assert short.ask("/pilot").status == 200
    thief, guest = club.guest(), club.enter()
    thief.jar = dict(guest.jar)
    assert thief.ask("/pilot").status == 200
    left = guest.ask("/logout", {})
    assert left.leads == "/login/ended"
    assert f"{club.double.issuer}/leave" in guest.ask("/login/ended").text
    assert "ended.json" not in guest.ask("/login/ended").text  # there is no such twin
    assert thief.ask("/pilot").status == 303
    until = time.monotonic() + 10
    while short.ask("/pilot").status == 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert short.ask("/pilot").status == 303


def test_nothing_is_open_without_a_login(club: Club) -> None:
    """Every page and twin, and every way of spelling one, leads to the login or is refused."""
    guest = club.guest()
    for path in _CLOSED:
        assert guest.ask(path).status == 303, path
        assert guest.ask(path).leads.startswith("/login?next="), path
    for path in ("/.json", "/pilot.json", "/pilot/audit.json", "/pilot/keys.json?x=/login"):
        assert guest.ask(path).status == 401, path
    form = {"do": "stop", "route": "team/coder"}
    assert guest.ask("/pilot/order", form).status == 401
    lost = guest.ask(
        "/pilot/order", form, headers={"Accept": "text/html,*/*"}
    )  # somebody whose session ended meanwhile
    assert (lost.status, "nothing was done" in lost.text) == (401, True)
    for host in ("evil.example", f"localhost:{club.port}", "x?"):
        assert guest.ask("/login", headers={"Host": host}).status == 421


def test_forms_come_from_these_pages(club: Club) -> None:
    """A form with another origin, none, or `null` does nothing, whoever's cookie comes along (CSRF)."""
    boss = club.enter(email="boss@example.org")
    for origin in ("http://evil.example", "null", "", f"http://127.0.0.1:{club.port}.evil.example"):
        answer = boss.ask("/pilot/keys/new", {"name": "x", "once": "c1"}, headers={"Origin": origin})
        assert answer.status == 403, origin


def test_cookies_are_closed_to_scripts_and_other_sites(club: Club) -> None:
    """HttpOnly and SameSite=Lax; with TLS also Secure, and a name that only this host can set."""
    guest = club.guest()
    line = club.back(guest, club.sent(guest)).headers.get_all("set-cookie")
    for one in line:
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in one.split(";")}
    answer = Response()
    Cookies(is_secure=True).put(answer, "x")
    (secure,) = answer.headers.getlist("set-cookie")
    assert secure.startswith("__Host-")
    assert "secure" in {part.strip().lower() for part in secure.split(";")}
    assert "domain" not in secure.lower()


@pytest.mark.browser
def test_a_browser_is_led_through_the_login_and_out(club: Club, browser: Browser) -> None:
    """Chromium keeps and sends the cookies, lands on the page that it asked for, and leaves by the button."""
    club.double.claims = {"email": "boss@example.org"}
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    origin = f"http://127.0.0.1:{club.port}"
    page.goto(f"{origin}/pilot/keys?all=yes")
    assert page.url == f"{origin}/pilot/keys?all=yes"
    assert page.get_by_text("boss@example.org (may operate)").count() == 1
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in context.cookies())
    page.get_by_role("button", name="Leave").click()
    assert page.url == f"{origin}/login/ended"
    assert context.cookies() == []
    context.close()


@pytest.mark.parametrize(
    "change",
    [
        ('issuer = "http://127.0.0.1:1"', 'issuer = "http://id.example.org"'),
        ('origin = "http://127.0.0.1:2"', 'origin = "http://pilot.example.org"'),
        ('origin = "http://127.0.0.1:2"', 'origin = "https://pilot.example.org/"'),
        ('client_id = "weighbridge"', 'client_id = "weighbridge"\nalgorithms = ["HS256"]'),
        ('client_id = "weighbridge"', 'client_id = "weighbridge"\nalgorithms = ["none"]'),
        ('client_id = "weighbridge"', 'client_id = "weighbridge"\nscopes = ["email"]'),
        ('groups = ["staff"]', 'group = ["staff"]'),
        ('groups = ["staff"]\n[operator]\nemails = ["boss@example.org"]', ""),
    ],
)
def test_a_file_that_would_let_wrong_ones_in_is_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    """Without TLS, with algorithms that need no key of the provider, with unknown keys, or for nobody."""
    text = FILE.format(issuer="http://127.0.0.1:1", origin="http://127.0.0.1:2")
    (tmp_path / "oidc.toml").write_text(text)
    load_oidc(tmp_path / "oidc.toml")
    assert change[0] in text
    (tmp_path / "oidc.toml").write_text(text.replace(*change))
    with pytest.raises(UsageError):
        load_oidc(tmp_path / "oidc.toml")


def test_other_machines_are_served_only_with_a_login_and_tls(tmp_path: Path) -> None:
    """Neither open nor in the clear beyond this machine."""
    origin, file = "https://pilot.example.org", tmp_path / "x.pem"
    for place, way in (
        (Place("0.0.0.0"), ""),
        (Place("0.0.0.0", behind_proxy=True), ""),
        (Place("0.0.0.0", tls_cert=file, tls_key=file), ""),
        (Place("0.0.0.0"), origin),
        (Place("127.0.0.1"), origin),
        (Place("0.0.0.0", tls_cert=file), origin),
    ):
        with pytest.raises(UsageError):
            place.check(way)
    Place("0.0.0.0", behind_proxy=True).check(origin)
    Place("0.0.0.0", tls_cert=file, tls_key=file).check(origin)
    Place("127.0.0.1").check("")
