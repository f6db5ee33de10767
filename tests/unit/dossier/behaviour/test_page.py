# ruff: noqa: RUF001 - Chinese pages have Chinese punctuation
"""Behaviour by language on a page of its own and in the dossier: every fact is there, and nothing else gets out."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.dossier import html, markdown
from weighbridge.dossier.behaviour.notes import told
from weighbridge.dossier.behaviour.page import Told, behaviour_page
from weighbridge.dossier.compose import compose
from weighbridge.dossier.document import as_document
from weighbridge.dossier.locale import load_locale
from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.hijack.report import _NOTES as HIJACK_NOTES
from weighbridge.evaluation.behaviour.hijack.report import _UNABLE as UNABLE
from weighbridge.evaluation.behaviour.jailbreak.report import _NOTES as JAILBREAK_NOTES

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHTS = digest_of("weights")
KINDS = ("behaviour-comparison/v1", "behaviour/v2")


def _told(found: Any, *kinds: str) -> list[Told]:
    return [Told(kind, found.by_kind[kind], "cand-7b", WEIGHTS, "2026-11-22", digest_of(kind)) for kind in kinds]


def _plain(page: bytes) -> str:
    """Return text with hard spaces as spaces, and without Markdown's escapes."""
    return page.decode().replace("\u00a0", " ").replace("\\", "")


