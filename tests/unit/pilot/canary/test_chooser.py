"""Who gets the candidate."""

from __future__ import annotations

import math
from typing import Any

import pytest

from weighbridge.pilot.canary.chooser import CanaryChooser
from weighbridge.pilot.canary.fold import canary_name
from weighbridge.pilot.exchange import Exchange
from weighbridge.pilot.journal.protocol import Document
from weighbridge.pilot.route import Route

from .conftest import leg, route

SECRET = b"k" * 32


def exchange(user: str, key: str = "key") -> Exchange:
    """Return a request of a user."""
    return Exchange("id", 0.0, key, "default", "qwen", "", "", "/v1/chat/completions", user_hash=user)


def document(share: float, trial: int = 1) -> Document:
    """Return a canary's document, with what a chooser reads of it."""
    return Document("", {"share": share, "trial": trial, "apart": [], "keys": []})


def chosen(share: float, trial: int = 1, secret: bytes = SECRET, users: int = 4000) -> set[str]:
    """Return who gets the candidate."""
    mine = route()
    documents = {canary_name(mine): document(share, trial)}
    choose = CanaryChooser(documents.get, secret)
    names = [str(number) for number in range(users)]
    return {name for name in names if choose(mine, exchange(name))[0] == "canary"}


def test_a_share_is_a_share_and_grows_around_those_within() -> None:
    """About 5% and 25% (within 4.5 standard errors of 4,000 callers), the few among the many; all, and none."""
    few, many = chosen(0.05), chosen(0.25)
    assert few < many
    for found, share in ((few, 0.05), (many, 0.25)):
        assert abs(len(found) / 4000 - share) < 4.5 * (share * (1 - share) / 4000) ** 0.5
    assert len(chosen(1.0)) == 4000
    assert chosen(0.0) == set()


def test_nobody_can_reckon_who_is_in_and_the_next_trial_has_others() -> None:
    """Under another secret, or in another trial, the two sets overlap as chance has it (a quarter of a quarter)."""
    for other in (chosen(0.25, secret=b"other"), chosen(0.25, trial=2)):
        assert 0.15 < len(other & chosen(0.25)) / len(other) < 0.35


def test_it_sticks_to_the_user_or_else_to_the_key() -> None:
    """The same user gets the same model through any key; without a user a key does."""
    mine = route()
    documents: dict[str, Document] = {canary_name(mine): document(0.5)}
    choose = CanaryChooser(documents.get, SECRET)
    for number in range(50):
        assert len({choose(mine, exchange(f"u{number}", key))[0] for key in ("a", "b")}) == 1
    assert {choose(mine, exchange("", f"k{number}"))[0] for number in range(50)} == {"primary", "canary"}


STRANGE = [
    {"share": "0.9"}, {"share": [0.9]}, {"share": math.nan}, {"share": True}, {"share": 2}, {"trial": None},
    {"trial": "1"}, {"apart": "k"}, {"apart": {"k": 1}}, {"apart": [7]}, {"keys": None}, {"keys": 7},
]  # fmt: skip


@pytest.mark.parametrize("field", STRANGE, ids=str)
def test_a_document_of_another_version_is_none(field: dict[str, object]) -> None:
    """Until a fold has read it, callers get the primary, and no error; so it is where a field is missing."""
    mine, body = route(), dict(document(1.0).body)
    without = {name: value for name, value in body.items() if name not in field}
    for strange in ({**body, **field}, without):
        choose = CanaryChooser({canary_name(mine): Document("", strange)}.get, SECRET)
        assert choose(mine, exchange("u"))[0] == "primary"


def test_another_version_of_a_document_is_read_at_once() -> None:
    """What it says is kept as long as it is the same document, and no longer."""
    mine, documents = route(), dict[str, Document]()
    choose = CanaryChooser(documents.get, SECRET)
    for share, leg_name in ((1.0, "canary"), (0.0, "primary"), (1.0, "canary")):
        documents[canary_name(mine)] = document(share)
        assert {choose(mine, exchange(str(number)))[0] for number in range(3)} == {leg_name}


def test_without_a_document_or_a_canary_the_primary_serves() -> None:
    """A node that knows nothing yet serves nobody the candidate; the legs are those of the route."""
    empty: dict[str, Any] = {}
    choose = CanaryChooser(empty.get, SECRET)
    mine, plain = route(), Route("qwen", leg("old"))
    assert choose(mine, exchange("u")) == ("primary", mine.primary)
    assert choose(plain, exchange("u")) == ("primary", plain.primary)
    empty[canary_name(mine)] = document(1.0)
    assert mine.canary is not None
    assert choose(mine, exchange("u")) == ("canary", mine.canary.leg)
    assert choose(plain, exchange("u"))[0] == "primary"
