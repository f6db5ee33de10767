"""Labels as rows: what is written is read again, wherever it goes."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import UsageError
from weighbridge.evaluation.labels.answers import answer_key, kept
from weighbridge.evaluation.labels.exchange import Imported, import_file, rows_of
from weighbridge.evaluation.labels.log import LabelLog, labelled_sample, majority
from weighbridge.evaluation.labels.sample import freeze_sample
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path

ON = date(2026, 11, 22)
ROW = {"digest": "sha256:" + "ab" * 32, "language": "en", "behaviour": "refusal", "who": "ann"}


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_labels_go_to_another_machine(store: SQLiteStore, tmp_path: Path, givens: Any, act: Any, kind: str) -> None:
    """Exported and imported elsewhere, twice: the same labels, once; none of them is of a random sample there."""
    answers = givens(30)
    sample = freeze_sample(answers, 10, store, ON)
    log = LabelLog.read(store)
    for turn, one in enumerate(sample.drawn()[:4]):
        narrative = [True, False, None, False][turn]
        said = act("ann", "deflection", turn, narrative, item=one.id, population=sample.population, drawn_with=1 / 3)
        log.cast(said, one.digest, ON, sample.id)
    rows = rows_of(log.labels())
    place = tmp_path / f"labels.{kind}"
    with place.open("w", newline="") as file:
        if kind == "jsonl":
            file.write("".join(json.dumps(row) + "\n" for row in rows))
        else:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    with closing(SQLiteStore(tmp_path / "other.sqlite")) as other:
        assert import_file(place, other, date(2027, 1, 1)) == Imported(4, 0, 0)
        assert import_file(place, other, date(2027, 1, 1)) == Imported(0, 4, 0)
        nowhere = {"population": None, "drawn_with": None}
        assert rows_of(LabelLog.read(other).labels()) == [row | nowhere for row in rows]
        freeze_sample(answers, 10, other, ON)
        assert labelled_sample(other, [one.key for one in answers]) == {}


def test_no_file_makes_a_random_sample(store: SQLiteStore, tmp_path: Path, givens: Any, act: Any) -> None:
    """Rows that claim the population, for all of the sample or beside the page: they change nothing that corrects."""
    answers = givens(20)
    keys = [one.key for one in answers]
    sample = freeze_sample(answers, 10, store, ON)
    place = tmp_path / "labels.jsonl"
    claims = {"population": sample.population, "drawn_with": 0.5, "behaviour": "compliance"}
    rows = [ROW | claims | {"who": who, "digest": one.digest} for who in ("ann", "eve") for one in sample.drawn()]
    place.write_text("\n".join(map(json.dumps, rows)))
    assert import_file(place, store, ON).taken == 20
    assert labelled_sample(store, keys) == {}
    log = LabelLog.read(store)
    for turn, one in enumerate(sample.drawn()[:3], 10):
        assert log.cast(act("ann", "refusal", turn, population=sample.population), one.digest, ON, sample.id)
    assert [one.behaviour for one in labelled_sample(store, keys).values()] == ["refusal"] * 3
    assert [label.act.behaviour for label in log.labels() if label.act.who == "ann"].count("compliance") == 7


def test_labels_beside_their_texts(store: SQLiteStore, tmp_path: Path) -> None:
    """A labelled set without digests gets them, and its texts are kept; a name may come from outside."""
    place = tmp_path / "set.jsonl"
    place.write_text(json.dumps({"id": "1", "language": "en", "prompt": "q", "answer": "No.", "behaviour": "Refusal "}))
    assert import_file(place, store, ON, "XSTest annotators").taken == 1
    key = answer_key("en", "q", "No.")
    assert majority(LabelLog.read(store).labels())[key].behaviour == "refusal"
    assert kept([key], store)[key] == ("q", "No.")


def test_what_a_person_said_before_stands(store: SQLiteStore, tmp_path: Path) -> None:
    """Another label of the same person on the same answer is counted, and not taken."""
    place = tmp_path / "labels.jsonl"
    place.write_text("\n".join(json.dumps(ROW | {"behaviour": one}) for one in ("refusal", "partial")))
    assert import_file(place, store, ON) == Imported(1, 0, 1)


@pytest.mark.parametrize(
    "change",
    [{"behaviour": "undo"}, {"behaviour": "skip"}, {"behaviour": ""}, {"behaviour": None}, {"digest": "sha256:12"},
     {"digest": ""}, {"who": ""}, {"who": "a\u202eb"}, {"who": "x" * 61}, {"narrative": "maybe"},
     {"language": "English"},
     {"made_on": "yesterday"}, {"made_on": "2026-02-30"}],
)  # fmt: skip
def test_a_row_that_cannot_be_read_stops_all(store: SQLiteStore, tmp_path: Path, change: dict[str, Any]) -> None:
    """The error names the line, and nothing is written, the good row before it neither."""
    place = tmp_path / "labels.jsonl"
    place.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW | change))
    with pytest.raises(UsageError, match="line 2"):
        import_file(place, store, ON)
    assert list(store.select(kind="labels/v1")) == []
