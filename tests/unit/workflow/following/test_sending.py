"""Sending: an item goes to an address once, whoever else sends at the same time, and again where it was not taken."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.errors import HubUnreachable, UsageError
from weighbridge.hub.remote.patience import Patience
from weighbridge.testing.fault_server import FaultServer, http
from weighbridge.workflow.following.outbox import Outbox
from weighbridge.workflow.following.post import post_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

_NOW = datetime(2026, 11, 22, tzinfo=UTC)
_AT_ONCE = Patience(tries=3, first_s=0.0)


def test_what_one_sender_has_claimed_no_other_sends(tmp_path: Path) -> None:
    """Two senders at once share the items out; what is given back can be claimed again; another address is another."""
    with Outbox(tmp_path) as one, Outbox(tmp_path) as other:
        assert one.claim(["a", "b"], "https://x", _NOW) == {"a", "b"}
        assert other.claim(["b", "c"], "https://x", _NOW) == {"c"}
        assert other.claim(["b"], "https://y", _NOW) == {"b"}
        one.release(["a"], "https://x")
        assert other.unsent(["a", "b", "c"], "https://x", _NOW) == {"a"}


def test_a_claim_of_one_who_was_killed_is_free_again_and_what_was_sent_never(tmp_path: Path) -> None:
    """A post takes four minutes at most: a claim holds longer than that, not for ever; a clock may be set back."""
    with Outbox(tmp_path) as killed:
        killed.claim(["a", "b"], "https://x", _NOW)
        killed.confirm(["b"], "https://x", _NOW)
    with Outbox(tmp_path) as later:
        assert later.claim(["a", "b"], "https://x", _NOW + timedelta(minutes=5)) == set()
        assert later.unsent(["a", "b"], "https://x", _NOW - timedelta(days=1)) == {"a"}
        assert later.claim(["a", "b"], "https://x", _NOW + timedelta(minutes=11)) == {"a"}
        assert later.claim(["a"], "https://x", _NOW + timedelta(minutes=12)) == set()
        assert later.unsent(["b"], "https://x", _NOW + timedelta(days=999)) == set()


def test_what_an_earlier_version_sent_stays_sent(tmp_path: Path) -> None:
    """Its file has no table of claims; what it noted was taken, as far as it could tell."""
    with sqlite3.connect(tmp_path / "watch-sent.sqlite") as old:
        old.execute("CREATE TABLE sent (item TEXT, address TEXT, at TEXT, PRIMARY KEY (item, address)) STRICT")
        old.execute("INSERT INTO sent VALUES ('a', ?, '2026-11-22')", [digest_of("https://x")])
    old.close()
    with Outbox(tmp_path) as outbox:
        assert outbox.claim(["a", "b"], "https://x", _NOW) == {"b"}


def test_the_address_is_not_written_down(tmp_path: Path) -> None:
    """A webhook's address is a secret: the file holds its digest only."""
    with Outbox(tmp_path) as outbox:
        outbox.claim(["a"], "https://hooks.example/T0/secret-part", _NOW)
    assert all(b"secret-part" not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """A trigger in a received workspace would run at every sending."""
    with sqlite3.connect(tmp_path / "watch-sent.sqlite") as stranger:
        stranger.executescript("CREATE TABLE x (a); CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END;")
    stranger.close()
    with pytest.raises(UsageError, match="outbox"):
        Outbox(tmp_path)


def test_a_busy_receiver_is_asked_again_with_the_same_key(serve: Serve) -> None:
    """503 twice, then taken: one message, told apart from a second one by its key."""
    server = serve(lambda n, _path: http(b"", status="503 Busy") if n < 3 else http(b"ok"))
    post_message(f"{server.url}/hook", {"text": "模型"}, _AT_ONCE)
    assert [json.loads(body) for body in server.bodies] == [{"text": "模型"}] * 3
    keys = {
        line for head in server.heads for line in head.lower().split(b"\r\n") if line.startswith(b"idempotency-key")
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        (http(b"", status="400 Bad Request"), 1),
        (http(b"", status="404 Not Found"), 1),
        (http(b"", status="302 Found", headers="location: http://127.0.0.1:1/"), 1),
        (http(b"", status="500 Oops"), 3),
        (b"", 3),
    ],
)
def test_what_is_never_taken_is_told_without_the_address(serve: Serve, answer: bytes, calls: int) -> None:
    """A refusal is final, a fault is tried thrice, a redirect is not followed: the message may hold names of ours."""
    server = serve(lambda _n, _path: answer)
    with pytest.raises(HubUnreachable) as caught:
        post_message(f"{server.url}/secret-part", {"text": "x"}, _AT_ONCE)
    assert "secret-part" not in caught.value.message
    assert len(server.bodies) == calls


def test_where_nobody_listens_the_reason_is_told_in_words() -> None:
    """A closed port is `connection refused`, not the name of a class of a library."""
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(HubUnreachable, match=r"(?i)the connection failed: connection refused") as caught:
        post_message(f"http://127.0.0.1:{port}/secret-part", {"text": "x"}, _AT_ONCE)
    assert "secret-part" not in caught.value.message
    assert "ConnectError" not in caught.value.message
