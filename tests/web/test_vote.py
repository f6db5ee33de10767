"""The page where people vote, over a store on disk: blind, guarded, harmless whatever the answers hold."""

from __future__ import annotations

import http.client
import re
import threading
from contextlib import closing, contextmanager
from datetime import date
from html import unescape
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from tests.web.paging import paging, served

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.arena.ballot import Entrant, ballot_at, freeze
from weighbridge.evaluation.arena.votes import VoteLog
from weighbridge.evaluation.item import Item
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.web.vote import create_vote_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

ON = date(2026, 11, 22)
HOSTILE = (
    '</div></form><script>document.title="taken"</script><img src=x onerror=alert(1)>'
    '<form action="/undo" method="post"><button data-key="1">1</button></form>'
    '<meta http-equiv="refresh" content="0;url=http://evil.example/"><style>body{display:none}</style>'
    "{{ 7*7 }} \u202eevil\u2066 \u200b \x1b[2J\x00 &amp;"
)
SUITE = {"name": "chats", "version": "1", "digest": digest_of("chats"), "language": "en", "licence": "ours",
         "source": "ours", "size": 0}  # fmt: skip


class Booth:
    """A running server over a store, and a client for it."""

    def __init__(self, port: int, store: SQLiteStore, ballot_id: str) -> None:
        self.port, self.store, self.ballot_id = port, store, ballot_id
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> SimpleNamespace:
        """GET, or POST a form as a browser does from the very page; `headers` replace or add."""
        sent = {"Host": f"127.0.0.1:{self.port}"}
        body = None
        if form is not None:
            sent |= {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded"}
            body = urlencode(form)
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            kept = {name: value for name, value in sent.items() if value}
            connection.request("GET" if form is None else "POST", path, body, kept)
            answer = connection.getresponse()
            return SimpleNamespace(status=answer.status, headers=answer.headers, text=answer.read().decode())
        finally:
            connection.close()

    def fields(self, voter: str = "ann") -> dict[str, str]:
        """Return the hidden fields of the voter's open pair."""
        text = self.ask(f"/vote?{urlencode({'voter': voter})}").text
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))

    def votes(self) -> list[str]:
        """Return the outcomes that count, as the store has them."""
        log = VoteLog.read(ballot_at(self.store, self.ballot_id), self.store)
        return [vote.act.outcome for vote in log.counted()]


@contextmanager
def serving(store: SQLiteStore, ballot_id: str) -> Iterator[Booth]:
    """Serve the booth in a thread."""
    app = create_vote_app(ballot_at(store, ballot_id), store, lambda: ON)
    with served(app) as port:
        yield Booth(port, store, ballot_id)


