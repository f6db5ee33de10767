"""Tables are read whole and in one way only, or refused with their line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import ExtraMissing, SuiteError
from weighbridge.evaluation.datasets.table import Dialect, format_of, read_rows

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff\r"), min_size=1, max_size=12)
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=6,
)


def read(name: str, data: bytes, dialect: Dialect | None = None) -> list[dict[str, Any]]:
    """Write and read a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return [row.cells for row in read_rows(path, dialect or Dialect())]


def written(rows: list[list[str]], delimiter: str = ",") -> bytes:
    """Write rows as Python's csv module does."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(CELLS, VALUES, max_size=4), max_size=6), st.booleans(), st.booleans())
def test_jsonl_comes_back_as_it_was_written(rows: list[dict[str, Any]], ascii_only: bool, packed: bool) -> None:
    """Whatever JSON objects are written one a line are read again, packed or not."""
    data = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode()
    assert read("t.jsonl.gz" if packed else "t.jsonl", gzip.compress(data) if packed else data) == rows


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), max_size=5)))
def test_csv_comes_back_as_it_was_written(rows: list[list[str]]) -> None:
    """Quotes, delimiters and line ends inside cells survive (oracle: the csv module's writer)."""
    header = [f"c{n}" for n in range(len(rows[0]) if rows else 2)]
    expected = [dict(zip(header, row, strict=True)) for row in rows]
    assert read("t.csv", written([header, *rows])) == expected


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["t.jsonl", "t.json", "t.csv", "t.tsv", "t.jsonl.gz", "t.csv.gz", "t.parquet"]), st.data())
def test_no_bytes_end_in_anything_but_rows_or_a_refusal(name: str, data: st.DataObject) -> None:
    """Any bytes give rows or SuiteError: no other exception, no hang."""
    sound = {
        "t.jsonl": b'{"a": 1}\n{"a": [2, "x"]}\n',
        "t.json": b'[{"a": 1}, {"a": null}]',
        "t.csv": b'a,b\n1,"x ""y"""\n',
        "t.tsv": b"a\tb\n1\t2\n",
        "t.jsonl.gz": gzip.compress(b'{"a": 1}\n', mtime=0),
        "t.csv.gz": gzip.compress(b"a,b\n1,2\n", mtime=0),
        "t.parquet": PARQUET,
    }[name]
    changed = bytearray(sound)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(changed)))
        changed[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=6))
    try:
        rows = read(name, bytes(changed))
    except SuiteError as error:
        assert "t." in error.message or "JSON" in error.message  # noqa: PT017 - the message is the test
    else:
        assert all(isinstance(row, dict) for row in rows)


def _parquet() -> bytes:
    sink = io.BytesIO()
    table = pa.table({"q": ["a", "b"], "choices": [["x", "y"], ["z", "w"]], "n": [1, 0], "s": [{"k": 1.5}, None]})
    pq.write_table(table, sink)
    return sink.getvalue()


PARQUET = _parquet()


def test_parquet_gives_json_values() -> None:
    """Lists, structures, numbers and nulls come as JSON has them."""
    assert read("t.parquet", PARQUET) == [
        {"q": "a", "choices": ["x", "y"], "n": 1, "s": {"k": 1.5}},
        {"q": "b", "choices": ["z", "w"], "n": 0, "s": None},
    ]


def test_parquet_without_pyarrow_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ExtraMissing, match="pyarrow") as caught:
        read("t.parquet", PARQUET)
    assert "weighbridge[parquet]" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.csv", b"a,b\n1,2\n3\n", "line 3 has 1 fields, and there are 2 columns"),
        ("t.csv", b"a,b\n1,2,3\n", "line 2 has 3 fields"),
        ("t.csv", b"a,a\n1,2\n", "the column `a` twice"),
        ("t.csv", b'a,b\n1,"never ends\n', "line 2 is no row"),
        ("t.csv", b"a,b\n1,\xd5\n", "line 2 is not utf-8"),
        ("t.csv", b"a,b\n1,\0\n", "line 2 holds a zero byte"),
        ("t.jsonl", b'{"a": 1}\n[1]\n', "line 2 is no JSON object"),
        ("t.jsonl", b'{"a": 1}\n{"a": NaN}\n', "line 2"),
        ("t.jsonl", b'{"a": 1, "a": 2}\n', "twice"),
        ("t.json", b'{"a": 1}', "holds no list of rows"),
        ("t.jsonl.gz", b"plain", "is no gzip file"),
        ("t.jsonl.gz", gzip.compress(b'{"a": 1}', mtime=0)[:-6], "breaks off"),
        ("t.txt", b"x", "does not tell its format"),
    ],
)
def test_what_is_doubtful_is_refused_with_its_line(name: str, data: bytes, said: str) -> None:
    """Half a table would be another benchmark."""
    with pytest.raises(SuiteError, match=said.replace("(", r"\(")):
        read(name, data)


def test_a_small_file_that_unfolds_into_a_large_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gzip file is unpacked up to the bound and no further."""
    monkeypatch.setattr("weighbridge.evaluation.datasets.table._MAX_BYTES", 10_000)
    with pytest.raises(SuiteError, match="unfolds into more"):
        read("t.jsonl.gz", gzip.compress(b" " * 20_000))


def test_another_encoding_is_told_what_to_do() -> None:
    """Whoever has a table and no suite is not sent to a suite alone."""
    with pytest.raises(SuiteError) as caught:
        read("t.csv", "a\nM\u00fcnchen\n".encode("latin-1"))
    assert "save the file as UTF-8" in str(caught.value.hint)


def test_dialects() -> None:
    """Semicolons are seen in the header; columns can be named; quotes can be plain characters; encodings be tried."""
    assert read("t.csv", b"a;b;c,d\n1;2;3\n") == [{"a": "1", "b": "2", "c,d": "3"}]
    assert read("t.csv", b"1,2\n", Dialect(columns=("x", "y"))) == [{"x": "1", "y": "2"}]
    assert read("t.tsv", b'"a" b\t2\n', Dialect(columns=("x", "y"), is_quoted=False)) == [{"x": '"a" b', "y": "2"}]
    assert read("t.csv", b"a\n\xd5\n", Dialect(encodings=("utf-8", "mac-roman"))) == [{"a": "\u2019"}]
    assert read("t.json", b'{"d": {"r": [{"a": 1}]}}', Dialect(rows="d.r")) == [{"a": 1}]
    assert read("t.json", b'{"x": {"a": 1}}') == [{"key": "x", "a": 1}]
    assert read("t.csv", b"a,,\n1,2,3\n") == [{"a": "1"}]  # columns without a name hold nothing that can be asked


def test_the_format_follows_from_the_name() -> None:
    """The ending counts, `.gz` left out."""
    assert [format_of(Path(name)) for name in ("a.JSONL", "a.csv.gz", "a.ndjson", "a.md", "a")] == [
        "jsonl", "csv", "jsonl", None, None,
    ]  # fmt: skip
