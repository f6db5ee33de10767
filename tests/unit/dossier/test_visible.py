from __future__ import annotations

import unicodedata

import pytest

from weighbridge.dossier.visible import cut, reveal, single_line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("gpj\u202e.exe", "gpj⟨U+202E⟩.exe"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("x\x00y\r", "x⟨U+0000⟩y⟨U+000D⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("g\U000e0101", "g⟨U+E0101⟩"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
    ],
)
def test_hidden_characters_are_spelled_out(hostile: str, shown: str) -> None:
    """Direction overrides, zero-width, control and smuggling characters can be seen."""
    assert reveal(hostile) == shown


def test_ordinary_text_of_any_script_stays() -> None:
    """Chinese, Arabic, Hindi, emoji, new lines and tabs are not touched."""
    text = "模型 نموذج मॉडल 🚀 é\n\tend"
    assert reveal(text) == text


def test_nothing_that_unicode_calls_control_or_format_survives() -> None:
    """The Unicode database is the oracle: no Cc, Cf, Cs, Zl or Zp is left but new line and tab."""
    everything = "".join(map(chr, range(0x110000)))
    left = {c for c in reveal(everything) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert left == {"\n", "\t"}


def test_what_is_cut_is_counted() -> None:
    """A reader learns how much is missing."""
    assert cut("x" * 12, 10) == "x" * 10 + "… (+2)"
    assert cut("x" * 10, 10) == "x" * 10


def test_a_single_line_is_one() -> None:
    """Every kind of line end goes."""
    assert "\n" not in single_line("a\nb\r\nc\u2028d")
