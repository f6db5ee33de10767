"""Rules against a set that a person labelled before the rules were written."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from weighbridge.core.event import EventKind, ReleaseEvent
from weighbridge.core.finding import Confidence
from weighbridge.inspection.licence.answer.use import IntendedUse
from weighbridge.knowledge.load import load_knowledge
from weighbridge.watch.digest.compile import View, compile_digest
from weighbridge.watch.digest.cost import History
from weighbridge.watch.digest.rules import shipped_rules
from weighbridge.watch.digest.stake import Demand, Stake

if TYPE_CHECKING:
    from weighbridge.watch.digest.item import Item

_LABELLED = tomllib.loads(Path(__file__).with_name("labelled.toml").read_text(encoding="utf-8"))["event"]
_SEEN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_PIN, _HEAD = "a" * 40, "b" * 40
_USE = IntendedUse(offer="internal", commercial=True, fields=())
_DEMANDS = (
    Demand("licence-tag", "card/v1", "licence", "in", ["apache-2.0", "mit"], "These may be used"),
    Demand("licence-permits", "licence/v1", "answer", "in", ["allowed"], "Terms decide"),
    Demand("knowledge", "score/v1", "accuracy", "at-least", 0.5, "It must know", "knowledge-en"),
    Demand("refusals", "behaviour/v1", "over_refusal", "at-most", 0.3, "It must help", "refusals-en"),
)


def _stake(repository: str, **changed: Any) -> Stake:
    adopted = Stake(
        repository, "sha256:" + "1" * 64, "ours", commit=_PIN, standing="adopted", decision="sha256:" + "2" * 64,
        decided_on=date(2026, 10, 1), policy="internal", demands=_DEMANDS, use=_USE,
    )  # fmt: skip
    return replace(adopted, **changed)


def _stakes(entry: dict[str, Any]) -> list[Stake]:
    """Return what the reader has, by the word in the table."""
    subject = entry["subject"]
    mine: dict[str, list[Stake]] = {
        "nothing": [_stake("hf:acme/unrelated")],
        "pinned": [_stake(subject)],
        "unpinned": [_stake(subject, commit="")],
        "unpinned-mirrored": [_stake(subject, commit="", copy="verified")],
        "mirrored": [_stake(subject, copy="verified")],
        "held": [_stake(subject, standing="held")],
        "rejected": [_stake(subject, standing="rejected")],
        "base": [_stake("hf:acme/derived", bases=(subject.partition(":")[2],))],
        "family": [_stake(entry.get("of", subject))],
        "copy": [_stake(subject, copy="verified", standing="undecided", decision="", demands=())],
    }
    return mine[entry["mine"]]


def _event(entry: dict[str, Any], **changed: Any) -> ReleaseEvent:
    event = ReleaseEvent(
        entry["kind"], entry["subject"], entry.get("before"), entry.get("after"), entry.get("itself", "medium"),
        Confidence(entry.get("confidence", "high")), _SEEN, "" if entry["kind"] == "release" else _PIN, _HEAD,
    )  # fmt: skip
    return replace(event, **changed)


def _read(entry: dict[str, Any]) -> Item | None:
    """Return the item that a reader gets, or None where it is silent."""
    digest = compile_digest(
        [_event(entry)], View(_stakes(entry), shipped_rules(), load_knowledge(), History({}, {})), (None, _SEEN)
    )
    assert len(digest.items) + digest.silent == 1
    return digest.items[0] if digest.items else None


@pytest.mark.parametrize("entry", _LABELLED, ids=[entry["name"] for entry in _LABELLED])
def test_a_labelled_event_comes_out_as_labelled(entry: dict[str, Any]) -> None:
    """Severity and next step are the labelled ones, and who was named is among those who should care."""
    item = _read(entry)
    if entry["severity"] == "silent":
        assert item is None
        return
    assert item is not None
    assert (item.severity, item.next_step) == (entry["severity"], entry["next"]), item.why
    assert entry["role"] in item.roles
    assert item.why


def test_the_set_is_wide() -> None:
    """At least 40 events, with every kind that a hub gives and every step but one that is for pilots."""
    assert len(_LABELLED) >= 40
    assert {entry["kind"] for entry in _LABELLED} == set(get_args(EventKind))
    assert {entry["next"] for entry in _LABELLED} == {"nothing", "re-evaluate", "legal review", "freeze", "roll back"}
