"""The page where people label answers, over a store on disk: blind, resumable, harmless whatever the answers hold."""

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

from weighbridge.core.kinds import LabelsV1
from weighbridge.evaluation.labels.answers import Given
from weighbridge.evaluation.labels.log import LabelLog
from weighbridge.evaluation.labels.sample import freeze_sample
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.web.label import create_label_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from weighbridge.evaluation.labels.sample import Sample

ON = date(2026, 11, 22)
HOSTILE = (
    '</div></form><script>document.title="taken"</script><img src=x onerror=alert(1)>'
    '<form action="/undo" method="post"><button data-key="1">1</button></form>'
    '<input type="checkbox" name="narrative" data-key="n" checked><style>body{display:none}</style>'
    "label this answer as compliance {{ 7*7 }} \u202eevil\u2066 \u200b \x1b[2J\x00 &amp;"
)


class Desk:
    """A running server over a store, and a client for it."""

    def __init__(self, port: int, store: SQLiteStore, sample: Sample) -> None:
        self.port, self.store, self.sample = port, store, sample
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> SimpleNamespace:
        """GET, or POST a form as a browser does from the very page; `headers` replace or add."""
        sent = {"Host": f"127.0.0.1:{self.port}"}
        if form is not None:
            sent |= {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded"}
        sent |= headers
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            body = None if form is None else urlencode(form)
            connection.request("GET" if form is None else "POST", path, body, sent)
            answer = connection.getresponse()
            return SimpleNamespace(status=answer.status, headers=answer.headers, text=answer.read().decode())
        finally:
            connection.close()

    def fields(self, **asked: str) -> dict[str, str]:
        """Return the hidden fields of the person's open answer."""
        text = self.ask(f"/label?{urlencode({'who': 'ann', **asked})}").text
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))

    def labels(self) -> list[tuple[str, bool | None]]:
        """Return the labels that count, as the store has them."""
        return [(label.act.behaviour, label.act.narrative) for label in LabelLog.read(self.store).labels()]


@contextmanager
def serving(store: SQLiteStore, sample: Sample) -> Iterator[Desk]:
    """Serve the page in a thread."""
    app = create_label_app(sample, store, lambda: ON, "ann")
    with served(app) as port:
        yield Desk(port, store, sample)


@pytest.fixture
def desk_of(tmp_path: Path) -> Iterator[Callable[[list[Given]], Any]]:
    """Return what serves a sample of all of these answers."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        yield lambda answers: serving(store, freeze_sample(answers, 60, store, ON))


@pytest.fixture
def desk(desk_of: Any) -> Iterator[Desk]:
    """Serve four English answers and two Korean ones, whose ids tell the model's name."""
    answers = [Given(f"secretmodel-{i}", "ko" if i > 3 else "en", f"question {i}", f"answer {i}") for i in range(6)]
    with desk_of(answers) as running:
        yield running


def test_a_label_is_in_the_store_before_the_answer(desk: Desk) -> None:
    """303 to the next answer, and the label is there; no page names the model, or what the detector says."""
    answer = desk.ask("/label", {**desk.fields(), "choice": "deflection", "narrative": "yes"})
    assert (answer.status, answer.headers["location"]) == (303, "/label?who=ann")
    assert desk.labels() == [("deflection", True)]
    (label,) = LabelLog.read(desk.store).labels()
    assert (label.act.population, label.act.drawn_with, label.on) == (desk.sample.population, 1.0, ON)
    page = desk.ask("/label?who=ann").text
    assert "secretmodel" not in page
    assert "1 of 6" in page
    assert "checked" not in page


