"""Words of licence texts compare equal when only their dress differs, and keep their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.inspection.licence.compare.align import align
from weighbridge.inspection.licence.compare.slips import are_one_word
from weighbridge.inspection.licence.words.tokens import read_words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Licensor\u2019s \u201cWork\u201d", ["licensor", "work"]),
        ("NON\u2011COMMERCIAL use", ["non", "commercial", "use"]),
        ("more than 1,000,000 users", ["more", "than", "1000000", "users"]),
        ("<p>the &quot;Software&quot;</p><script>evil()</script>", ["the", "software"]),
        ("不得用于", ["不", "得", "用", "于"]),
        ("ＦＵＬＬ width", ["full", "width"]),  # noqa: RUF001 - that is the point
        ("soft\u00adware z\u200bero", ["software", "zero"]),
        ("permis-\nsion is granted", ["permission", "is", "granted"]),
        ("see https://www.example.org/a/.", ["see", "example.org/a"]),
        ("the licence", ["the", "license"]),
    ],
)
def test_dress_does_not_count(text: str, tokens: list[str]) -> None:
    """Case, quotes, dashes, mark-up, widths, hyphens at line ends and spelling make no other word."""
    assert read_words(text).tokens == tokens


def test_a_column_of_line_numbers_is_taken_off() -> None:
    """A listing with numbered lines reads as the text."""
    lines = [f"word{letter} number {letter}" for letter in "abcdefgh"]
    numbered = "\n".join(f"{at:3d} {line}" for at, line in enumerate(lines, 1))
    assert read_words(numbered).tokens == read_words("\n".join(lines)).tokens


def test_words_know_their_lines() -> None:
    """Mark-up of several lines that is taken off does not move what follows."""
    words = read_words("<html>\n<style>\na\nb\n</style>\n<p>hello</p>\n</html>")
    assert (words.tokens, words.line(0)) == (["hello"], 6)


@pytest.mark.parametrize(("slip", "meant"), [("betwecn", "between"), ("a11", "all"), ("terrns", "terms"), ("0f", "of")])
def test_slips_of_recognition_are_the_word(slip: str, meant: str) -> None:
    """A wrong letter that makes no word of licences is a slip."""
    assert are_one_word([slip], [meant])


@pytest.mark.parametrize(
    ("one", "other"),
    [("not", "now"), ("may", "way"), ("million", "billion"), ("7", "70"), ("Iran", "Iraq"), ("now", "not")],
)
def test_another_word_is_no_slip(one: str, other: str) -> None:
    """Words that exist, numbers and places are never taken for slips."""
    assert not are_one_word([one.lower()], [other.lower()])


@given(st.lists(st.sampled_from("abcdefg"), max_size=80), st.lists(st.sampled_from("abcdefg"), max_size=80))
def test_the_gaps_of_an_alignment_account_for_every_word(text: list[str], reference: list[str]) -> None:
    """Between the gaps both sides are equal, word for word, and the gaps rise on both sides."""
    at = ref_at = 0
    for gap in align(text, reference):
        assert text[at : gap.first] == reference[ref_at : gap.ref_first]
        assert gap.first <= gap.last
        assert gap.ref_first <= gap.ref_last
        at, ref_at = gap.last, gap.ref_last
    assert text[at:] == reference[ref_at:]


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    """No characters make the reader fail, and every word stands where it says."""
    words = read_words(text)
    assert all(words.raw(at) for at in range(len(words.tokens)))
