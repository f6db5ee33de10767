"""Coverage of regulations: each field named is one that a kind has; without evidence nothing counts as answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.dossier.regulation import covered, frameworks, regulation_text

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence


def standings(evidence: list[Evidence], framework: str) -> dict[str, str]:
    """Return the standing of each item."""
    (found,) = [one for one in covered(evidence) if one["id"] == framework]
    return {item["id"]: item["standing"] for item in found["items"]}


@pytest.mark.parametrize(
    ("kind", "field"), sorted({pair for one in frameworks() for item in one.items for pair in item.shown_by})
)
def test_every_field_of_the_table_is_one_of_its_kind(kind: str, field: str) -> None:
    """A renamed field would leave its item open for ever."""
    schema = KINDS[kind].model_json_schema()
    first, _, rest = field.partition(".")
    assert first in schema["properties"]
    if rest:
        name = schema["properties"][first]["$ref"].rpartition("/")[2]
        assert rest in schema["$defs"][name]["properties"]


def test_the_annexes_have_the_items_that_the_law_numbers() -> None:
    """Annex XI section 1 has points 1 (a-f) and 2 (a-e), section 2 three points; Annex XII 1 (a-h) and 2 (a-c)."""
    items = {one.id: [item.id for item in one.items] for one in frameworks()}
    assert items["eu-ai-act-annex-xi"] == [
        *(f"1.1.{letter}" for letter in "abcdef"), *(f"1.2.{letter}" for letter in "abcde"), "2.1", "2.2", "2.3",
    ]  # fmt: skip
    assert items["eu-ai-act-annex-xii"] == [*(f"1.{x}" for x in "abcdefgh"), *(f"2.{x}" for x in "abc")]


def test_without_evidence_nothing_is_looked_at() -> None:
    """Silence is no answer."""
    assert {item["standing"] for one in covered([]) for item in one["items"]} == {"not looked at"}


def test_an_item_is_answered_by_all_of_its_fields(weighed: Any) -> None:
    """All fields known: answered; some: partly; a part that no evidence tells: partly at best."""
    found = standings([weighed.anatomy()], "eu-ai-act-annex-xi")
    assert (found["1.1.d"], found["1.1.e"], found["1.1.f"]) == ("answered", "partly", "not looked at")
    assert found["1.2.b"] == "partly"
    assert found["1.2.e"] == "not looked at"


def test_the_text_names_every_item_with_its_source() -> None:
    """`weighbridge explain coverage` prints all of it."""
    text = regulation_text()
    assert all(item.name in text and one.source in text for one in frameworks() for item in one.items)