@pytest.mark.parametrize("form", [".html", ".md"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_of_rates_says_how_sure_every_figure_is(bodies: Any, form: str, language: str) -> None:
    """8 of 8 refused is 100.0% [67.6, 100.0] by Wilson, 8 of 16 50.0% [28.0, 72.0]; harmful and other items not pooled.

    A language without a measured detector has counts.
    """
    text = _plain(behaviour_page(_told(bodies(), "behaviour/v2"), form, language))
    for figure in ("100.0% [67.6, 100.0], n = 8", "50.0% [28.0, 72.0], n = 16", "0.0% [0.0, 19.4], n = 16"):
        assert figure in text, figure
    assert (
        "0 of 16 by rules that nobody has measured" if language == "en" else "0 / 共 16（判定规则未经测量）"
    ) in text
    assert ("not measured" if language == "en" else "未测量") in text
    assert re.search("never measured in xx" if language == "en" else "从未在以下语言中测量.xx", text)


@pytest.mark.parametrize("form", [".html", ".md"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_asked_of_what_is_told(bodies: Any, form: str, language: str) -> None:
    """Weights digest, engine and host, bank and licence, sampling, cost, tokens, day, notes, and the evidence's id."""
    text = _plain(behaviour_page(_told(bodies(), "behaviour/v2"), form, language))
    for fact in (WEIGHTS, "openai 1.0", "http://127.0.0.1:9/v1", "matched", "CC0-1.0", "greedy, 3 draws", "0.25 USD",
                 "4,321", "2026-11-22", "5 of 72 answers were cut", digest_of("behaviour/v2")):  # fmt: skip
        assert fact in text, fact


@pytest.mark.parametrize("form", [".html", ".md"])
def test_no_page_without_its_caveats(bodies: Any, form: str) -> None:
    """Not a comprehensive assessment, chosen items, an erring detector, one host on one day."""
    for kind in KINDS:
        text = _plain(behaviour_page(_told(bodies(), kind), form))
        for words in ("not a comprehensive security assessment", "items were chosen by people", "told by a program",
                      "on one host, on 2026-11-22" if "comparison" in kind else "One host, on 2026-11-22"):  # fmt: skip
            assert words in text, (kind, words)


def test_strangers_text_stays_text(bodies: Any, outline: Any) -> None:
    """Hostile answers and names: no script, no link, no hidden character, and the text can still be read."""
    page = behaviour_page(_told(bodies(), *KINDS), ".html")
    found = outline(page)
    assert not found.find("script", "img", "iframe", "object", "form", "base")
    assert [one.attributes["href"] for one in found.find("a")] == ["#main"]
    text = page.decode()
    assert "&lt;script&gt;" in text
    assert "⟨U+202E⟩" in text
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf"} and c not in "\n\t"]
    written = behaviour_page(_told(bodies(), *KINDS), ".md").decode()
    assert "<script>" not in written.replace("\\<", "")
    assert not re.search(r"(?<!\\)\]\(|(?<!\\)`|https:", written)


def test_a_huge_answer_makes_no_huge_page(bodies: Any) -> None:
    """A body that somebody else wrote may hold megabytes: a megabyte an answer is cut."""
    found = bodies(said="x")
    pair = found.beside["pairs"][0] | {"candidate_said": "y" * 1_000_000, "question": "z" * 1_000_000}
    found.beside["pairs"] = [pair] * 3
    for form in (".html", ".md"):
        assert len(behaviour_page(_told(found, "behaviour-comparison/v1"), form)) < 120_000


def test_the_answers_stand_side_by_side(bodies: Any, outline: Any) -> None:
    """Each of the 8 questions on which the two differ: question, both behaviours with flags, both answers."""
    found = outline(behaviour_page(_told(bodies(said="plain words"), "behaviour-comparison/v1"), ".html"))
    rows = [one for one in found.find("tr") if "What of cn-" in one.text]
    assert len(rows) == 8
    assert re.fullmatch(
        r"What of cn-0\?courts · politically sensitive questions cn-0 · zh-Hans"
        r"refusal; canned sentenceplain wordscompliance; canned sentenceplain words",
        rows[0].text,
    )


def test_a_page_can_be_read_aloud(bodies: Any, outline: Any) -> None:
    """No skipped heading, headers with scope, and the language of every question and answer is named."""
    found = outline(behaviour_page(_told(bodies(), *KINDS), ".html", "zh"))
    levels = [int(one.tag[1]) for one in found.find("h1", "h2", "h3", "h4")]
    assert levels == [1, 2, 3, 2, 3]
    assert all(one.attributes.get("scope") in {"col", "row"} for one in found.find("th"))
    assert {one.attributes["lang"] for one in found.find("bdi") if "lang" in one.attributes} == {"zh-Hans", "en", "xx"}


def test_the_same_statements_give_the_same_bytes(bodies: Any) -> None:
    """A page can be compared with one that was made before."""
    assert behaviour_page(_told(bodies(), *KINDS), ".html") == behaviour_page(_told(bodies(), *KINDS), ".html")


def test_an_unknown_language_is_refused(bodies: Any) -> None:
    """There are words for English and Chinese."""
    with pytest.raises(UsageError, match="no words for the language `xx`"):
        behaviour_page(_told(bodies(), *KINDS), ".html", "xx")


def test_a_kind_without_a_section_is_refused(weighed: Any) -> None:
    """A score is read in a dossier; a report of behaviour says what it shows."""
    score = Told("score/v1", weighed.score("knowledge-en", "en", 3, 10).body, "cand-7b", WEIGHTS, "2026-11-22")
    with pytest.raises(UsageError, match="no section for `score/v1`"):
        behaviour_page([score], ".html")


@pytest.mark.parametrize("render", [html.render, markdown.render])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_dossier_shows_what_the_page_shows(
    bodies: Any, weighed: Any, render: Callable[..., bytes], language: str
) -> None:
    """A decision about a model with such evidence: rates, headline, heat map and answers are in the same document."""
    found = bodies()
    evidence = [weighed.stated(kind, found.by_kind[kind]) for kind in KINDS]
    text = _plain(render(compose(weighed.decision(), evidence), language))
    for fact in ("100.0% [67.6, 100.0], n = 8", "+100.0", "base-7b", "What of cn-0?", "http://127.0.0.1:9/v1"):
        assert fact in text, fact
    assert ("is asserted, not proven" if language == "en" else "http://127.0.0.1:9/v1") in text


def test_the_twin_says_how_sure_the_headline_is(bodies: Any, weighed: Any) -> None:
    """For machines: which contrast comes first, and its standing; null where there is none."""
    found = bodies()
    statements = [weighed.stated("behaviour/v2", one) for one in (found.alone, found.alone | {"headline": None})]
    twin = as_document(compose(weighed.decision(), statements))["headlines"]
    name = "difference-in-differences/sensitive-CN/zh-Hans/avoided"
    assert twin == {statements[0].id: {"contrast": name, "standing": "shown"}, statements[1].id: None}


def test_the_dossier_counts_what_was_looked_at(bodies: Any, weighed: Any) -> None:
    """144 answers with the repeated draws; 8 questions that differ."""
    found = bodies()
    dossier = compose(weighed.decision(), [weighed.stated(kind, found.by_kind[kind]) for kind in KINDS])
    looks = {look.area: look for look in dossier.looks}
    assert (looks["bylanguage"].looked, looks["bylanguage"].left) == (144, 0)
    assert (looks["beside"].looked, looks["beside"].found) == (1, 8)
    assert looks["load"].looked == 0


def test_imported_answers_have_no_engine_and_say_so(bodies: Any, weighed: Any) -> None:
    """Nobody saw the host: the page says where the answers come from, and the dossier has a name all the same."""
    found = bodies()
    found.alone.update(engine=None, calls=None, origin="answers.jsonl")
    text = _plain(behaviour_page(_told(found, "behaviour/v2"), ".md"))
    assert "which model, host and settings gave them was not seen" in text
    assert "One host" not in text
    assert compose(weighed.decision(), [weighed.stated("behaviour/v2", found.alone)]).name


def test_the_digest_of_a_file_is_not_called_that_of_weights(bodies: Any) -> None:
    """What was imported has the digest of its file; what was asked has that of weights or endpoint."""
    found = bodies()
    assert "Digest of the weights or endpoint" in _plain(behaviour_page(_told(found, "behaviour/v2"), ".md"))
    found.alone.update(engine=None, calls=None, origin="answers.jsonl")
    text = _plain(behaviour_page(_told(found, "behaviour/v2"), ".md"))
    assert "Digest of the file of answers" in text
    assert "weights or endpoint" not in text


def test_models_of_one_name_have_two_headings(bodies: Any) -> None:
    """Their digests tell them apart, and the comparison names their sides."""
    found = bodies(said="")
    found.beside["candidate_name"] = "base-7b"
    statements = [
        Told("behaviour-comparison/v1", found.beside, "base-7b · base-7b", WEIGHTS, "2026-11-22"),
        Told("behaviour/v2", found.alone, "base-7b", WEIGHTS, "2026-11-22"),
        Told("behaviour/v2", found.alone, "base-7b", digest_of("other"), "2026-11-22"),
    ]
    text = _plain(behaviour_page(statements, ".md"))
    headings = [one for one in text.splitlines() if one.startswith("## ")]
    assert len(set(headings)) == 3
    assert headings[0] == "## base-7b (candidate) · base-7b (baseline)"


def test_hosts_are_first_and_second_throughout(bodies: Any) -> None:
    """On a service no candidate and no baseline is spoken of."""
    found = bodies(said="")
    found.beside["relation"] = "service"
    text = _plain(behaviour_page(_told(found, "behaviour-comparison/v1"), ".md"))
    assert "first host less second host" in text
    assert "candidate" not in text
    assert "baseline" not in text


def test_a_gap_within_the_margin_is_told_in_points(bodies: Any) -> None:
    """10 points are not 10 percent; what is not shown either way says so."""
    text = _plain(behaviour_page(_told(bodies(), "behaviour/v2"), ".md"))
    assert "within 10 points is shown" in text
    assert "within 10%" not in text


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            "5 of 72 answers were cut by the token budget; what is visible was judged",
            "72 个回答中有 5 个因词元预算被截断",
        ),
        (
            "one judge decided 3 of 9 answers that the detector was unsure of; its recall is not theirs",
            "9 个回答中，3 个",
        ),
        ("3 of 9 items were asked", "共 9 题，提问了 3 题"),
        ("3 of 9 items were asked twice", "3 of 9 items were asked twice（英文原文）"),
        ("{cut} of {0} {text}", "{cut} of {0} {text}（英文原文）"),
    ],
)
def test_notes_are_told_in_the_language_of_the_page(note: str, said: str) -> None:
    """With their figures; a note that nobody has words for is marked as English, and is never read as a template."""
    assert said in told(note, load_locale("zh"))
    assert told(note, load_locale("en")) == note


def test_the_notes_that_evidence_holds_have_words() -> None:
    """Those of attacks and of imported answers, word by word as they are stored."""
    for note in (*HIJACK_NOTES, UNABLE.format(language="en"), *JAILBREAK_NOTES):
        assert "英文原文" not in told(note, load_locale("zh")), note


def test_a_page_is_called_after_what_it_shows(bodies: Any) -> None:
    """A page without behaviour by language is not titled so."""
    comparison = behaviour_page(_told(bodies(said=""), "behaviour-comparison/v1"), ".md").decode()
    assert comparison.startswith("# Behaviour beside another: ")