@pytest.fixture
def booth_of(tmp_path: Path) -> Iterator[Callable[[dict[str, list[str]]], Any]]:
    """Return what serves an arena over answers by model."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:

        def make(answers: dict[str, list[str]]) -> Any:
            entrants = []
            for name, texts in answers.items():
                recipes = {f"p{i}": digest_of(["recipe", name, i]) for i in range(len(texts))}
                bodies = [Completion(Outcome.ANSWERED, text).to_json() | {"asked_on": "2026-11-22"} for text in texts]
                store.add_completions(dict(zip(recipes.values(), bodies, strict=True)))
                entrants.append(Entrant(digest_of(name), name, None, recipes))
            items = [Item(f"p{i}", f"question <b>{i}</b>") for i in range(len(next(iter(answers.values()))))]
            return serving(store, freeze(SUITE, items, entrants, "5e" * 32, store, ON).id)

        yield make


@pytest.fixture
def booth(booth_of: Any) -> Iterator[Booth]:
    """Serve two models over six prompts."""
    tones = {"secretmodel-a": "calm", "secretmodel-b": "loud"}
    with booth_of({name: [f"{tone} answer {i}" for i in range(6)] for name, tone in tones.items()}) as running:
        yield running


def test_a_vote_is_in_the_store_before_the_answer(booth: Booth) -> None:
    """303 to the next pair, and the vote is there; the page names no model."""
    fields = booth.fields()
    answer = booth.ask("/vote", {**fields, "choice": "left"})
    assert (answer.status, answer.headers["location"]) == (303, "/vote?voter=ann")
    assert booth.votes() == ["left"]
    page = booth.ask("/vote?voter=ann").text
    assert "secretmodel" not in page
    assert digest_of("secretmodel-a")[7:19] not in page
    assert "1 vote<" in page


def test_a_double_submit_counts_once(booth: Booth) -> None:
    """The same form twice, and once more with another choice: the first stands, and the page says so."""
    fields = booth.fields()
    booth.ask("/vote", {**fields, "choice": "left"})
    again = booth.ask("/vote", {**fields, "choice": "right"})
    assert again.headers["location"].endswith("note=again")
    assert booth.votes() == ["left"]
    assert "nothing was counted twice" in booth.ask(again.headers["location"]).text


def test_twenty_submits_at_once_count_once(booth: Booth) -> None:
    """A storm of the same form from many threads leaves one vote."""
    fields = booth.fields()
    threads = [threading.Thread(target=booth.ask, args=("/vote", {**fields, "choice": "tie"})) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert booth.votes() == ["tie"]


def test_undo_takes_back_and_shows_the_pair_again(booth: Booth) -> None:
    """The same pair, with a new ticket; an old undo form does nothing more."""
    before = booth.ask("/vote?voter=ann").text
    booth.ask("/vote", {**booth.fields(), "choice": "left"})
    undo = {"voter": "ann", "turn": "1"}
    assert booth.ask("/undo", undo).headers["location"].endswith("note=undone")
    assert booth.votes() == []
    shown = re.compile(r"(?:calm|loud) answer \d")
    assert shown.findall(booth.ask("/vote?voter=ann").text) == shown.findall(before)
    assert booth.ask("/undo", undo).headers["location"].endswith("note=nothing")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": ""}, 403),
     ({"Origin": "https://127.0.0.1"}, 403), ({"Host": "evil.example"}, 421),
     ({"Host": "127.0.0.1.evil.example", "Origin": "http://127.0.0.1.evil.example"}, 421),
     ({"Content_Type": "application/json"}, 400), ({"Content_Type": "text/plain"}, 400)],
)  # fmt: skip
def test_forms_from_elsewhere_are_refused(booth: Booth, headers: dict[str, str], status: int) -> None:
    """Another site, no origin, a rebound name, a form in disguise: no vote."""
    assert booth.ask("/vote", {**booth.fields(), "choice": "left"}, **headers).status == status
    assert booth.ask("/undo", {"voter": "ann", "turn": "0"}, **headers).status == status
    assert booth.votes() == []


@pytest.mark.parametrize(
    ("change", "status"),
    [({"choice": "both"}, 400), ({"choice": ""}, 400), ({"ticket": "0" * 32}, 303), ({"turn": "7"}, 303),
     ({"turn": "x"}, 303), ({"voter": "bob"}, 303), ({"voter": ""}, 400), ({"voter": "a\u202eb"}, 400),
     ({"choice": "left" * 5000}, 400)],
)  # fmt: skip
def test_forged_forms_are_no_votes(booth: Booth, change: dict[str, str], status: int) -> None:
    """Unknown choices, tickets of nobody, another voter's ticket, a form too large: nothing is written."""
    answer = booth.ask("/vote", {**booth.fields(), "choice": "left", **change})
    assert answer.status == status
    assert booth.votes() == []
    assert "Traceback" not in answer.text


def test_a_restart_knows_the_open_pair(booth_of: Any) -> None:
    """A page opened before the server went down can still be sent after it came up again."""
    with booth_of({"a": ["x", "y"], "b": ["u", "v"]}) as first:
        fields = first.fields()
        store, ballot_id = first.store, first.ballot_id
    with serving(store, ballot_id) as second:
        assert second.ask("/vote", {**fields, "choice": "both-bad"}).headers["location"] == "/vote?voter=ann"
        assert second.votes() == ["both-bad"]


