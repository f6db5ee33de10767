"""Statements go from one store to another: whole, in order, and only as they were made."""

from __future__ import annotations

import io
import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import Evidence, Producer
from weighbridge.errors import DamagedFile
from weighbridge.store.intake import take_in
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path

SUBJECT = "sha256:" + "a" * 64
MADE = [
    Evidence(SUBJECT, "decision/v1", {"decision": {"verdict": verdict}}, (), Producer("p", "1"), date(2026, 1, 1))
    for verdict in ("adopt", "reject", "hold")
]


def line(one: Evidence, **changed: Any) -> bytes:
    """Return the line that `weighbridge evidence export` writes of a statement."""
    return json.dumps({"id": one.id, **one.to_json(), **changed}).encode() + b"\n"


def test_what_is_new_is_added_in_order(tmp_path: Path) -> None:
    """A store that has statements of its own keeps them; a second time nothing is added."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        store.add(MADE[1])
        lines = b"".join(line(one) for one in MADE)
        assert take_in(io.BytesIO(lines), store) == (2, 3)
        assert take_in(io.BytesIO(lines), store) == (0, 3)
        assert [one.id for one in store.select()] == [MADE[1].id, MADE[0].id, MADE[2].id]
        assert store.verify() == 3


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (line(MADE[2], body={"decision": {"verdict": "adopt"}}), "line 2 was changed"),
        (line(MADE[2], made_on="soon"), "line 2 is no statement"),
        (b'{"id": "sha256:1"}\n', "line 2 is no statement"),
        (b"[]\n", "line 2 is no statement"),
        (b"\n", "`line 2` is not JSON"),
        (b'{"id": 1, "id": 2}\n', "line 2"),
    ],
)
def test_a_line_that_is_none_ends_it(tmp_path: Path, bad: bytes, why: str) -> None:
    """A verdict that somebody changed on the way, and what is no statement; what came before is there."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        with pytest.raises(DamagedFile) as found:
            take_in(io.BytesIO(line(MADE[0]) + bad + line(MADE[1])), store)
        assert why in found.value.message
        assert [one.id for one in store.select()] == [MADE[0].id]
