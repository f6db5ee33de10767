from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from weighbridge.dossier.compose import Dossier, compose
from weighbridge.dossier.html import render
from weighbridge.dossier.locale import load_locale
from weighbridge.errors import UsageError

HOSTILE = (
    "<script>alert(1)</script> \"><img src=x onerror=alert(1)> ' `` \u202eevil\u200b | {{ 7*7 }} https://evil.example"
)
ESTIMATE = re.compile(r"-?[\d.]+(%| points| s) \[[-+]?[\d.]+, [-+]?[\d.]+\] n = \d+")


def _poisoned(weighed: Any) -> Dossier:
    """Return a dossier in which every text that strangers write is hostile."""
    files = weighed.files().body
    files = files | {
        "name": HOSTILE, "reference": HOSTILE, "files": [{**files["files"][0], "name": HOSTILE}],
        "left_alone": [{"name": HOSTILE, "reason": HOSTILE}],
        "findings": [{**files["findings"][0], "check": HOSTILE, "place": HOSTILE, "message": HOSTILE}],
    }  # fmt: skip
    card = weighed.card(licence=HOSTILE, licence_link="javascript:alert(1)", tags=[HOSTILE], notes=[HOSTILE]).body
    bodies = {"files/v1": files, "card/v1": card}
    for one in weighed.evidence():
        if "items" not in one.body or one.subject != weighed.SUBJECT:
            continue
        items = [weighed.item(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, question=HOSTILE, marked=f"{HOSTILE}!")]
        suite = one.body["suite"] | {"name": HOSTILE, "source": HOSTILE}
        engine = weighed.engine(HOSTILE) | {"address": HOSTILE, "asserted": True}
        bodies[one.kind] = one.body | {"items": items, "suite": suite, "engine": engine}
    bodies["behaviour/v1"] |= {"calibration": HOSTILE, "labels": {HOSTILE: {HOSTILE: 1}}, "unscored": {HOSTILE: 1}}
    comparison = weighed.comparison().body
    bodies["comparison/v1"] = comparison | {"baseline_name": HOSTILE, "flips": [HOSTILE]}
    rulings = [{**one, "because": HOSTILE, "rule": HOSTILE, "condition": HOSTILE} for one in weighed.rulings()]
    for one in rulings:
        one["would_change"] = one["command"] = HOSTILE
        one["observed"] = one["observed"] if isinstance(one["observed"], dict) else HOSTILE
    decision = weighed.decision(rulings=rulings, conditions=[HOSTILE], use={"description": HOSTILE, HOSTILE: "x"})
    return compose(decision, [weighed.stated(kind, body) for kind, body in bodies.items()])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_text_stays_text(weighed: Any, outline: Any, language: str) -> None:
    """No script, image, handler, foreign address or hidden character gets out of any field; the text is shown."""
    page = render(_poisoned(weighed), language)
    found = outline(page)
    assert not found.find("script", "img", "iframe", "object", "embed", "form", "base")
    assert not [name for one in found.elements for name in one.attributes if name.startswith("on")]
    for name in ("href", "src", "xlink:href", "action"):
        targets = [one.attributes[name] for one in found.elements if name in one.attributes]
        assert [target for target in targets if not target.startswith(("#", "data:,"))] == []
    text = page.decode()
    assert "&lt;script&gt;" in text
    assert "⟨U+202E⟩" in text
    assert "{{ 7*7 }}" in text
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf"} and c not in "\n\t"]


