"""Whatever a table or a name holds, an answer or a sentence comes back."""

from __future__ import annotations

import csv
import io
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import UsageError
from weighbridge.knowledge.load import load_knowledge
from weighbridge.knowledge.shapes import TABLES
from weighbridge.workflow.knowledge import update_tables

TABLE = st.sampled_from(sorted(TABLES))
CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["CN", "company", "yes", "no", "2026-07", "2026-02-30", "9" * 400, "1e400", "-0", "^a$", "a#", "nan"]
    ),
)


@given(TABLE, st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_usage_error(table: str, data: bytes) -> None:
    """No other failure, and every message names the file."""
    try:
        TABLES[table].read(data, "mine.csv")
    except UsageError as error:
        assert "mine.csv" in error.message  # noqa: PT017 - most inputs are refused, some are not


@given(st.data(), TABLE)
def test_any_cells_are_rows_or_a_usage_error(data: st.DataObject, table: str) -> None:
    """Under a right header too; what is read keeps its key and its source."""
    shape = TABLES[table]
    rows = data.draw(st.lists(st.lists(CELL, min_size=len(shape.columns), max_size=len(shape.columns)), max_size=4))
    stream = io.StringIO()
    csv.writer(stream).writerows([shape.columns, *rows])
    with suppress(UsageError):
        sheet = shape.read(stream.getvalue().encode("utf-8", "surrogatepass"), "mine.csv")
        for key, record in sheet.records.items():
            assert key == tuple(getattr(record, name) for name in shape.key)


@given(st.text(max_size=400))
def test_any_name_has_a_family_or_none(name: str) -> None:
    """The last part decides, and case does not; a look-alike is never a listed name itself."""
    known = load_knowledge()
    family = known.family_of(name)
    assert family is None or family in known.families
    assert known.family_of(f"someone/{name}") == family
    like = known.look_alike(name)
    assert like is None or like.name != name.partition("/")[0].strip()


@pytest.mark.parametrize("unit", ["qwen-", "llama-3-8b-", "step-1", "gpt-", "a", "-", "1.", "\u0300"])
def test_long_names_take_no_longer_than_their_length(unit: str) -> None:
    """Names that are made to be slow are cut, and their words have no repeats to try."""
    known = load_knowledge()
    known.family_of(unit * 100_000)
    known.look_alike(unit * 100_000)


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)


@settings(max_examples=30)
@given(
    st.dictionaries(NAMES, st.sampled_from(["CN", "US", ""]), max_size=5),
    st.dictionaries(NAMES, st.just("DE"), max_size=5),
)
def test_updates_join(first: dict[str, str], second: dict[str, str]) -> None:
    """After two updates each name has what the later file says, and no name is lost."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, table in enumerate((first, second)):
            rows = [[name, country, "company", "us"] for name, country in table.items()]
            with (folder / f"{number}.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows([["name", "country", "kind", "source"], *rows])
            update_tables([folder / f"{number}.csv"], folder / "own")
        known = load_knowledge(folder / "own")
        for name, country in {**first, **second}.items():
            assert known.organisations[name].country == country
