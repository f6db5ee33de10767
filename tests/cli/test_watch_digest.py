"""`weighbridge watch digest|queue|plan|serve` as a user runs them, from a decision over a hub that changes."""

from __future__ import annotations

import http.client
import json
import runpy
import signal
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from weighbridge.cli.watch_digest import parse_since
from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError
from weighbridge.testing.fault_server import http as reply_of
from weighbridge.testing.hub_server import HubServer
from weighbridge.testing.tiny_weights import Row, gguf_bytes
from weighbridge.workflow.following.post import check_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import CommandLine

    from weighbridge.testing.fault_server import FaultServer

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

S = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "unit" / "watch" / "digest" / "scene.py")))
_POLICY = """
[policy]
name = "ours"
version = "1"
title = "Is it free?"
valid_days = 365
[use]
description = "Internal work"
audience = "internal"
[[rule]]
id = "licence-tag"
kind = "card/v1"
measure = "licence"
operator = "in"
value = ["mit"]
on_fail = "hold"
because = "Only this."
"""
_SECRET = "a secret of the hub and us"
_HEAD = "---\nlicense: {}\n---\n# Tiny\n"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """Serve one publisher with one model."""
    weights = gguf_bytes({"general.architecture": "llama"}, [Row("a", (4, 8), 0, 128)])
    with HubServer(tmp_path / "hub") as running:
        running.write("acme/tiny", {"tiny.gguf": weights, "README.md": _HEAD.format("mit").encode()})
        yield running


def test_from_a_push_to_the_decision_that_must_be_made_again(
    weighbridge: CommandLine, hub: HubServer, tmp_path: Path
) -> None:
    """A licence moves on the hub: the digest says what it means, the queue holds the decision, deciding clears it."""
    weighbridge.env["HF_ENDPOINT"] = hub.url
    (tmp_path / "ours.toml").write_text(_POLICY)
    copy = tmp_path / "cache" / "models--acme--tiny" / "snapshots" / hub.commit("acme/tiny")
    copy.mkdir(parents=True)
    for name in ("tiny.gguf", "README.md"):
        (copy / name).write_bytes((tmp_path / "hub" / "acme" / "tiny" / name).read_bytes())
    place = copy.relative_to(tmp_path).as_posix()
    decided = weighbridge.json("decide", f"./{place}", "--policy", "ours.toml")["decision"]
    assert decided["verdict"] == "adopt"
    weighbridge.json("watch", "add", "hf:acme")
    assert weighbridge.json("watch", "run", "--once")["events"] == []
    hub.write("acme/tiny", {"README.md": _HEAD.format("cc-by-nc-4.0").encode()})
    assert "a decision is overtaken" in weighbridge("watch", "run", "--once").stderr
    digest = weighbridge.json("watch", "digest")
    (item,) = digest["items"]
    assert (item["severity"], item["next_step"], item["subject"]) == ("high", "legal review", "hf:acme/tiny")
    assert item["concerns"][0]["rests_on"] == ["licence-tag"]
    assert digest["stale"] == []  # the round had said it
    (row,) = weighbridge.json("watch", "queue")["waiting"]
    assert (row["reference"], row["reasons"]) == ("hf:acme/tiny", ["licence-tag"])
    again = weighbridge("decide", decided["subject"], "--policy", "ours.toml")
    assert "note: the decision before was overtaken" in again.stderr
    assert "Nothing waits" in weighbridge("watch", "queue").stdout