def test_a_huge_answer_does_not_make_a_huge_page(weighed: Any) -> None:
    """A megabyte said is cut, and how much was cut is said."""
    score = weighed.score("knowledge-en", "en", 3, 10).body
    long = "x" * 1_000_000
    items = [weighed.item("one", "wrong", long, long, long, question=long, marked=f"{long}y")]
    page = render(compose(weighed.decision(), [weighed.stated("score/v1", score | {"items": items})])).decode()
    assert len(page) < 200_000
    assert page.count("(+999600)") == 3
    assert "(+999601)" in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_loaded(dossier: Dossier, outline: Any, language: str) -> None:
    """The page is one file: no source, style sheet, font or address but its own, and a policy that forbids all."""
    page = render(dossier, language)
    found = outline(page)
    assert [one.attributes["content"] for one in found.find("meta") if one.attributes.get("http-equiv")] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]
    assert [one.attributes["href"] for one in found.find("link")] == ["data:,"]
    style = "".join(one.text for one in found.find("style"))
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page.decode())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_link_arrives(dossier: Dossier, outline: Any, language: str) -> None:
    """Each link of the page leads to a place in it, and no place exists twice."""
    found = outline(render(dossier, language))
    ids = found.ids()
    assert len(ids) == len(set(ids))
    targets = [one.attributes["href"] for one in found.find("a")]
    assert [target for target in targets if target.removeprefix("#") not in ids] == []


def test_every_estimate_has_interval_count_and_items(weighed: Any, dossier: Dossier, outline: Any) -> None:
    """No measured number stands alone: interval, count, and a link to the questions behind it."""
    found = outline(render(dossier))
    estimates = found.of_class("estimate")
    assert [one.text for one in estimates if not ESTIMATE.match(one.text)] == []
    assert all(one.attributes["href"].startswith(("#items-", "#e-")) for one in estimates)
    shown = {one.text for one in estimates}
    measured = [
        value
        for one in weighed.evidence()
        if one.subject == weighed.SUBJECT
        for value in one.body.values()
        if isinstance(value, dict) and "method" in value
    ]
    assert len(measured) == len(shown) == 12


def test_the_items_stand_in_the_page(dossier: Dossier, outline: Any) -> None:
    """All 304 + 160 + 30 questions of the candidate can be read there, with mark and answer."""
    found = outline(render(dossier))
    answers = [one for one in found.of_class("mark") if one.tag == "td"]
    assert len(answers) == 304 + 160 + 30


def test_an_item_is_shown_with_question_answer_and_what_was_marked(dossier: Dossier, outline: Any) -> None:
    """A question, what was said to it, the letter that counted, the right one and the subject, in one row."""
    found = outline(render(dossier))
    at = next(n for n, one in enumerate(found.elements) if one.tag == "th" and "knowledge-en-046" in one.text)
    row = next(one for one in reversed(found.elements[:at]) if one.tag == "tr")
    assert "What is the boiling point of water at sea level?" in row.text
    assert row.text.endswith("wrongThe answer is A.Marked: ABphysics")


def test_what_was_marked_is_not_said_twice(weighed: Any, outline: Any) -> None:
    """The letter read off a distribution is both: it stands there once."""
    body = weighed.score("knowledge-en", "en", 3, 10).body
    items = [
        weighed.item("one", "right", "C", "C", marked="C"),
        weighed.item("two", "right", "It is C", "C", marked="C"),
    ]
    found = outline(render(compose(weighed.decision(), [weighed.stated("score/v1", body | {"items": items})])))
    assert [one.text for one in found.of_class("marked")] == ["Marked: C"]


def test_a_flip_is_shown_with_its_question_and_both_answers(weighed: Any, outline: Any) -> None:
    """What only one of the two gets right can be judged without another page."""
    theirs = weighed.score("knowledge-en", "en", 58, 150, weighed.BASELINE)
    ours = weighed.score("knowledge-en", "en", 46, 150)
    found = outline(render(compose(weighed.decision(), [ours, weighed.comparison()], [theirs])))
    row = [one for one in found.find("tr") if "knowledge-en-046" in one.text][-1]
    assert "What is the boiling point of water at sea level?" in row.text
    assert row.text.endswith("wrong The answer is A.Marked: Aright The answer is B.Marked: BB")


def test_notes_are_called_notes(weighed: Any, outline: Any) -> None:
    """Not every note on the anatomy is a disagreement."""
    body = weighed.anatomy().body | {"notes": ["the tokenizer was not read"]}
    found = outline(render(compose(weighed.decision(), [weighed.stated("anatomy/v2", body)])))
    assert "Notes" in [one.text for one in found.find("h4")]


