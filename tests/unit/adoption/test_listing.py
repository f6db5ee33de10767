"""Listings of a hub: every format gives the same table, and what is wrong is said, never counted."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.adoption.definition import Definition
from weighbridge.adoption.listing.database import open_database
from weighbridge.adoption.listing.snapshot import day_in, find_file, load_snapshot
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.adoption.conftest import Rows

READ = "SELECT id, downloads, likes, task, created::VARCHAR, licence, parameters, bases FROM listing ORDER BY id"
# one listing in the words of the Hub's API (huggingface_hub 2.4.0 ModelInfo), and what it says
HUB = [
    {
        "id": "Qwen/Qwen3-8B", "downloads": 900, "likes": 7, "pipeline_tag": "text-generation", "gated": False,
        "createdAt": "2026-04-27T23:30:00.000Z", "safetensors": {"parameters": {"BF16": 8_000}, "total": 8_000},
        "tags": ["transformers", "license:apache-2.0"], "baseModels": None,
    },
    {
        "id": "me/copy-GGUF", "downloads": 5, "likes": 0, "pipeline_tag": None, "gated": "auto",
        "createdAt": "2026-05-01T00:00:00.000Z", "safetensors": None,
        "tags": ["base_model:Qwen/Qwen3-8B", "base_model:quantized:Qwen/Qwen3-8B", "license:MIT"],
        "baseModels": {"relation": "quantized", "models": [{"_id": "1", "id": "Qwen/Qwen3-8B"}]},
    },
]  # fmt: skip
SAID = [
    ("Qwen/Qwen3-8B", 900, 7, "text-generation", "2026-04-27", "apache-2.0", 8_000, None),
    ("me/copy-GGUF", 5, 0, None, "2026-05-01", "mit", None, ["Qwen/Qwen3-8B"]),
]


def read(path: Path, **columns: str) -> list[tuple[object, ...]]:
    """Return the table of a file."""
    with open_database([path]) as database:
        load_snapshot(database, path, columns)
        return database.rows(READ)


def test_json_lines_array_parquet_and_gzip_say_the_same(tmp_path: Path) -> None:
    """The Hub's own words are read from every format, by content and not by suffix."""
    lines, array, packed, parquet = (tmp_path / name for name in ("a", "b.json", "c.jsonl.gz", "d.dat"))
    lines.write_text("".join(json.dumps(row) + "\n" for row in HUB))
    array.write_text(json.dumps(HUB))
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    duckdb.sql(f"COPY (FROM read_json('{array}')) TO '{parquet}' (FORMAT parquet)")
    for path in (lines, array, packed, parquet):
        assert read(path) == SAID, path


def test_structs_written_out_as_text_are_read(tmp_path: Path) -> None:
    """What DuckDB and pandas make of lists and structs in a CSV says the same as the structs."""
    array, duck, pandas = (tmp_path / name for name in ("b.json", "duck.csv", "pandas.csv"))
    array.write_text(json.dumps(HUB))
    duckdb.sql(f"COPY (FROM read_json('{array}')) TO '{duck}'")
    with pandas.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(
            [list(HUB[0]), *([str("" if row[key] is None else row[key]) for key in HUB[0]] for row in HUB)]
        )
    assert read(duck) == SAID
    assert read(pandas) == SAID


