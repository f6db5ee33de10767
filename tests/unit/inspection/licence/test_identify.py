"""Licence texts are named only where every term is the reference's own."""

from __future__ import annotations

import re

import pytest

from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.identity import DifferenceKind, Verdict

NOTICE = "Copyright (c) 2025 Example Labs\n\n"

INVENTED = """NVIDIA Open Model License Agreement - Version 1.0

1. Grant. NVIDIA grants you a worldwide licence to use, copy and modify the Model for commercial and other purposes.

2. Redistribution. You may hand on the model if you include this licence.

3. Ending. Rights end when a guardrail is weakened.
"""


def text_of(licence_id: str) -> str:
    """Return the first text that the base holds of a licence."""
    return next(known.read() for known in load_base().references.values() if known.licence_id == licence_id)


@pytest.fixture(scope="module")
def mit() -> str:
    """MIT with a holder filled in, as repositories carry it."""
    return text_of("mit").replace("<year> <copyright holders>", "2025 Example Labs")


@pytest.fixture(scope="module")
def apache() -> str:
    """Apache 2.0 in full."""
    return text_of("apache-2.0")


@pytest.mark.parametrize(
    "duty",
    [
        'Our only modification is that you shall prominently display "Foo 1" on the user interface of your product.',
        "The Software shall be used for Good, not Evil.",
        "The Software may not be used for military purposes.",
        "NUR FÜR NICHT-KOMMERZIELLE NUTZUNG",
        "本软件仅供学术研究使用。",
        '"Commons Clause" License Condition v1.0. The License does not grant to you the right to Sell the Software.',
    ],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_an_added_duty_takes_the_name_away(mit: str, duty: str, place: str) -> None:
    """MIT and one more duty is no MIT: the duty is quoted, and no name is given."""
    found = identify(f"{duty}\n\n{mit}" if place == "before" else f"{mit}\n\n{duty}\n")
    assert found.verdict is Verdict.RIDER
    assert found.licence_id is None
    assert found.nearest == "mit"
    assert any(one.text[:20] in duty for one in found.material)


def test_a_duty_inside_the_text_alters_it(mit: str) -> None:
    """A condition put between the paragraphs is quoted as added."""
    inside = mit.replace("conditions:", "conditions:\n\nYou may not use the Software in the territory of Utopia.")
    found = identify(inside)
    assert (found.verdict, found.licence_id, found.nearest) == (Verdict.ALTERED, None, "mit")
    assert "Utopia" in found.material[0].text


def test_a_disclaimer_leaves_the_name(apache: str) -> None:
    """Apache with a BSD-style disclaimer below binds nobody to more: a rider that keeps the name."""
    disclaimer = 'THIS SOFTWARE IS PROVIDED "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES ARE DISCLAIMED.'
    found = identify(f"{apache}\n\n{disclaimer}\n")
    assert (found.verdict, found.licence_id) == (Verdict.RIDER, "apache-2.0")


def test_several_licences_are_told_apart(mit: str, apache: str) -> None:
    """Code and model licence in one file: both are named, with their lines, and the file has no one name."""
    found = identify(f"{mit}\n\n------\n\n{apache}")
    assert found.verdict is Verdict.SEVERAL
    assert found.licence_id is None
    assert [part.licence_id for part in found.parts] == ["mit", "apache-2.0"]
    assert found.parts[0].last_line < found.parts[1].first_line


def test_a_text_cut_in_mid_sentence_is_truncated(apache: str) -> None:
    """A vendor's page that stops within section 2 is named, and what is missing is shown."""
    found = identify(apache[: len(apache) // 3].rstrip(" .;\n"))
    assert (found.verdict, found.licence_id) == (Verdict.TRUNCATED, "apache-2.0")
    assert found.material[0].kind is DifferenceKind.MISSING


@pytest.mark.parametrize(
    ("licence_id", "old", "new", "kind"),
    [
        ("llama-3.1", "700 million", "7 million", DifferenceKind.NUMBER),
        ("llama-3.3", "greater than 700", "greater than 70", DifferenceKind.NUMBER),
        ("openmdw-1.0", "does not impose", "does impose", DifferenceKind.NEGATION),
        ("tencent-hunyuan-community-eu-uk-kr", "United Kingdom and South", "United Kingdom, Japan and South",
         DifferenceKind.TERRITORY),
        ("mit", "above copyright notice and this permission notice shall", "above copyright notice may",
         DifferenceKind.NUMBER),
        ("cc-by-nc-4.0", "NonCommercial purposes only", "commercial purposes only", DifferenceKind.COMMERCIAL),
    ],
)  # fmt: skip
def test_one_changed_word_is_seen(licence_id: str, old: str, new: str, kind: DifferenceKind) -> None:
    """Texts more than 98% alike whose terms differ: never the plain name, and the words are shown."""
    text = text_of(licence_id)
    assert old in text
    found = identify(text.replace(old, new))
    assert found.licence_id is None
    assert found.nearest == licence_id
    if licence_id != "mit":
        assert kind in {one.kind for one in found.material}
    assert any(new.rsplit(maxsplit=1)[-1] in one.text for one in found.material)


@pytest.mark.parametrize(
    ("text", "licence_id", "nearest"),
    [
        ("Please refer to license: https://github.com/facebookresearch/llama/blob/main/LICENSE", "llama-2", "llama-2"),
        ("MIT License\n\nCopyright (c) 2025 Example Labs", "mit", "mit"),
        ("---\ntitle: gemma terms of use\n---\n\nPlease refer to the official licence documentation.", None, "gemma"),
        ("The code is licensed under Apache-2.0, while the model weights need a form.", None, "apache-2.0"),
        ("Released under [CC BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/).", "cc-by-nc-4.0",
         "cc-by-nc-4.0"),
    ],
)  # fmt: skip
def test_pointers_are_no_licence_text(text: str, licence_id: str | None, nearest: str) -> None:
    """A sentence or address that points elsewhere: named only where all of it goes to one known licence."""
    found = identify(text)
    assert (found.verdict, found.licence_id, found.nearest) == (Verdict.POINTER, licence_id, nearest)


def test_a_licence_that_is_denied_is_not_named() -> None:
    """The words "not licensed under" before a name are no pointer."""
    found = identify("Not licensed under the MIT License.")
    assert (found.verdict, found.licence_id) == (Verdict.UNKNOWN, None)


def test_two_licences_pointed_to_give_no_name() -> None:
    """A card that names Apache and a community licence is filed under neither."""
    card = "本项目需要遵循 [Apache 2.0](https://x.example/L) 和《Baichuan 2 模型社区许可协议》。"
    found = identify(card)
    assert (found.verdict, found.licence_id) == (Verdict.POINTER, None)
    assert [part.nearest for part in found.parts] == ["apache-2.0", "baichuan-2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00\x01\x02" * 5000,
        "The quick brown fox jumps over the lazy dog. " * 200,
        INVENTED,
        "Copyright (c) 2025 Example Labs. All rights reserved. No part may be reproduced.",
    ],
)
def test_what_is_no_known_licence_is_unknown(text: str) -> None:
    """Nothing, noise, prose, and an invented text under a real title get no name."""
    found = identify(text)
    assert (found.verdict, found.licence_id) == (Verdict.UNKNOWN, None)


def test_words_in_another_order_are_not_the_licence(apache: str) -> None:
    """All the words of Apache in reverse order share no run of words with it."""
    assert identify(" ".join(reversed(apache.split()))).licence_id is None


@pytest.mark.parametrize(
    ("left_out", "near"),
    [
        ("moonshot-modified-mit", "mit"),
        ("llama-3.2", "llama-3"),
        ("gml-attribution-nc", "gml-attribution"),
        ("gemma-2024-02-21", "gemma-2024-04-01"),
        ("tencent-hunyuan-community-eu", "tencent-hunyuan"),
    ],
)
def test_a_licence_that_the_base_lacks_gets_no_other_name(left_out: str, near: str) -> None:
    """Near twins with other terms (a display duty, a territory, commercial use) do not stand in for one another."""
    found = identify(text_of(left_out), load_base().without(left_out))
    assert found.licence_id is None
    assert (found.nearest or "").startswith(near)
    assert found.material


def test_the_same_terms_of_another_date_are_a_revision() -> None:
    """Hunyuan's text under another model's name and date: same licence, and the date is told."""
    text = text_of("tencent-hunyuan-community-eu-uk-kr")
    text = text.replace("Tencent Hunyuan A13B", "Tencent HunyuanVideo").replace("June 27, 2025", "December 3, 2024")
    found = identify(text)
    assert (found.verdict, found.licence_id) == (Verdict.REVISION, "tencent-hunyuan-community-eu-uk-kr")
    assert "December 3" in (found.revision or "")
    assert not found.material


@pytest.mark.parametrize("title", ["The MIT License (MIT)\n\n", "", "# MIT License\n\n"])
@pytest.mark.parametrize(
    "notice", [NOTICE, "Copyright 2010, 2012-2024 A. Person <a@b.example> and contributors\n\n", ""]
)
def test_titles_and_notices_touch_no_term(mit: str, title: str, notice: str) -> None:
    """Any usual heading and any holder: MIT all the same."""
    body = mit[mit.index("Permission is hereby") :]
    found = identify(title + notice + body)
    assert (found.verdict, found.licence_id, found.material) == (Verdict.IS, "mit", ())


@pytest.mark.parametrize("holder", ["the author", "Example Labs, Inc.", "the psutil authors", "the NumPy Developers"])
def test_a_holder_filled_into_a_template_is_no_change(holder: str) -> None:
    """BSD's third clause names whoever holds the rights."""
    text = text_of("bsd-3-clause").replace("the copyright holder nor", f"{holder} nor")
    assert identify(text).licence_id == "bsd-3-clause"


def test_places_are_lines_of_the_file(mit: str) -> None:
    """A difference is found again in an editor by its line."""
    text = mit.replace("without restriction", "with some restriction")
    line = next(at for at, said in enumerate(text.split("\n"), 1) if "with some restriction" in said)
    assert identify(text).material[0].place == line
    assert re.search("some restriction", identify(text).material[0].text)


@pytest.mark.parametrize(
    ("text", "verdict", "licence"),
    [
        ("Licensed under the MIT License.", "pointer", "mit"),
        ("We compare with Llama-2 whose licence https://example.org/l forbids training.", "unknown", None),
        ("This model was trained on data under the Apache-2.0 license.", "unknown", None),
        ("Llama 3.3 Community License applies, except in the EU, where it is MIT.", "pointer", None),
        (
            "Apache License\nhttp://www.apache.org/licenses/LICENSE-2.0\n1. You owe us.\n2. We own it.\n3. Pay.",
            "unknown",
            None,
        ),
    ],
)
def test_a_name_that_is_said_of_something_else_points_nowhere(text: str, verdict: str, licence: str | None) -> None:
    """Another model's licence, that of data, one with exceptions, or a famous title over terms of its own."""
    found = identify(text)
    assert (found.verdict, found.licence_id) == (verdict, licence)
