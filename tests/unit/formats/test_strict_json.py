from __future__ import annotations

import pytest

from weighbridge.errors import DamagedFile
from weighbridge.formats.strict_json import parse_json

MIB = 1 << 20


def _read(data: bytes, max_bytes: int = MIB) -> object:
    return parse_json(data, "config.json", max_bytes=max_bytes)


def test_plain_json_is_read_as_the_standard_says() -> None:
    """RFC 8259's own example values come back as they are."""
    assert _read(b'{"Image":{"Width":800,"Animated":false,"IDs":[116,943],"x":1.5e2,"n":null}}') == {
        "Image": {"Width": 800, "Animated": False, "IDs": [116, 943], "x": 150.0, "n": None}
    }


def test_the_huge_integer_of_tokenizer_files_is_read() -> None:
    """`model_max_length` is 10**30 rounded to a double in many real tokenizer files."""
    assert _read(b'{"model_max_length": 1000000000000000019884624838656}') == {"model_max_length": int(1e30)}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1, "a": 2}', "holds the key `a` twice"),
        (b'{"x": {"b": 1, "c": 1, "b": 1}}', "holds the key `b` twice"),
        (b'{"a": NaN}', "the number `NaN`"),
        (b'{"a": -Infinity}', "the number `-Infinity`"),
        (b'{"a": 1e999}', "the number `1e999`"),
        (b'{"a": ' + b"9" * 101 + b"}", "the number `999"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b'{"a": "\xff"}', "is not UTF-8 at byte 7"),
        (b"\xef\xbb\xbf{}", "is not JSON at character 0"),
        (b"[" * 100 + b"]" * 100, "nested deeper than 64"),
        (b"[" * 100_000, "nested deeper than 64"),
        (b'{"a": 1', "is not JSON at character 7"),
        (b"", "is not JSON"),
        (b"[" + b"0," * 2_000_000 + b"0]", "at most 1048576"),
    ],
)
def test_a_doubtful_file_is_refused_with_its_name(data: bytes, message: str) -> None:
    """Two programs could read each of these in two ways, or run out of memory on them."""
    with pytest.raises(DamagedFile) as caught:
        _read(data)
    assert message in caught.value.message
    assert "`config.json`" in caught.value.message


def test_a_pair_of_surrogates_is_one_character() -> None:
    """Escaped pairs are how JSON writes what lies beyond the basic plane."""
    assert _read(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("item", [b"[]", b"{}", b'"ab"', b"1000"])
def test_small_bytes_that_unfold_into_many_objects_are_refused_before_parsing(item: bytes) -> None:
    """16 MB of `[],[],` would take 500 MB as Python lists."""
    data = b"[" + b",".join([item] * (15 * MIB // (len(item) + 1))) + b"]"
    with pytest.raises(DamagedFile, match="would unfold into more than"):
        _read(data, 16 * MIB)


def test_a_number_of_keys_that_would_fill_memory_is_refused() -> None:
    """A flat object of a million short keys unfolds into 260 MB."""
    data = b"{" + b",".join(b'"%x":1' % number for number in range(1_000_000)) + b"}"
    with pytest.raises(DamagedFile, match="would unfold into more than"):
        _read(data, 16 * MIB)


def test_a_large_file_outside_ascii_is_refused() -> None:
    """One character beyond the basic plane makes the whole text take four bytes a character."""
    data = b'"' + "\U0001f600".encode() + b"x" * (7 * MIB) + b'"'
    with pytest.raises(DamagedFile, match="outside ASCII"):
        _read(data, 16 * MIB)
