"""Logging in while the provider hangs, and while strangers begin logins by the thousand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.web.oidc.identity import Identity, LoginRefused
from weighbridge.web.oidc.login import Desk
from weighbridge.web.oidc.provider import Provider, challenge_of
from weighbridge.web.oidc.settings import OidcSettings, PeopleForm

if TYPE_CHECKING:
    from collections.abc import Callable


class _Silent:
    """A provider that says of itself what it must, and then answers nothing until it is let."""

    def __init__(self, *silent: str) -> None:
        self.silent, self.lets, self.waiting = silent, threading.Event(), threading.Semaphore(0)

    def __call__(self, url: str, *_: object, **__: object) -> dict[str, Any]:
        """Answer, or wait and then fail as a timeout does."""
        if any(part in url for part in self.silent):
            self.waiting.release()
            self.lets.wait(10)
            raise WeighbridgeError("the login provider cannot be asked")
        where = "https://id.example.org"
        return {"issuer": where, "authorization_endpoint": f"{where}/authorize", "token_endpoint": f"{where}/token"}

    def provider(self) -> Provider:
        """Return who asks it."""
        people = PeopleForm(groups=["x"])
        settings = OidcSettings(
            issuer="https://id.example.org", client_id="w", origin="https://w.example.org", operator=people
        )
        return Provider(settings, "", self)


def _all_at_once(n: int, ask: Callable[[], object]) -> tuple[list[threading.Thread], list[str]]:
    """Ask in so many threads; return them, and why any of them was refused."""
    refused: list[str] = []

    def run() -> None:
        try:
            ask()
        except WeighbridgeError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(n)]
    for thread in threads:
        thread.start()
    return threads, refused


@pytest.mark.parametrize("silent", ["openid-configuration", "token"])
def test_a_provider_that_hangs_takes_eight_threads_at_the_most(silent: str) -> None:
    """Found by attack: 45 logins that nobody finished kept a logged-in operator waiting for nine seconds."""
    double = _Silent(silent)
    provider = double.provider()
    if silent == "token":
        threads, refused = _all_at_once(20, lambda: provider.redeem("code", "verifier", "nonce"))
    else:
        threads, refused = _all_at_once(20, lambda: provider.login_address("s", "n", "c"))
    assert double.waiting.acquire(timeout=5)
    for thread in threads:
        thread.join(0.5 if thread.is_alive() and len(refused) < 12 else 0)
    assert len(refused) == 12
    assert {"many wait" in why for why in refused} == {True}
    if silent == "token":  # where people are sent is known, so nobody waits for it
        assert provider.login_address("s", "n", "c").startswith("https://id.example.org/authorize?")
    double.lets.set()
    for thread in threads:
        thread.join(5)
    assert len(refused) == 20


def test_logins_that_others_begin_do_not_end_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by attack: ten thousand of them did. Ten minutes are kept to, and a login is good once, all the same."""
    now = [1e9]
    provider = _Silent().provider()
    desk = Desk(provider, lambda: now[0])
    ann = Identity("ann", "", frozenset(), 2e9)
    redeemed: list[tuple[str, str]] = []

    def redeem(_: str, verifier: str, nonce: str) -> Identity:
        redeemed.append((verifier, nonce))
        return ann

    monkeypatch.setattr(provider, "redeem", redeem)

    def state_of(address: str) -> str:
        return parse_qs(urlsplit(address).query)["state"][0]

    address, kept = desk.send_away("/pilot/keys")
    late, late_kept = desk.send_away("/pilot")
    for _ in range(10_001):
        desk.send_away("/pilot")
    assert desk.welcome(state_of(address), kept, "code", "") == (ann, "/pilot/keys")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    ((verifier, nonce),) = redeemed
    assert (asked["code_challenge"], asked["nonce"]) == (challenge_of(verifier), nonce)
    assert len({asked["state"], nonce, verifier}) == 3
    with pytest.raises(LoginRefused, match="over"):
        desk.welcome(state_of(address), kept, "code", "")
    with pytest.raises(LoginRefused, match="this browser"):
        desk.welcome(state_of(late), late_kept.replace(".", ".9", 1), "code", "")  # a later end, made up
    now[0] += 601
    with pytest.raises(LoginRefused, match="over"):
        desk.welcome(state_of(late), late_kept, "code", "")
