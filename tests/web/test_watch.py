"""The page Watch, and the pages that `weighbridge watch serve` gives: read by anybody here, knocked at by a secret."""

from __future__ import annotations

import json
import runpy
import threading
from contextlib import closing
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from weighbridge.dossier.digest.page import tell
from weighbridge.errors import HubUnreachable
from weighbridge.knowledge.load import load_knowledge
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.watch.digest.compile import View, compile_digest
from weighbridge.watch.digest.cost import History
from weighbridge.watch.digest.rules import shipped_rules
from weighbridge.web.app import create_app
from weighbridge.web.watch import HOOK, create_watch_app
from weighbridge.workflow.digest import refresh_stale, view_of
from weighbridge.workflow.following.patrol import Patrol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

S = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "unit" / "watch" / "digest" / "scene.py")))
_SECRET = "a secret of the hub and us"
_OWN = "http://127.0.0.1:8781"
_PAYLOAD = {  # version 3, as hub-docs describes it
    "event": {"action": "update", "scope": "repo.content"},
    "repo": {"type": "model", "name": "Qwen/Qwen3-8B", "id": "1", "private": False, "headSha": "c" * 40},
    "webhook": {"id": "1", "version": 3},
    "updatedRefs": [{"ref": "refs/heads/main", "oldSha": "a" * 40, "newSha": "c" * 40}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill a workspace with an adopted model, a log, and what the log overtakes."""
    place = tmp_path_factory.mktemp("watched")
    S.fill_store(place)
    S.fill_log(place)
    with closing(SQLiteStore(place / "evidence.sqlite")) as store:
        refresh_stale(S.events(), store, view_of(store, load_knowledge()))
    return place


@pytest.fixture(scope="module")
def pages(folder: Path) -> Iterator[TestClient]:
    """Open the pages over the workspace."""
    with closing(SQLiteStore(folder / "evidence.sqlite", read_only=True)) as store:
        yield TestClient(create_app(store, lambda: date(2026, 11, 22), folder=folder), base_url=_OWN)


@pytest.fixture
def knocked() -> list[str]:
    """Return the list of publishers that were asked for."""
    return []


@pytest.fixture
def watch(knocked: list[str]) -> TestClient:
    """Open the pages of the server over the same events."""

    def told(language: str) -> Any:
        view = View((), shipped_rules(), load_knowledge(), History({}, {}))
        return tell(compile_digest(S.events(), view, (None, S.SEEN)), shipped_rules(), {}, language), {}

    def knock(publisher: str) -> bool:
        knocked.append(publisher)
        return True

    app = create_watch_app(told, health=lambda: {"ok": True}, knock=knock, secret=_SECRET)
    return TestClient(app, base_url=_OWN)


def _post(watch: TestClient, payload: Any = _PAYLOAD, secret: str | None = _SECRET) -> int:
    headers = {"X-Webhook-Secret": secret} if secret is not None else {}
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return watch.post(HOOK, content=content, headers=headers).status_code


def test_the_page_answers_its_question(pages: TestClient) -> None:
    """What must be weighed again, the rhythm of families, and what changed: the twin holds the same."""
    page, twin = pages.get("/watch"), pages.get("/watch.json").json()
    assert page.status_code == 200
    assert twin["waiting"][0]["next_step"] == "legal review"
    assert twin["waiting"][0]["reasons"] == ["licence-tag", "weights"]
    assert [item["severity"] for item in twin["items"]] == ["high", "low", "low"]
    assert {row["family"] for row in twin["families"]} == {"SmolLM"}
    assert f"/decision/{twin['waiting'][0]['decision']}" in page.text
    assert "Content-Security-Policy" in page.headers
    assert "<script" not in page.text


def test_where_a_decision_stands_it_is_said_to_be_stale(pages: TestClient) -> None:
    """Home lists it as waiting; the page of the decision and its dossier say why and what next."""
    decision = pages.get("/watch.json").json()["waiting"][0]["decision"]
    assert [row["waits"] for row in pages.get("/.json").json()["waiting"]] == ["stale"]
    assert "Overtaken: licence tag changed" in pages.get("/").text
    assert "Overtaken: licence tag changed" in pages.get(f"/decision/{decision}").text
    assert "不再如当初成立" in pages.get(f"/dossier/{decision}?language=zh").text
    assert pages.get(f"/dossier/{decision}.json").json()["stale"]["next_step"] == "legal review"


def test_without_a_watch_the_page_says_how_to_begin(tmp_path: Path) -> None:
    """No log is no mistake."""
    S.fill_store(tmp_path)
    with closing(SQLiteStore(tmp_path / "evidence.sqlite", read_only=True)) as store:
        page = TestClient(create_app(store, folder=tmp_path), base_url=_OWN).get("/watch")
    assert page.status_code == 200
    assert "weighbridge watch add" in page.text
    assert not (tmp_path / "watch.sqlite").exists()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/?lang=zh", "text/html"),
        ("/digest.json", "application/json"),
        ("/feed.atom", "application/atom+xml"),
        ("/rss.xml", "application/rss+xml"),
        ("/healthz", "application/json"),
    ],
)
def test_the_server_gives_page_data_and_feeds(watch: TestClient, path: str, kind: str) -> None:
    """Each under its media type, with the headers that forbid the rest."""
    answer = watch.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_webhook_is_a_knock_and_nothing_more(watch: TestClient, knocked: list[str]) -> None:
    """Whom to look at is taken from it; what it says happened is not."""
    before = watch.get("/digest.json").json()["items"]
    assert _post(watch) == 202
    assert knocked == ["hf:Qwen"]
    assert watch.get("/digest.json").json()["items"] == before


@pytest.mark.parametrize(
    ("payload", "secret", "status"),
    [
        (_PAYLOAD, None, 403),
        (_PAYLOAD, "", 403),
        (_PAYLOAD, "another secret", 403),
        (_PAYLOAD, "é" * 20, 403),
        (b"not json", _SECRET, 400),
        (b"[" * 60_000, _SECRET, 400),
        (b"{" + b" " * (65 << 10), _SECRET, 413),
        ([], _SECRET, 400),
        ({"repo": "Qwen/Qwen3-8B"}, _SECRET, 400),
        ({"repo": {"type": "dataset", "name": "Qwen/x"}}, _SECRET, 400),
        ({"repo": {"type": "model", "name": "../../etc/passwd"}}, _SECRET, 400),
        ({"repo": {"type": "model", "name": "Qwen/x\n"}}, _SECRET, 400),
        ({"repo": {"type": "model", "name": 7}}, _SECRET, 400),
    ],
)
def test_what_is_no_webhook_is_refused(
    watch: TestClient, knocked: list[str], payload: Any, secret: str | None, status: int
) -> None:
    """Without the secret nothing is read; with it, only a bounded payload about a model counts."""
    given = secret.encode() if secret and not secret.isascii() else secret
    headers = {"X-Webhook-Secret": given} if given is not None else {}
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    assert watch.post(HOOK, content=content, headers=headers).status_code == status  # type: ignore[arg-type]
    assert knocked == []


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_set_the_door_is_shut(knocked: list[str], secret: str | None) -> None:
    """Nobody's empty header opens it."""

    def knock(publisher: str) -> bool:
        knocked.append(publisher)
        return True

    app = create_watch_app(lambda _language: pytest.fail("not asked"), health=dict, knock=knock, secret=secret)
    assert TestClient(app, base_url=_OWN).post(HOOK, content=b"{}", headers={"X-Webhook-Secret": ""}).status_code == 403
    assert knocked == []


def test_only_the_door_takes_a_post_and_only_under_our_name(watch: TestClient) -> None:
    """Pages are read, not changed; another Host is refused even with the secret."""
    assert watch.post("/digest.json", content=b"{}").status_code == 405
    assert watch.get(HOOK).status_code == 405
    stranger = watch.post(HOOK, content=b"{}", headers={"Host": "evil.example", "X-Webhook-Secret": _SECRET})
    assert stranger.status_code == 421


def test_a_patrol_looks_at_once_again_when_asked_and_survives_faults() -> None:
    """A look that fails is told by its health and does not end the watch."""
    looks: list[Collection[str]] = []
    seen, asked = threading.Event(), threading.Event()

    def look(publishers: Collection[str]) -> None:
        looks.append(publishers)
        if len(looks) == 1:
            seen.set()
            raise HubUnreachable("no answer")
        asked.set()

    patrol = Patrol(look, every_s=3600)
    patrol.start()
    try:
        assert seen.wait(5)
        assert patrol.want("hf:Qwen")
        assert asked.wait(5)
    finally:
        patrol.end()
    assert looks == [frozenset(), frozenset({"hf:Qwen"})]
    assert patrol.health()["ok"]


def test_a_patrol_that_fails_says_so() -> None:
    """Health is not well while the last look failed, and says in words why."""
    done = threading.Event()

    def look(_publishers: Collection[str]) -> None:
        done.set()
        raise HubUnreachable("no answer")

    patrol = Patrol(look, every_s=3600)
    patrol.start()
    assert done.wait(5)
    patrol.end()
    assert patrol.health()["ok"] is False
    assert patrol.health()["failure"] == "no answer"