def test_the_verdict_comes_first_in_word_shape_and_colour(dossier: Dossier, outline: Any) -> None:
    """The first section says Reject; the shape is for the eye only, and the rules follow."""
    found = outline(render(dossier))
    first, second = found.find("section")[:2]
    assert first.attributes["class"] == "verdict verdict-reject"
    assert "Reject" in first.text
    assert "4 of 9 rules met, 1 not met, 3 not known, 1 waived" in first.text
    assert second.attributes["aria-labelledby"] == "why"


def test_the_page_can_be_read_by_a_machine_that_reads_aloud(dossier: Dossier, outline: Any) -> None:
    """Language, one first heading, no skipped level, headers with scope, charts with a name, a skip link first."""
    found = outline(render(dossier))
    assert found.find("html")[0].attributes["lang"] == "en"
    levels = [int(one.tag[1]) for one in found.find("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(one.attributes.get("scope") in {"col", "row"} for one in found.find("th"))
    assert all(one.attributes["role"] == "img" and one.attributes["aria-label"] for one in found.find("svg"))
    assert found.find("a")[0].attributes == {"class": "skip", "href": "#main"}


def test_chinese_leaves_no_english_heading(dossier: Dossier, outline: Any) -> None:
    """Language zh, and no heading, caption, column or term is left as English has it."""
    found = outline(render(dossier, "zh"))
    assert found.find("html")[0].attributes["lang"] == "zh"
    english, chinese = load_locale("en").words, load_locale("zh").words
    foreign = {text for key, text in english.items() if chinese[key] != text and "{" not in text}
    places = [one.text.strip() for one in found.find("h1", "h2", "h3", "h4", "caption", "dt", "summary", "figcaption")]
    places += [
        one.text.strip() for one in found.find("th") if "thead" in one.inside or one.attributes["scope"] == "col"
    ]
    assert len(places) > 80
    assert [place for place in places if place in foreign] == []
    assert "不采用" in found.find("section")[0].text


def test_what_was_not_looked_at_is_a_dash(weighed: Any, outline: Any) -> None:
    """Without evidence each section says "Not looked at (-)", and the table has dashes, never zeros."""
    found = outline(render(compose(weighed.decision(), [])))
    rows = found.of_class("unlooked")
    assert len(rows) == 23
    assert all(row.text.endswith("---") for row in rows)
    assert "Not looked at (-)." in found.find("main")[0].text


def test_a_signature_line_for_each_role(dossier: Dossier, outline: Any) -> None:
    """Lawyer, engineer and auditor sign, each with name and date."""
    found = outline(render(dossier))
    assert [one.text.split("Signature")[0] for one in found.of_class("signature")] == ["Lawyer", "Engineer", "Auditor"]


def test_the_same_evidence_gives_the_same_bytes(dossier: Dossier) -> None:
    """Another process with another hash seed, and another order of evidence, write the same page."""
    place = Path(__file__).with_name("weighed.py")
    program = (
        "import runpy, sys\n"
        "from weighbridge.dossier.compose import compose\n"
        "from weighbridge.dossier.html import render\n"
        f"weighed = runpy.run_path({str(place)!r})\n"
        "sys.stdout.buffer.write(render(compose(weighed['decision'](), weighed['evidence']()[::-1]), 'zh'))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=environment).stdout
    assert other == render(dossier, "zh")


def test_without_the_charts_extra_the_tables_stand_alone(
    dossier: Dossier, outline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says that charts are missing, and keeps every number."""
    monkeypatch.setattr("weighbridge.dossier.chart.find_spec", lambda _name: None)
    found = outline(render(dossier))
    assert not found.find("svg")
    assert "Charts are not installed" in found.find("main")[0].text
    assert len(found.of_class("estimate")) > 12


def test_an_unknown_language_is_a_usage_error(dossier: Dossier) -> None:
    """The renderer refuses what it has no words for."""
    with pytest.raises(UsageError, match="no words for the language `xx`"):
        render(dossier, "xx")