def test_every_form_is_written_and_a_terminal_obeys_nothing(weighbridge: CommandLine, tmp_path: Path) -> None:
    """Page, Markdown and both feeds; the hostile name is spelled out on the terminal, in both languages."""
    work = tmp_path / "weighbridge-work"
    S.fill_store(work)
    S.fill_log(work)
    forms = [word for name in ("html", "markdown", "atom", "rss") for word in (f"--{name}", f"d.{name}")]
    done = weighbridge("watch", "digest", "--since", "all", "--lang", "zh", *forms)
    assert done.returncode == 0
    assert "下一步" in done.stdout
    assert not any(character in done.stdout for character in "\u202e\x00\x1b")
    assert ET.parse(tmp_path / "d.atom").getroot().tag.endswith("feed")  # noqa: S314 - our own
    assert ET.parse(tmp_path / "d.rss").getroot().tag == "rss"  # noqa: S314 - our own
    assert (tmp_path / "d.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    shown = weighbridge.json("evidence", "show", weighbridge.json("watch", "queue")["waiting"][0]["decision"][7:])
    assert shown["stale"]["event_kind"] == "licence-tag"


def test_an_item_is_sent_once(weighbridge: CommandLine, tmp_path: Path, serve: Serve) -> None:
    """A receiver that is busy at first gets it again; what it refused is not marked; nothing goes twice."""
    S.fill_log(tmp_path / "weighbridge-work")
    answers = [reply_of(b"", status="400 Bad Request"), reply_of(b"", status="503 Busy", headers="retry-after: 0")]
    server = serve(lambda n, _path: answers[n - 1] if n <= 2 else reply_of(b"ok"))
    address = f"{server.url}/services/secret-part"
    refused = weighbridge("watch", "digest", "--since", "all", "--send", WEIGHBRIDGE_WATCH_WEBHOOK=address)
    assert refused.returncode == 3
    assert "secret-part" not in refused.stderr + refused.stdout
    done = weighbridge("watch", "digest", "--since", "all", "--send", WEIGHBRIDGE_WATCH_WEBHOOK=address)
    assert done.returncode == 0
    assert "sent" in done.stderr
    count = len(server.bodies)
    assert count == 3
    message = json.loads(server.bodies[-1])
    assert {"text", "items", "schema"} <= message.keys()
    assert "<" not in message["text"]
    weighbridge("watch", "digest", "--since", "all", "--send", WEIGHBRIDGE_WATCH_WEBHOOK=address)
    assert len(server.bodies) == count


def test_a_later_beginning_does_not_send_an_item_again(weighbridge: CommandLine, tmp_path: Path, serve: Serve) -> None:
    """`--since` cuts off the first event of what was sent whole: the rest is no news, a further event is."""
    early, late = datetime.now(UTC) - timedelta(days=9), datetime.now(UTC) - timedelta(days=2)
    first, second = (
        S.event("release", f"{hub}:zai-org/GLM-5.3", None, {"licence": "mit"}, commit_before="", seen_at=seen)
        for hub, seen in (("hf", early), ("ms", late))
    )
    workspace, server = tmp_path / "weighbridge-work", serve(lambda _n, _path: reply_of(b"ok"))
    weighbridge.env["WEIGHBRIDGE_WATCH_WEBHOOK"] = f"{server.url}/x"

    def sent(since: str) -> list[str]:
        done = weighbridge("watch", "digest", "--all", "--since", since, "--send")
        assert done.returncode == 0
        return [item["subject"] for body in server.bodies for item in json.loads(body)["items"]]

    S.fill_log(workspace, [first, second])
    assert len(sent("all")) == 1
    assert len(sent("7d")) == 1
    assert len(sent("all")) == 1
    S.fill_log(workspace, [S.event("licence-tag", "ms:zai-org/GLM-5.3", seen_at=late)])
    assert len(sent("7d")) == 2


def test_a_kill_in_the_middle_of_a_post_loses_nothing(weighbridge: CommandLine, tmp_path: Path, serve: Serve) -> None:
    """The receiver never answered the killed sender: once its claim has aged, the next one sends the items."""
    workspace, came, end = tmp_path / "weighbridge-work", threading.Event(), threading.Event()
    S.fill_log(workspace)

    def hang(_n: int, _path: str) -> bytes:
        came.set()
        end.wait(30)
        return b""

    silent, server = serve(hang), serve(lambda _n, _path: reply_of(b"ok"))
    weighbridge.env["WEIGHBRIDGE_WATCH_WEBHOOK"] = f"{silent.url}/x"
    killed = weighbridge.start("watch", "digest", "--since", "all", "--send")
    try:
        assert came.wait(30)
    finally:
        killed.kill()
        killed.communicate()
        end.set()
    outbox = sqlite3.connect(workspace / "watch-sent.sqlite")
    with closing(outbox), outbox:
        assert outbox.execute("SELECT count(*) FROM sent").fetchone() == (0,)
        # as if ten minutes had gone by, and the address were that of a receiver that answers
        outbox.execute("UPDATE claimed SET at = at - 601, address = ?", [digest_of(f"{server.url}/x")])
    done = weighbridge("watch", "digest", "--since", "all", "--send", WEIGHBRIDGE_WATCH_WEBHOOK=f"{server.url}/x")
    assert done.returncode == 0
    assert len(json.loads(server.bodies[0])["items"]) > 0


@pytest.mark.parametrize("address", ["http://example.org/x", "file:///etc/passwd", "https://", "http://[", "x"])
def test_a_message_never_travels_in_the_clear(address: str) -> None:
    """Only https, or this machine."""
    with pytest.raises(UsageError, match="https"):
        check_address(address)


def test_a_time_to_begin_at_is_a_span_or_a_day() -> None:
    """`7d`, `36h`, `2w`, a day, or `all`; anything else is refused with the forms."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert parse_since("7d", now) == datetime(2026, 11, 15, tzinfo=UTC)
    assert parse_since("36h", now) == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert parse_since("2026-11-01", now) == datetime(2026, 11, 1, tzinfo=UTC)
    assert parse_since("all", now) is None
    for wrong in ("yesterday", "7", "99999999d", ""):
        with pytest.raises(UsageError):
            parse_since(wrong, now)


def test_without_a_watch_there_is_a_hint(weighbridge: CommandLine) -> None:
    """The digest says how to begin; a plan has nothing, and makes no file."""
    done = weighbridge("watch", "digest")
    assert done.returncode == 3
    assert "watch add" in done.stderr
    assert weighbridge.json("watch", "plan")["families"] == []
    assert not (weighbridge.folder / "weighbridge-work").exists()


def test_a_plan_holds_windows_and_decisions(weighbridge: CommandLine, tmp_path: Path) -> None:
    """A watched family has its published rhythm, and a calendar is written."""
    weighbridge("watch", "add", "family:DeepSeek")
    (family,) = weighbridge.json("watch", "plan", "--ics", "plan.ics")["families"]
    assert (family["family"], family["median_days"], family["watched"]) == ("DeepSeek", 43, True)
    assert (tmp_path / "plan.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


def _ask(url: str, path: str, method: str = "GET", secret: str = "") -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    body: Any = b'{"repo": {"type": "model", "name": "acme/tiny"}}' if method == "POST" else None
    connection.request(method, path, body=body, headers={"X-Webhook-Secret": secret} if secret else {})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize("secret", ["", " \n", " 123456789012345 "])
def test_a_secret_that_can_be_guessed_is_refused(weighbridge: CommandLine, tmp_path: Path, secret: str) -> None:
    """Blank or under 16 characters: the server does not start, whether the environment or a file holds it."""
    (tmp_path / "secret").write_text(secret, encoding="utf-8")
    for given in ({"WEIGHBRIDGE_WATCH_SECRET": secret}, {"WEIGHBRIDGE_WATCH_SECRET_FILE": str(tmp_path / "secret")}):
        done = weighbridge("watch", "serve", "--port", "0", **given)
        assert done.returncode == 2
        assert "WEIGHBRIDGE_WATCH_SECRET" in done.stderr
        assert "16 characters" in done.stderr


def test_serving_looks_and_shows(weighbridge: CommandLine, hub: HubServer) -> None:
    """It polls at once, gives digest and feeds, takes a knock by its secret only, and ends at Ctrl-C."""
    weighbridge.env |= {"HF_ENDPOINT": hub.url, "WEIGHBRIDGE_WATCH_SECRET": _SECRET}
    weighbridge("watch", "add", "hf:acme")
    running = weighbridge.start("watch", "serve", "--port", "0", "--every", "1h")
    assert running.stdout is not None
    try:
        url = running.stdout.readline().split(" is at: ")[1].strip()
        assert _ask(url, "/")[0] == 200
        assert json.loads(_ask(url, "/digest.json")[1])["schema"] == "weighbridge/watch-digest/v1"
        assert _ask(url, "/webhook/huggingface", "POST")[0] == 403
        assert _ask(url, "/webhook/huggingface", "POST", _SECRET)[0] == 202
        assert _ask(url, "/healthz")[0] in {200, 503}
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)
    assert any("author=acme" in seen.line for seen in hub.seen)
    assert not any("config.json" in seen.line for seen in hub.seen)
