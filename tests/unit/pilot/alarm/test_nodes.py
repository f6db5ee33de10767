"""Several nodes with evidence stores of their own: an alarm that one delivers re-opens the decision on all."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.alarm.deliver import Deliverer
from weighbridge.pilot.alarm.shared import document_of, notice_of
from weighbridge.pilot.journal.protocol import Document
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState


def test_what_one_node_delivers_all_of_them_state(scene: Any, tmp_path: Any) -> None:
    """The same statements under the same ids; told and recorded by the first node alone; once, over restarts."""
    other = replace(scene, folder=tmp_path / "other", records=[])
    other.folder.mkdir()
    for path in scene.folder.glob("evidence.sqlite*"):
        shutil.copy(path, other.folder)
    with closing(SQLiteState(tmp_path / STATE_FILE)) as state:

        def node(one: Any) -> Deliverer:
            record = lambda *event: one.records.append(event)  # noqa: E731 - of this node
            return Deliverer(one.folder / "evidence.sqlite", AlarmPlan(), lambda _name: None, record, state)

        first = node(scene)
        first(scene.notice(1))
        first(scene.notice(1))
        first(scene.notice(2, severity="info"))
        for second in (node(other), node(other)):
            second._documents = lambda: state.documents()[1]
            second.follow()
            second.follow()
        for kind in ("alarm/v1", "stale/v1"):
            assert other.bodies(kind) == scene.bodies(kind)
            assert len(scene.bodies(kind)) == 1
        assert (len(scene.records), len(other.records)) == (2, 0)


def test_a_notice_comes_through_the_database_whole(scene: Any) -> None:
    """As a document and back."""
    notice = scene.notice()
    assert notice_of(document_of(notice)) == notice


@pytest.mark.parametrize("other", [{"at": "now"}, {"facts": None}, {"why": 3}, {"more": 1}, {"subject": ["sha256:"]}])
def test_what_is_no_notice_is_passed_over(scene: Any, other: dict[str, Any]) -> None:
    """Whatever stands in the database, this node goes on, and states what comes after it."""
    good = document_of(scene.notice())
    bad = Document(f"{good.name}x", {**good.body, **other})
    deliver = scene.deliverer()
    deliver._documents = lambda: (bad, Document("drift/qwen/1", {"alarm": ""}), good)
    deliver.follow()
    assert len(scene.bodies("stale/v1")) == 1
    deliver._documents = lambda: (good,)
    deliver.follow()
    assert deliver._followed == {good.name}  # those that were dropped are remembered no more
