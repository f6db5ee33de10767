from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import DamagedFile
from weighbridge.formats.card import parse_front_matter, read_front_matter

if TYPE_CHECKING:
    from pathlib import Path


def _read(folder: Path, text: str | bytes) -> object:
    path = folder / "README.md"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_front_matter(path)


def test_norwegian_stays_norwegian(tmp_path: Path) -> None:
    """YAML 1.2: `no` is text; PyYAML reads false. Every scalar stays as it was written."""
    card = "---\nlanguage:\n- no\n- en\nversion: 1.0\nlicense: Apache-2.0\n"
    card += "empty:\nnone: null\nday: 2024-13-45\n---\n# Title\n"
    assert _read(tmp_path, card) == {
        "language": ["no", "en"],
        "version": "1.0",
        "license": "Apache-2.0",
        "empty": None,
        "none": None,
        "day": "2024-13-45",
    }


@pytest.mark.parametrize("text", ["", "# Title\n", "---\n# a rule, not front matter\n", "text\n---\na: b\n---\n"])
def test_a_card_without_front_matter_has_none(tmp_path: Path, text: str) -> None:
    """A rule at the top, or front matter further down, is not front matter."""
    assert _read(tmp_path, text) is None


@pytest.mark.parametrize("start", ["\ufeff---\n", "\n---\n", "--- \r\n"])
def test_small_sins_of_editors_are_forgiven(tmp_path: Path, start: str) -> None:
    """A byte order mark, an empty first line and Windows line ends occur in real cards."""
    assert _read(tmp_path, start + "license: mit\r\n---\r\ntext") == {"license": "mit"}


def test_a_card_of_500_mb_is_read_at_its_head_only(tmp_path: Path) -> None:
    """Only the first MiB is read, so the size of the rest does not matter."""
    path = tmp_path / "README.md"
    path.write_text("---\nlicense: mit\n---\n")
    os.truncate(path, 500 << 20)
    assert read_front_matter(path) == {"license": "mit"}


def test_front_matter_that_never_ends_is_refused(tmp_path: Path) -> None:
    """500 MB of front matter is an attack or an accident, not a card."""
    path = tmp_path / "README.md"
    path.write_text("---\nlicense: mit\n")
    os.truncate(path, 500 << 20)
    with pytest.raises(DamagedFile, match="front matter that does not end within 1048576 bytes"):
        read_front_matter(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x\n", "uses the YAML alias `*x`"),
        ("license: mit\nlicense: apache-2.0\n", "holds the key `license` twice"),
        ("a: {b: 1, b: 2}\n", "holds the key `b` twice"),
        ("- a\n", "is not a YAML mapping"),
        ("text\n", "is not a YAML mapping"),
        ("a: [1\n", "is not YAML at line"),
        ("a: b: c\n", "is not YAML at line 2"),
        ("\ta: b\n", "is not YAML"),
        ("a: \0\n", "is not YAML"),
        ("[a]: b\n", "has a key that is not text"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", "is nested deeper than 32"),
        ("a: " + "[" * 100_000, "is nested deeper than 32"),
        ("a: [" + "x," * 200_000 + "]\n", "holds more than 100000 YAML nodes"),
        ('a: "\\ud800"\n', "half of a surrogate pair"),
        ("a: 1\n--- \nb: 2\n", "holds more than one YAML document"),
        ("a: !!float x: y\n", "is not YAML"),
        ('a: "\\UFFFFFFFF"\n', "is not YAML"),
        ("a: " + "!" * 900_000 + "\n", "holds a `!` with more than 4096 characters after it"),
        ("a: !<" + "x" * 900_000 + "> b\n", "holds a `!` with more than 4096 characters after it"),
    ],
)
def test_front_matter_that_is_not_one_plain_mapping_is_refused(text: str, message: str) -> None:
    """Billion laughs, doubles, depth and floods end in one sentence, in time."""
    with pytest.raises(DamagedFile) as caught:
        parse_front_matter(text, "`README.md` (front matter)")
    assert message in caught.value.message
    assert caught.value.message.startswith("`README.md` (front matter) ")


@pytest.mark.parametrize("text", ["a: " + "!" * 900_000, "a: !<" + "x" * 900_000, "a: [" + ("!" * 4000 + " b,") * 200])
def test_long_tags_take_no_time(text: str) -> None:
    """The parser's time grows with the square of a tag's length: a million characters took it 13 seconds."""
    started = time.thread_time()
    with suppress(DamagedFile):
        parse_front_matter(text, "x")
    assert time.thread_time() - started < 1


def test_tags_make_no_objects() -> None:
    """A tag that would build a Python object leaves the text as it stands."""
    assert parse_front_matter("a: !!python/object/apply:os.system [id]\n", "x") == {"a": ["id"]}


def test_text_that_is_not_utf8_is_refused_with_its_byte(tmp_path: Path) -> None:
    """The place is counted in the file, not in the front matter."""
    with pytest.raises(DamagedFile, match="is not UTF-8 at byte 7"):
        _read(tmp_path, b"---\na: \xff\n---\n")
