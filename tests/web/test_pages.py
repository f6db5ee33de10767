from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from datetime import date
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import Evidence, Producer
from weighbridge.errors import NotFound, UsageError
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.web.reading import decision_row
from weighbridge.web.server import serve

if TYPE_CHECKING:
    from pathlib import Path

QUESTIONS = {
    "/": "What changed, what waits for me?",
    "/model/{subject}": "What is it, can we run it?",
    "/decision/{reject}": "Why, and what would change it?",
    "/evidence": "How do you know?",
    "/evidence/{reject}": "How do you know?",
}


def _path(pattern: str, served: Any) -> str:
    """Fill a path with the ids of the store."""
    return pattern.format(**vars(served.ids))


@pytest.mark.parametrize(("pattern", "question"), QUESTIONS.items())
def test_every_page_is_a_question_with_a_twin(served: Any, pattern: str, question: str) -> None:
    """The question is the heading and in the title; the twin at `.json` has the question and a schema."""
    path = _path(pattern, served)
    page = served.ask(path)
    assert page.status == 200
    assert f"<h1>{question}</h1>" in page.text
    assert question in re.findall("<title>(.*)</title>", page.text)[0]
    twin = served.json(f"{path}.json")
    assert twin["question"] == question
    assert re.fullmatch(r"weighbridge/ui/[a-z]+/v1", twin["schema"])


def test_home_says_what_waits(served: Any) -> None:
    """Hold and expired wait; a reject that still holds does not. The newest stands first."""
    twin = served.json("/.json")
    assert [(one["about"], one["waits"], one["days_left"]) for one in twin["waiting"]] == [
        ("old", "expired", -2),
        ("internal-tool", "hold", 160),
    ]
    assert twin["total"] == 13
    assert sum(len(day["statements"]) for day in twin["days"]) == 13
    assert "Expired 2 days ago" in served.ask("/").text


@pytest.mark.parametrize(
    ("expires_on", "waits"),
    [("2026-11-21", "expired"), ("2026-11-22", "expires-soon"), ("2026-12-22", "expires-soon"), ("2026-12-23", None)],
)
def test_a_decision_waits_from_thirty_days_before_its_end(weighed: Any, expires_on: str, waits: str | None) -> None:
    """`expires_on` is the last day on which it holds: on that day it is not expired yet."""
    decided = weighed.decided(expires_on=expires_on)
    assert decision_row(decided, "", date(2026, 11, 22))["waits"] == waits


def test_the_model_page_answers_with_figures_and_dashes(served: Any) -> None:
    """Weights and the cache of one sequence are known; what was not measured has a dash."""
    page = served.ask(_path("/model/{subject}", served)).text
    assert "96.6 MB" in page
    assert "188.7 MB" in page  # 8,192 x 23,040 bytes
    twin = served.json(_path("/model/{subject}.json", served))
    assert twin["anatomy"]["body"]["parameters"]["total"] == 134_515_008
    assert all({"value", "low", "high", "n"} <= one["estimate"].keys() for one in twin["measured"])
    assert len(twin["measured"]) == 12


def test_the_decision_page_shows_every_rule_and_its_evidence(served: Any, weighed: Any) -> None:
    """Nine rules, each with its because; every evidence link leads somewhere."""
    page = served.ask(_path("/decision/{reject}", served)).text
    assert all(ruling["because"] in unescape(page) for ruling in weighed.rulings())
    assert page.count("weighbridge evaluate REF --suite") == 3
    links = set(re.findall(r'href="(/evidence/[^"]+)"', page))
    assert len(links) == 9
    assert {served.ask(link).status for link in links} == {200}


def test_every_link_of_every_page_leads_somewhere(served: Any) -> None:
    """Walk from Home over all pages: no link is dead, and none leaves this machine."""
    waiting, seen = ["/"], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = served.ask(path)
        assert answer.status == 200, path
        if "text/html" in answer.headers["content-type"] and not path.startswith("/dossier"):
            links = [unescape(link) for link in re.findall(r'href="([^"]+)"', answer.text)]
            assert all(link.startswith(("/", "#", "data:,")) for link in links), path
            waiting += [link for link in links if link.startswith("/")]
    assert len(seen) > 40


def test_the_dossier_is_the_document_in_both_languages(served: Any) -> None:
    """The same page as the file, in English and Chinese, and its twin has all evidence."""
    assert '<html lang="en">' in served.ask(_path("/dossier/{reject}", served)).text
    assert '<html lang="zh">' in served.ask(_path("/dossier/{reject}?language=zh", served)).text
    document = served.json(_path("/dossier/{reject}.json", served))
    assert document["schema"] == "weighbridge/dossier/v1"
    assert {one["id"] for one in document["evidence"]} == set(served.ids.statements)
    assert document["not_at_hand"] == []


def test_a_part_of_a_suite_and_an_asserted_engine_are_told(tmp_path: Path, weighed: Any, serve_over: Any) -> None:
    """The pages of decision and model say what the dossier says: 10 of 120 asked, and who only vouches."""
    body = weighed.score("knowledge-en", "en", 3, 8).body
    engine = weighed.engine() | {"address": "http://b/v1", "asserted": True}
    score = weighed.stated("score/v1", body | {"suite": body["suite"] | {"size": 120}, "engine": engine})
    demand = ("score/v1", "accuracy", "at-least", 0.4)
    ruling = weighed.ruling("knows", "fail", demand, "b", evidence=[score.id], observed=score.body["accuracy"])
    decision = weighed.decided(rulings=[ruling], conditions=[], evidence=[score.id])
    store = SQLiteStore(tmp_path / "part.sqlite")
    store.add(score)
    store.add(decision)
    with serve_over(store) as served:
        page = served.ask(f"/decision/{decision.id}").text
        twin = served.json(f"/decision/{decision.id}.json")
        model = served.ask(f"/model/{weighed.SUBJECT}").text
    store.close()
    assert "10 of 120 asked" in page
    assert "10 of 120 asked" in model
    assert "the engine at <code>http://b/v1</code> was named by the user" in page
    assert (twin["asserted"], twin["asked_of"]) == (["http://b/v1"], {score.id: [10, 120]})


