"""The knowledge base of terms: whole, quoted, and open to a user's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds.licence import GateBody
from weighbridge.errors import UsageError
from weighbridge.inspection.licence.answer.use import FIELDS
from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.readout import plain_letters
from weighbridge.inspection.licence.terms import COLUMNS, known, licence_of

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
name = "Our licence"
licensor = "Us"
verified_on = "2026-11-22"
source = "here"
{more}
"""
FIRST_WORDS = {
    "commercial_use": ("yes", "conditional", "no", "silent", "policy"),
    "outputs_train_other_models": ("allowed", "forbidden", "restricted", "silent", ""),
    "hosting_as_service": ("allowed", "conditional", "forbidden", "counts as", "silent", ""),
}


@pytest.mark.parametrize("licence_id", known())
def test_every_licence_answers_every_term(licence_id: str) -> None:
    """No column is left out; the first words are the fixed ones; figures and duties have the clause behind them."""
    licence = licence_of(licence_id)
    assert licence is not None
    assert set(licence.terms) == set(COLUMNS)
    for column, words in FIRST_WORDS.items():
        assert str(licence.terms[column].value).startswith(words)
    for column in ("mau_threshold", "revenue_threshold", "display_duty"):
        term = licence.terms[column]
        if term.value and not term.value.startswith(("none", "as ")):
            assert term.quotes, column


@pytest.mark.parametrize("licence_id", known())
def test_every_clause_that_stops_a_use_is_quoted(licence_id: str) -> None:
    """Forbidden, or a licence to get: never without the words and the number of the clause; fields are known ones."""
    licence = licence_of(licence_id)
    assert licence is not None
    for gate in licence.gates:
        assert set(gate.when.fields) <= set(FIELDS)
        assert gate.term in COLUMNS
        if gate.effect in {"forbidden", "needs-licence"}:
            assert gate.clause
            assert gate.quote
            assert gate.licensor


def test_thresholds_differ_in_subject_measure_moment_and_amount() -> None:
    """Llama counts the group once at release, Kimi the product always, Stability revenue from US$1M."""
    found = {}
    for licence_id in ("llama-3.3", "moonshot-modified-mit", "stability-community-2024", "tencent-hunyuan-3d-2.0"):
        licence = licence_of(licence_id)
        assert licence is not None
        gate = next(gate for gate in licence.gates if gate.when.above)
        one = gate.when.above[0]
        found[licence_id] = (gate.effect, one.subject, one.measure, one.moment, one.amount)
    assert found == {
        "llama-3.3": ("needs-licence", "group", "monthly users", "at release", 700e6),
        "moonshot-modified-mit": ("duty", "product", "monthly users", "ongoing", 100e6),
        "stability-community-2024": ("needs-licence", "group", "annual revenue", "ongoing", 1e6),
        "tencent-hunyuan-3d-2.0": ("needs-licence", "group", "monthly users", "at release", 1e6),
    }


def test_a_user_adds_a_licence_and_a_variant_of_one(tmp_path: Path) -> None:
    """A file of one's own comes first; `like` takes over what it does not say, under the new name."""
    (tmp_path / "ours.toml").write_text(OWN.format(more='like = "mit"\n[terms.display_duty]\nvalue = "a logo"'))
    licence = licence_of("ours", tmp_path)
    assert licence is not None
    assert licence.terms["display_duty"].value == "a logo"
    assert licence.terms["commercial_use"].value == "yes"
    assert licence.terms["commercial_use"].licence == "ours"
    assert [gate.licence for gate in licence.gates] == ["ours"]
    assert "ours" in known(tmp_path)
    assert licence_of("ours") is None


@pytest.mark.parametrize(
    "more",
    ["[terms.no_such_term]\nvalue = 1", '[terms.no_such_term]\nvalue = "x"', 'like = "nobody"', "= 1", 'colour = "red"',
     '[[gates]]\nterm = "patent"\neffect = "perhaps"\nsays = "x"'],
)  # fmt: skip
def test_a_file_that_cannot_be_followed_is_refused(more: str, tmp_path: Path) -> None:
    """A slip in a user's file is an error with the file's name, never a silent gap."""
    (tmp_path / "ours.toml").write_text(OWN.format(more=more))
    with pytest.raises(UsageError, match=r"ours\.toml"):
        licence_of("ours", tmp_path)


@pytest.mark.parametrize("licence_id", ["../mit", "", "no-such-licence", "a" * 200, "mit.toml/"])
def test_what_is_not_in_the_base_is_none(licence_id: str) -> None:
    """An unknown or hostile id has no terms, and reaches no other file."""
    assert licence_of(licence_id) is None


def test_a_gate_says_what_it_asks() -> None:
    """A condition with nothing in it always holds."""
    assert not GateBody(term="patent", effect="ask", says="x").when.model_dump(exclude_defaults=True)


TEXTS: dict[str, list[str]] = {}
for _one in load_base().references.values():
    if not _one.is_hashed and licence_of(_one.licence_id):
        TEXTS.setdefault(_one.licence_id, []).append(plain_letters(_one.read()))


@pytest.mark.parametrize("licence_id", sorted(TEXTS))
def test_every_quotation_is_verbatim(licence_id: str) -> None:
    """The words stand in a text of the base that bears the licence's name, up to wrapping and mark-up."""
    licence = licence_of(licence_id)
    assert licence is not None
    quotes = [plain_letters(quote) for term in licence.terms.values() for quote in term.quotes]
    assert [quote for quote in quotes if not any(quote in text for text in TEXTS[licence_id])] == []
