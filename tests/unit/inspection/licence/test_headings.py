from __future__ import annotations

import pytest

from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.diff import text_of
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.identity import DifferenceKind, Verdict

_MIT_BODY = "Copyright (c) 2025 Example\n\nPermission is hereby granted"


def _under(heading: str, licence_id: str) -> str:
    text = text_of(licence_id, load_base())
    assert text is not None
    if licence_id == "mit":
        text = _MIT_BODY + text.partition("Permission is hereby granted")[2]
    return f"{heading}\n\n{text}"


@pytest.mark.parametrize(
    ("heading", "licence_id"),
    [
        ("MIT License", "apache-2.0"),
        ("# The MIT License (MIT)", "apache-2.0"),
        ("License: MIT", "apache-2.0"),
        ("MIT-Lizenz", "apache-2.0"),
        ("Apache License", "mit"),
        ("Apache License 2.0", "mit"),
        ("BSD 3-Clause License", "mit"),
        ("GNU General Public License v3.0", "mit"),
        ("Llama 3.1 Community License Agreement", "apache-2.0"),
    ],
)
def test_a_heading_that_names_another_licence_is_material(heading: str, licence_id: str) -> None:
    """Whoever files the text by its heading files it wrongly: it is named, never passed over as a heading."""
    identity = identify(_under(heading, licence_id))
    assert (identity.verdict, identity.licence_id, identity.nearest) == (Verdict.ALTERED, None, licence_id)
    titles = [one for one in identity.material if one.kind is DifferenceKind.TITLE]
    assert [title.place for title in titles] == [1] * len(titles)
    assert titles[-1].text in heading


@pytest.mark.parametrize(
    ("heading", "licence_id"),
    [
        ("Example Project", "apache-2.0"),
        ("Apache License", "apache-2.0"),
        ("Licencia Apache 2.0", "apache-2.0"),
        ("License", "apache-2.0"),
        ("MIT License", "mit"),
        ("Licence MIT", "mit"),
        ("Example Model License", "mit"),
        ("This project is free software", "mit"),
    ],
)
def test_a_heading_that_names_no_other_licence_is_none(heading: str, licence_id: str) -> None:
    """A project's name, the licence's own name in any language, no name at all."""
    identity = identify(_under(heading, licence_id))
    assert (identity.verdict, identity.licence_id) == (Verdict.IS, licence_id)


def test_a_licence_that_bears_the_heading_of_another_keeps_it() -> None:
    """MiniMax M2's modified licence is headed "MIT License"; the base holds it so."""
    text = text_of("minimax-m2-modified-mit", load_base())
    if text is None or not text.startswith("MIT License"):
        pytest.skip("the base ships no such text")
    assert identify(text).licence_id == "minimax-m2-modified-mit"
