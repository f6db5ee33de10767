from __future__ import annotations

import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from weighbridge.dossier.compose import Dossier, compose
from weighbridge.dossier.markdown import escape, render

PARSER = MarkdownIt("commonmark").enable("table")
HOSTILE = (
    "<script>x</script> [a](https://evil.example) ![i](http://evil.example/i.png) www.evil.example"
    " | `b` **c** \n# d \u202e"
)


def _tokens(text: str) -> list[str]:
    """Return the kinds of all tokens that a CommonMark parser finds."""
    blocks = PARSER.parse(text)
    return [one.type for block in blocks for one in (block, *(block.children or ()))]


@pytest.mark.parametrize(
    "text",
    [HOSTILE, "- x", "+ x", "1. x", "1) x", "# x", "> x", "===", "---", "&lt;", "<http://e.example>", "a_b_c", "\\`x`"],
)
def test_text_of_strangers_stays_one_paragraph_of_text(text: str) -> None:
    """A CommonMark parser is the oracle: no markup comes of it."""
    assert set(_tokens(escape(text))) <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}


def test_nothing_is_linked_by_itself() -> None:
    """Platforms link bare addresses: none is left whole."""
    text = escape(HOSTILE)
    assert not re.search(r"(?<!\\)://", text)
    assert "www." not in text
    assert "⟨U+202E⟩" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_document_has_no_raw_html_and_even_tables(weighed: Any, language: str) -> None:
    """Hostile answers, names and reasons leave headings, tables and lists as they are."""
    card = weighed.card(licence=HOSTILE, tags=[HOSTILE, "|", "a|b"])
    rulings = [{**one, "because": HOSTILE, "would_change": HOSTILE} for one in weighed.rulings()]
    evidence = [weighed.files(), card, weighed.latency()]
    plain = render(compose(weighed.decision(), evidence), language).decode()
    hostile = render(compose(weighed.decision(rulings=rulings, conditions=[HOSTILE]), evidence), language).decode()
    kinds = _tokens(hostile)
    assert not {"html_block", "html_inline", "link_open", "image", "code_inline", "fence"} & set(kinds)
    for kind in ("heading_open", "table_open", "tr_open", "td_open", "th_open"):
        assert kinds.count(kind) == _tokens(plain).count(kind)


def test_the_document_leads_with_the_verdict(dossier: Dossier) -> None:
    """Verdict and tally stand under the title; every estimate has interval and count."""
    lines = render(dossier).decode().splitlines()
    assert lines[2] == "**Reject** — 4 of 9 rules met, 1 not met, 3 not known, 1 waived"
    assert "30.7% \\[23.8, 38.5\\], n = 150, 2 unscored" in "\n".join(lines)
    assert "**不采用**" in render(dossier, "zh").decode()


def test_each_measurement_says_how_it_was_made(dossier: Dossier) -> None:
    """Engine, prompt form, and the suite with its version stand under every title; a comparison has no engine."""
    lines = render(dossier).decode().splitlines()
    assert sum(line.startswith("  - Engine: llamacpp 2026.10.11549 · ") for line in lines) == 5
    assert sum(line.startswith("  - Prompt form: ") for line in lines) == 6
    assert sum(line.startswith("  - Suite: ") and " · version 1 · sha256:" in line for line in lines) == 6
    assert "| Elements by data type | F32 35,136; Q4\\_1 106,168,320; Q8\\_0 28,311,552 |" in lines


def test_a_pipe_does_not_end_a_cell() -> None:
    """Text with a pipe fills its own cell and pushes no other out of the row."""
    lines = ["| a | b |", "| --- | --- |", f"| {escape('x|y')} | {escape('z')} |"]
    inline = [token for token in PARSER.parse("\n".join(lines)) if token.type == "inline"]
    cells = ["".join(child.content for child in token.children or ()) for token in inline]
    assert cells == ["a", "b", "x|y", "z"]