def test_evidence_is_filtered_by_kind_and_subject(served: Any) -> None:
    """By kind, by the start of a digest, by part of a name; the form keeps what was typed."""
    assert served.json("/evidence.json")["total"] == 13
    assert served.json("/evidence.json?kind=score/v1")["total"] == 3
    assert served.json("/evidence.json?kind=score/v1&subject=smollm2")["total"] == 2
    digest = served.ids.subject.removeprefix("sha256:")
    assert served.json(f"/evidence.json?kind=score/v1&subject={digest[:9]}")["total"] == 2
    assert served.json("/evidence.json?kind=nothing/v9")["total"] == 0
    page = served.ask("/evidence?kind=score/v1&subject=%22%3E%3Cscript%3E").text
    assert 'value="&#34;&gt;&lt;script&gt;"' in page
    assert "No statement matches" in page


def test_many_statements_come_in_pages(tmp_path: Path, weighed: Any) -> None:
    """Fifty a page; a page that does not exist becomes the last, and nonsense the first."""
    from starlette.requests import Request

    from weighbridge.web.page import Reader
    from weighbridge.web.pages.evidence import PAGE

    store = SQLiteStore(tmp_path / "many.sqlite")
    for n in range(120):
        store.add(Evidence(weighed.SUBJECT, "card/v1", {"source": str(n)}, (), Producer("t", "1"), weighed.DAY))

    def asked(query: str) -> Any:
        request = Request({"type": "http", "query_string": query.encode(), "headers": []})
        return PAGE.facts(Reader(store, weighed.DAY), request)

    shown = [(found["number"], len(found["statements"])) for found in map(asked, ["", "page=3", "page=99", "page=-1"])]
    store.close()
    assert shown == [(1, 50), (3, 20), (3, 20), (1, 50)]


def test_a_statement_says_how_it_is_known(served: Any, weighed: Any) -> None:
    """Recipe, producer, inputs, who cites it, the items and the raw JSON."""
    score = weighed.score("knowledge-en", "en", 46, 150)
    twin = served.json(f"/evidence/{score.id}.json")
    assert Evidence.from_json(twin["statement"]).id == score.id
    assert twin["recipe"] == score.recipe
    assert set(twin["cited_by"]) == {served.ids.reject, served.ids.hold, served.ids.expired}
    page = served.ask(f"/evidence/{score.id}").text
    assert page.count('<td class="mark"') == 152
    assert "What is the boiling point of water at sea level?" in page
    assert page.count("Marked: <bdi>") == 150
    assert "not evidence (a suite, an engine or a policy)" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404), ("/evidence/abcdef", 404), ("/model/x", 404), ("/decision/abcdef", 404),
        ("/evidence/%3Cscript%3E", 400), ("/dossier/{reject}?language=xx", 400), ("/decision/{first}", 404),
        ("/..%2f..%2fetc%2fpasswd", 404), ("/static/../app.py", 404),
    ],
)  # fmt: skip
def test_trouble_is_said_in_one_sentence(served: Any, path: str, status: int) -> None:
    """A page and a twin that say what is wrong, and never a traceback."""
    path = path.format(**vars(served.ids), first=served.ids.statements[0])
    page = served.ask(path)
    assert page.status == status
    assert "What went wrong?" in page.text
    assert "Traceback" not in page.text
    assert "<script>" not in page.text


def test_trouble_has_a_twin(served: Any) -> None:
    """A program learns message, hint and status."""
    answer = served.ask("/model/x.json")
    twin = json.loads(answer.text)
    assert answer.status == twin["status"] == 404
    assert twin["message"] == "nothing is known about the model `x`"
    assert twin["hint"]


def test_a_bug_shows_no_traceback(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault inside a page is a plain 500 with the same security headers."""
    monkeypatch.setattr("weighbridge.web.pages.home.groupby", None)
    answer = served.ask("/.json")
    assert answer.status == 500
    assert "Traceback" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_serve_announces_its_address_and_stops_when_interrupted(tmp_path: Path, weighed: Any) -> None:
    """Port 0 takes a free port; the address is told once, answers at once, and Ctrl-C ends it."""
    store = SQLiteStore(tmp_path / "evidence.sqlite")
    store.add(weighed.files())
    store.close()
    program = (
        "from pathlib import Path\nfrom weighbridge.web.server import serve\n"
        f"serve(Path({str(tmp_path)!r}), 0, lambda url: print(url, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        assert process.stdout.read() == ""


def test_serve_refuses_what_it_cannot_do(tmp_path: Path, weighed: Any, served: Any) -> None:
    """No store, a port in use, no port at all: one sentence each."""
    with pytest.raises(NotFound, match="there is no evidence in"):
        serve(tmp_path, 0, print)
    store = SQLiteStore(tmp_path / "evidence.sqlite")
    store.add(weighed.files())
    store.close()
    with pytest.raises(UsageError, match=r"port \d+ cannot be used"):
        serve(tmp_path, served.port, print)
    with pytest.raises(UsageError, match="`70000` is not a port"):
        serve(tmp_path, 70_000, print)