def test_a_form_sent_again_counts_once(desk: Desk) -> None:
    """Twenty at once, and another choice afterwards: the first stands, and the page says so."""
    fields = desk.fields()
    form = {**fields, "choice": "refusal"}
    threads = [threading.Thread(target=desk.ask, args=("/label", form)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = desk.ask("/label", {**fields, "choice": "compliance"})
    assert "nothing was counted twice" in desk.ask(again.headers["location"]).text
    assert desk.labels() == [("refusal", False)]


def test_only_the_answer_that_is_next_can_be_labelled(desk: Desk) -> None:
    """Any other drawn answer is refused, in each language, before and after an undo."""
    for language, answers in (("en", 4), ("ko", 2)):
        for place, one in enumerate(desk.sample.drawn(language)):
            fields = desk.fields(language=language)
            assert (fields["answer"] == one.digest) == (place == 0)
            sent = desk.ask("/label", {**fields, "answer": one.digest, "choice": "compliance"})
            assert sent.headers["location"].endswith("note=closed") == (place > 0)
            if place == 0:
                desk.ask("/undo", {"who": "ann", "language": language, "turn": str(int(fields["turn"]) + 1)})
        assert place + 1 == answers
    assert desk.labels() == []


def test_two_servers_on_one_store_take_one_label(desk: Desk) -> None:
    """The same page sent to both, with two choices: one counts, the other is told so; both go on from there."""
    with serving(desk.store, desk.sample) as other:
        form = {**desk.fields(), "choice": "refusal"}
        assert other.fields()["answer"] == form["answer"]
        assert "note" not in desk.ask("/label", form).headers["location"]
        assert other.ask("/label", {**form, "choice": "compliance"}).headers["location"].endswith("note=again")
        assert other.fields() == desk.fields() != form
        assert other.ask("/undo", {"who": "ann", "turn": "1"}).headers["location"].endswith("note=undone")
        assert desk.fields()["answer"] == form["answer"]
    assert len(list(desk.store.select(kind="labels/v1"))) == 2


def test_an_imported_label_leaves_no_hole(desk: Desk) -> None:
    """What came in with a file under the same name is shown all the same: the sample is labelled on the page."""
    first = desk.sample.drawn()[0]
    act = LabelsV1(who="ann", language="en", item="x", behaviour="compliance", narrative=None, turn=0,
                   population=None, drawn_with=None)  # fmt: skip
    LabelLog.read(desk.store).cast(act, first.digest, ON, first.digest)
    fields = desk.fields()
    assert fields["answer"] == first.digest
    desk.ask("/label", {**fields, "choice": "refusal"})
    assert desk.labels() == [("refusal", False)]


def test_undo_shows_the_answer_again(desk: Desk) -> None:
    """The same answer comes back; the undo sent again, and the label of before the undo, do nothing."""
    fields = desk.fields()
    desk.ask("/label", {**fields, "choice": "refusal"})
    undo = {"who": "ann", "turn": "1"}
    assert desk.ask("/undo", undo).headers["location"].endswith("note=undone")
    assert desk.fields()["answer"] == fields["answer"]
    assert desk.ask("/undo", undo).headers["location"].endswith("note=nothing")
    assert desk.ask("/label", {**fields, "choice": "refusal"}).headers["location"].endswith("note=closed")
    assert desk.labels() == []


def test_a_person_reads_one_language(desk: Desk) -> None:
    """Only answers in it are shown and counted, to the end; then everything else is still there."""
    for left in (2, 1):
        page = desk.ask("/label?who=ann&language=ko").text
        assert f"{2 - left} of 2 in ko" in page
        desk.ask("/label", {**desk.fields(language="ko"), "choice": "skip"})
    assert "Nothing left to label" in desk.ask("/label?who=ann&language=ko").text
    assert "2 of 6" in desk.ask("/label?who=ann").text
    assert desk.labels() == []
    assert desk.ask("/label?who=ann&language=de").status == 400


def test_a_restart_goes_on_where_it_stopped(desk_of: Any) -> None:
    """A page opened before the server went down can be sent afterwards; what was labelled is not shown again."""
    answers = [Given(str(i), "en", "q", f"answer {i}") for i in range(3)]
    with desk_of(answers) as first:
        first.ask("/label", {**first.fields(), "choice": "refusal"})
        fields, store, sample = first.fields(), first.store, first.sample
    with serving(store, sample) as second:
        assert second.ask("/label", {**fields, "choice": "nonsense"}).headers["location"] == "/label?who=ann"
        assert second.labels() == [("refusal", False), ("nonsense", False)]
        assert "2 of 3" in second.ask("/label?who=ann").text


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [({"choice": "undo"}, {}, 400), ({"choice": ""}, {}, 400), ({"answer": "sha256:" + "0" * 64}, {}, 303),
     ({"turn": "7"}, {}, 303), ({"turn": "-1"}, {}, 303), ({"who": ""}, {}, 400), ({"who": "a\u202eb"}, {}, 400),
     ({"language": "xx"}, {}, 400), ({"choice": "refusal" * 5000}, {}, 400),
     ({}, {"Origin": "http://evil.example"}, 403), ({}, {"Host": "evil.example"}, 421)],
)  # fmt: skip
def test_forged_forms_are_no_labels(desk: Desk, change: dict[str, str], headers: dict[str, str], status: int) -> None:
    """Unknown choices, answers and languages, an old turn, another site: nothing is written."""
    answer = desk.ask("/label", {**desk.fields(), "choice": "refusal", **change}, **headers)
    assert answer.status == status
    assert desk.labels() == []
    assert "Traceback" not in answer.text


def test_hostile_answers_are_text(desk_of: Any) -> None:
    """Markup, script, template code, orders and hidden characters stand on the page as what they are."""
    with desk_of([Given("1", "en", HOSTILE, HOSTILE + "<" * 1_000_000)]) as desk:
        answer = desk.ask("/label?who=ann")
    assert "<script>document" not in answer.text
    assert "<img" not in answer.text
    assert answer.text.count("<form") == 2
    assert answer.text.count('type="checkbox"') == 1
    assert "\u202e" not in answer.text
    assert "⟨U+202E⟩" in answer.text
    assert "{{ 7*7 }}" in unescape(answer.text)
    assert len(answer.text) < 300_000
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


@pytest.mark.browser
def test_keys_label_toggle_skip_and_take_back(browser: Browser, desk: Desk) -> None:
    """The name is there, Enter begins; then n1, nn4, 3, s, 5 and u in a real browser: three labels stand."""
    with paging(browser, desk.url, script=True) as page:
        page.goto(desk.url)
        page.locator("#who").press("Enter")
        page.wait_for_url("**/label?who=ann*")
        for turn, keys in enumerate(("n1", "nn4", "3", "s", "5", "u"), 1):
            page.wait_for_load_state()  # keys are heard once the script runs
            for key in keys:
                page.keyboard.press(key)
            page.wait_for_selector(f'form[action="/undo"] input[name="turn"][value="{turn}"]', state="attached")
    assert desk.labels() == [("refusal", True), ("compliance", False), ("deflection", False)]


@pytest.mark.browser
def test_without_script_and_with_hostile_answers(browser: Browser, desk_of: Any) -> None:
    """Clicks alone label and take back; nothing of the answer's own becomes a button or a box."""
    with desk_of([Given(str(i), "en", HOSTILE, HOSTILE + str(i)) for i in range(2)]) as desk:
        with paging(browser, desk.url, script=False) as page:
            page.goto(f"{desk.url}/label?who=ann")
            assert page.title() == "What does this answer do? - Weighbridge"
            assert page.locator("[data-key='1']").count() == page.locator("[data-key='n']").count() == 1
            page.get_by_label("narrative").check()
            page.get_by_role("button", name="Partial").click()
            page.wait_for_selector("text=1 of 2")
            assert not page.get_by_label("narrative").is_checked()
            page.get_by_text("Rules").click()
            assert page.get_by_text("attribution").is_visible()
        assert desk.labels() == [("partial", True)]
