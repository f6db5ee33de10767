from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import Evidence
from weighbridge.dossier.document import render
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from weighbridge.dossier.compose import Dossier


def test_the_twin_equals_the_evidence(weighed: Any, dossier: Dossier) -> None:
    """Every statement comes back whole: read again it has the id under which it is cited."""
    document = json.loads(render(dossier))
    assert document["schema"] == "weighbridge/dossier/v1"
    assert document["decision"] == weighed.decision()
    back = {one["id"]: Evidence.from_json(one) for one in document["evidence"]}
    assert all(statement.id == digest for digest, statement in back.items())
    assert back.keys() == {one.id for one in weighed.evidence()}
    assert document["not_at_hand"] == []


def test_numbers_are_numbers_and_keys_are_sorted(dossier: Dossier) -> None:
    """A program compares without parsing text, and two documents can be compared line by line."""
    document = json.loads(render(dossier))
    assert document["tally"] == {"met": 4, "not_met": 1, "unknown": 3, "waived": 1}
    assert list(document) == sorted(document)
    assert "training-data" in document["not_looked_at"]


def test_the_twin_is_the_same_in_every_language(dossier: Dossier) -> None:
    """Ids are language-neutral; only an unknown language is refused."""
    assert render(dossier, "zh") == render(dossier, "en")
    with pytest.raises(UsageError):
        render(dossier, "xx")
