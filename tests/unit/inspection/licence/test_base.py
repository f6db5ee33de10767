"""The base of reference texts: every row holds, and a user may add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.identity import Verdict

if TYPE_CHECKING:
    from pathlib import Path

OWN = """House Licence 3

You may run the Widget on Tuesdays and on no other day of the week, and you must feed the cat of the licensor before
noon whenever you do so. Whoever forgets the cat loses all rights in the Widget until the cat has forgiven them, which
the licensor alone decides, in writing, on paper that is blue.
"""


def test_every_text_is_found_by_its_own_words() -> None:
    """The samples that ship belong to the texts that ship: none is stale, whatever reads words today."""
    base = load_base()
    plain = [known for known in base.references.values() if not known.is_hashed]
    found = [base.exactly(known.words.tokens) for known in plain]
    stale = [known.key for known, same in zip(plain, found, strict=True) if same is None]
    assert stale == []


def test_a_user_adds_a_licence(tmp_path: Path) -> None:
    """A folder of the same shape makes its licence known, and changes of it are seen."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/house-3.txt").write_text(OWN, "utf-8")
    row = '[[licence]]\nid = "house-3"\nname = "House Licence 3"\n\n[[licence.texts]]\nfile = "house-3.txt"\n'
    (tmp_path / "index.toml").write_text(row, "utf-8")
    base = load_base(tmp_path)
    assert identify(OWN).verdict is Verdict.UNKNOWN
    assert identify(OWN.upper(), base).licence_id == "house-3"
    assert identify(OWN.replace("no other", "any other"), base).verdict is Verdict.ALTERED
