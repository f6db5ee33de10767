"""Hostile chat templates and Python: an answer or a refusal, in time, whatever is written."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import DamagedFile
from weighbridge.formats.chat_template import MAX_CHARACTERS, parse_template
from weighbridge.formats.embedded import embedded_in_text
from weighbridge.inspection.code.source import read_source
from weighbridge.inspection.templates.capabilities import capabilities_of
from weighbridge.inspection.templates.hidden import hidden_in
from weighbridge.inspection.templates.instructions import covert_words
from weighbridge.inspection.templates.known import nearest, pieces_of
from weighbridge.inspection.templates.triggers import literals_of, replacements_of, triggers_of

PIECES = [
    "{% for m in messages %}", "{% endfor %}", "{% if m.role == 'user' %}", "{% else %}", "{% endif %}",
    "{{ m.content }}",
    "{{ '__cla' ~ 'ss__' }}", "{{ x|attr('a') }}", "{% set a = 'b' %}", "{% macro f(a) %}", "{% endmacro %}",
    "{{ f(1) }}",
    "{{ 'a' * 9 ** 9 }}", "{{ a[::-1] }}", "{{ '%s' % a }}", "{{ a['b'] }}", "{# note #}", "text", "{% generation %}",
    "{% endgeneration %}", "{% break %}", "{{ -1 }}", "{{ range(3)|list }}", "\u200b", "{{ {'a': [1, (2,)]} }}", "{{",
]  # fmt: skip


def _read_all(text: str) -> None:
    """Apply every reader of templates."""
    hidden_in(text)
    covert_words(text)
    nearest(text)
    with suppress(DamagedFile, RecursionError):
        tree = parse_template(text)
        capabilities_of(tree)
        triggers_of(tree)
        replacements_of(tree)
        literals_of(list(tree.body))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=25).map("".join))
def test_no_template_breaks_a_reader(text: str) -> None:
    """Sound and broken ones."""
    _read_all(text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from([" ", "\n", "{# x #}"]))
def test_blanks_and_comments_between_pieces_are_no_difference(text: str, between: str) -> None:
    """The normal form of a template, where its lexer takes it."""
    same = text.replace("{% for", between + "{% for")
    if pieces_of(text) and "{{" not in text.replace("{{ ", ""):
        assert [piece.text for piece in pieces_of(same)] == [piece.text for piece in pieces_of(text)]


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 100_000 + " }}",
        "{% if a %}" * 20_000,
        "{{ " + " ~ ".join(["'a'"] * 30_000) + " }}",
        "{{ " + " + ".join(["'a'"] * 30_000) + " }}",
        "{{ a" + ".b" * 60_000 + " }}",
        "{{ '" + "always never tell ignore all previous " * 6_000 + "' }}",
        "<" * 250_000,
        "{% set a = a ~ a %}" * 12_000,
        "\u200b" * 200_000,
        "a" * MAX_CHARACTERS,
        "A" * 200_000 + "=" * 1000,
        "if user " * 30_000,
    ],
    ids=lambda text: text[:24],
)
def test_no_template_takes_long(text: str) -> None:
    """The longest that are read, made to be slow: within some seconds of processor time on this machine."""
    start = time.process_time()
    _read_all(text)
    embedded_in_text(text)
    with suppress(DamagedFile):
        read_source(text)
    assert time.process_time() - start < 15