def test_hostile_answers_are_text(booth_of: Any) -> None:
    """Markup, script, template code and hidden characters stand on the page as what they are."""
    with booth_of({"a": [HOSTILE], "b": ["plain"]}) as booth:
        answer = booth.ask("/vote?voter=ann")
    assert "<script>document" not in answer.text
    assert "<img" not in answer.text
    assert "<meta http-equiv" not in answer.text
    assert "\u202e" not in answer.text
    assert "⟨U+202E⟩" in answer.text
    assert "{{ 7*7 }}" in unescape(answer.text)
    assert answer.text.count("<form") == 2
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


def test_a_megabyte_makes_a_small_page(booth_of: Any) -> None:
    """An answer of a million characters is cut, and the page says by how much."""
    with booth_of({"a": ["<" * 1_000_000], "b": ["plain"]}) as booth:
        text = booth.ask("/vote?voter=ann").text
    assert len(text) < 300_000
    assert "980000 characters more" in text


def test_the_end_and_the_beginning(booth: Booth) -> None:
    """A name begins; after six votes nothing is left, and the last can still be taken back."""
    assert "Who votes?" in booth.ask("/").text
    for _ in range(6):
        booth.ask("/vote", {**booth.fields(), "choice": "tie"})
    page = booth.ask("/vote?voter=ann").text
    assert "Nothing left to vote on" in page
    assert 'action="/undo"' in page
    assert booth.ask("/nothing").status == 404
    assert booth.ask("/vote").status == 400


@pytest.mark.browser
def test_keys_vote_skip_and_take_back(browser: Browser, booth: Booth) -> None:
    """A name, then 1, 2, 0, b, s, u in a real browser: four votes stand but for the one taken back."""
    with paging(browser, booth.url, script=True) as page:
        page.goto(booth.url)
        page.locator("#voter").fill("ann 120")
        page.keyboard.press("Enter")
        page.wait_for_url("**/vote?voter=ann*")
        for turn, key in enumerate("120bsu", 1):
            page.wait_for_load_state()  # keys are heard once the script runs
            page.keyboard.press(key)
            page.wait_for_selector(f'form[action="/undo"] input[name="turn"][value="{turn}"]', state="attached")
    assert booth.votes() == ["left", "right", "tie", "both-bad"]


@pytest.mark.browser
def test_without_script_buttons_vote(browser: Browser, booth: Booth) -> None:
    """Clicks alone vote; the back button leads to the open pair, never to one that was voted on."""
    with paging(browser, booth.url, script=False) as page:
        page.goto(f"{booth.url}/vote?voter=ann")
        first = page.inner_text("#left + .spoken")
        page.get_by_role("button", name="Right is better").click()
        page.wait_for_selector("text=1 vote")
        page.go_back()
        assert page.inner_text("#left + .spoken")[-1] != first[-1]
        page.get_by_role("button", name="Left is better").click()
        page.wait_for_selector("text=2 votes")
    assert booth.votes() == ["right", "left"]


@pytest.mark.browser
def test_hostile_answers_do_nothing_in_a_browser(browser: Browser, booth_of: Any) -> None:
    """With script on: the title stays, no button of the answer's appears, and key 1 votes as ever."""
    with booth_of({"a": [HOSTILE, HOSTILE + "2"], "b": ["plain", "plain 2"]}) as booth:
        with paging(browser, booth.url, script=True) as page:
            page.goto(f"{booth.url}/vote?voter=ann")
            assert page.title() == "Which answer is better? - Weighbridge"
            assert page.locator('button[data-key="1"]').count() == 1
            assert "evil.example" in page.inner_text("main")
            page.keyboard.press("1")
            page.wait_for_selector("text=1 vote")
        assert booth.votes() == ["left"]