def test_a_table_in_csv_says_the_same(tmp_path: Path) -> None:
    """Columns that are named for people, empty cells, and a column by another name."""
    path = tmp_path / "x.csv"
    path.write_text(
        "model_id,pulls,likes,created,license,pipeline_tag,params_total,base_model\n"
        "Qwen/Qwen3-8B,900,7,2026-04-27,Apache-2.0,text-generation,8000,\n"
        'me/copy-GGUF,5,0,2026-05-01,mit,unknown,,"[""Qwen/Qwen3-8B""]"\n'
    )
    assert read(path, downloads="pulls") == SAID


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,downloads\na/b,-1\n", "negative in 1 rows"),
        ("id,downloads\na/b,many\n", "no whole number in 1 rows"),
        ("id,downloads\na/b,1.5\n", "no whole number"),
        ("id,downloads\na/b,1e300\n", "no whole number"),
        ("name,downloads\na/b,1\n", "no column holds id"),
        ("id,pulls\na/b,1\n", "no column holds downloads"),
        ("id,downloads\n", "no rows"),
        ("id,downloads\n,1\n", "no row has an id"),
        ('{"id": "a/b", "downloads": 1', "cannot read it"),
        ('{"id": "a/b", "downloads": {"x": 1}}', "not counts"),
        ("PAR1 and then nothing of the kind", "cannot read it"),
        ("\0\0\0\0", "binary data"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_counted_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """A wrong file is an error that names the file and what is wrong in it."""
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        read(find_file(path))
    assert "x.csv" in caught.value.message


def test_nothing_but_the_named_files_is_read(tmp_path: Path) -> None:
    """The database opens no other file and no address, loads no extension, and its locks cannot be opened."""
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    for one in (path, other):
        one.write_text("id,downloads\na/b,1\n")
    with open_database([path]) as database:
        assert database.rows(f"FROM read_csv('{path}')") == [("a/b", 1)]
        for query in (
            f"FROM read_csv('{other}')",
            "FROM read_csv('https://huggingface.co/x.csv')",
            f"COPY (SELECT 1) TO '{tmp_path / 'c.csv'}'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET memory_limit = '99GB'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(UsageError):
                database.rows(query)
    assert not (tmp_path / "c.csv").exists()


def test_repeated_rows_are_told_and_the_largest_count_stays(rows: Rows) -> None:
    """One row a repository; how many went, and how many of them disagreed."""
    path = rows.write([{"id": "a/x", "downloads": n} for n in (5, 9, 9)] + [{"id": "b/y", "downloads": 3}] * 2)
    (found,) = rows.measure(Definition(), path)
    assert (found.snapshot.rows, found.snapshot.duplicates, found.snapshot.conflicting) == (2, 3, 2)
    assert found.publisher.total == 12
    assert "duplicates" in {one.code for one in found.warnings}


@pytest.mark.parametrize(
    ("name", "day"),
    [("hub-2026-10-05.csv", "2026-10-05"), ("20261005.parquet", "2026-10-05"), ("v3-2026-13-40.csv", "None"),
     ("model_2026_10_05_b.csv", "2026-10-05"), ("listing.csv", "None")],
)  # fmt: skip
def test_the_day_in_a_name(name: str, day: str) -> None:
    """A day is read where there is one in the calendar."""
    assert str(day_in(name)) == day


CELL = st.one_of(
    st.integers(-5, 10**20).map(str),
    st.sampled_from(["", "unknown", "nan", "inf", "1e3", "0x10", "١٢", "NULL", "'; DROP TABLE listing; --"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=8))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cell_breaks_the_reading(rows: Rows, cells: list[tuple[str, ...]]) -> None:
    """Whatever the cells hold: a total that Python's own csv finds as well, or an error that says why not."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "downloads", "createdAt", "license", "base_model"), *cells])
    path = rows.folder / "hostile.csv"
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    try:
        (found,) = rows.measure(Definition(population="all"), path)
    except UsageError:
        return
    largest: dict[str, int] = {}
    for one in cells:
        name, count = one[0].strip(" "), one[1].strip(" ")
        if name and count and len(name.encode()) <= 200:
            number = float(count) if count.lower() not in {"unknown", "nan", "null"} else None
            if number is not None:
                largest[name] = max(int(number), largest.get(name, 0))
    assert found.publisher.total == sum(largest.values())


def test_two_counts_are_never_mixed(rows: Rows) -> None:
    """`downloads` beside `downloads_30d` is another count: an empty cell stays empty, and the other column is named."""
    listing: list[dict[str, Any]] = [
        {"id": "Qwen/a", "downloads_30d": 10, "downloads": 9_000},
        {"id": "meta-llama/b", "downloads_30d": None, "downloads": 50_000},
    ]
    path = rows.write(listing)
    (found,) = rows.measure(Definition(), path)
    assert found.publisher.total == 10
    (said,) = [one for one in found.warnings if one.code == "other-counts"]
    assert (said.severity, "--column downloads=downloads`" in said.message) == ("warning", True)
    (found,) = rows.measure(Definition(), path, columns={"downloads": "downloads"})
    assert found.publisher.total == 59_000
    assert "30 days" not in Definition().described(None, "downloads")["window"]


def test_letter_case_is_no_other_repository(rows: Rows) -> None:
    """One repository in two spellings with one count is one; with two counts both stay, and are told of."""
    listing = [
        {"id": "Qwen/A", "downloads": 10}, {"id": "qwen/a", "downloads": 10},
        {"id": "Meta-Llama/b", "downloads": 20}, {"id": "meta-llama/B", "downloads": 30},
    ]  # fmt: skip
    (found,) = rows.measure(Definition(), rows.write(listing))
    assert {key: group.value for key, group in found.publisher.groups.items()} == {"US": 50, "CN": 10}
    assert {"letter-case", "letter-case-counts"} <= {one.code for one in found.warnings}
    assert (found.snapshot.spelled, found.snapshot.split, found.snapshot.duplicates) == (1, 1, 0)


def test_a_base_is_found_in_any_letter_case(rows: Rows) -> None:
    """What is made of `QWEN/qwen3` is made of `Qwen/Qwen3`."""
    listing = [{"id": "Qwen/Qwen3"}, {"id": "me/mine", "base_model": "QWEN/qwen3"}]
    (found,) = rows.measure(Definition(by="maker", attribution="base"), rows.write(listing))
    assert found.base.shares == {"Qwen": 1.0}
