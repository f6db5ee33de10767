from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import WeighbridgeError
from weighbridge.hub.remote.account import declared_bytes, rebuild_header
from weighbridge.hub.remote.choice import MOST_BYTES, MOST_BYTES_OF_ONE, choose_small
from weighbridge.hub.remote.listing import Facts, Listing, RemoteFile, sort_files

OID = "a" * 40


def _sorted(*names: str) -> Listing:
    listing = Listing("acme/big", "c" * 40)
    sort_files((RemoteFile(name, 1, "", OID) for name in names), listing)
    return listing


@pytest.mark.parametrize(
    "name",
    [
        "../up", "a/../../b", "/etc/passwd", "a//b", "./a", "a/.", "", "nul\0", "line\nbreak", "back\\slash",
        "\u202etxt", ".git/config", "a/.GIT/hooks/x", "x" * 300, "a/" * 600 + "b", "\ud800",
    ],
)  # fmt: skip
def test_a_name_that_could_do_harm_is_left_alone(name: str) -> None:
    """It is listed with a reason, printable, and never becomes a path."""
    listing = _sorted(name, "config.json")
    assert list(listing.files) == ["config.json"]
    (left,) = listing.left_alone
    assert left.reason
    assert left.name.isprintable()


@pytest.mark.parametrize(("first", "second"), [("Config.json", "config.json"), ("a", "a/b"), ("A/x", "a/y")])
def test_names_that_cannot_stand_together_are_told_apart(first: str, second: str) -> None:
    """On a file system that folds case they would be one; a file cannot be a folder."""
    listing = _sorted(first, second)
    assert list(listing.files) == [first]
    assert [left.name for left in listing.left_alone] == [second]


@given(st.lists(st.text(min_size=1, max_size=40), max_size=20, unique=True))
def test_any_names_give_paths_inside(names: list[str]) -> None:
    """Whatever a hub lists, what is kept stays below its folder."""
    for name in _sorted(*names).files:
        parts = name.split("/")
        assert name.isprintable()
        assert not {"", ".", ".."} & set(parts)


def test_a_file_that_is_listed_twice_is_refused() -> None:
    """Two sizes for one name: it is not known which would be inspected."""
    with pytest.raises(WeighbridgeError, match="twice"):
        _sorted("config.json", "config.json")


def test_what_is_fetched_follows_from_names_and_sizes() -> None:
    """Settings, licence and card come first; large files, weights and folders below never; all together are bounded."""
    listing = Listing("acme/big", "c" * 40)
    wanted = ["config.json", "LICENSE", "LICENSE-MODEL", "README.md", "generation_config.json", "tokenizer_config.json"]
    other = ["tokenizer.json", "figures/a.png", "inference/config.json", "model.safetensors", "LICENSE.png"]
    code = [f"modeling_{number:02d}.py" for number in range(40)]
    sort_files((RemoteFile(name, 50_000, "", OID) for name in (*wanted, *other, *code)), listing)
    names = [file.name for file in choose_small(listing)]
    assert sorted(names[: len(wanted)]) == sorted(wanted)
    assert not set(names) & set(other)
    assert len(names) == 12
    huge = Listing("acme/big", "c" * 40)
    sort_files((RemoteFile(f"LICENSE-{n}", MOST_BYTES_OF_ONE + n - 2, "", OID) for n in range(9)), huge)
    assert sum(file.size for file in choose_small(huge)) <= MOST_BYTES
    assert all(file.size <= MOST_BYTES_OF_ONE for file in choose_small(huge))


def test_the_hubs_count_is_taken_where_the_sizes_leave_room_for_headers_alone() -> None:
    """DeepSeek-V3 in 163 files: 680.6 GB of FP8, 7.8 of BF16, 0.2 of scales; the count's sum is the hub's `total`.

    684,531,386,000: Hugging Face's `safetensors.total` of deepseek-ai/DeepSeek-V3, 2026-10.
    """
    counts = (("BF16", 3_918_786_560), ("F32", 41_555_600), ("F8_E4M3", 680_571_043_840))
    assert sum(count for _, count in counts) == 684_531_386_000
    facts = Facts(elements_by_dtype=counts)
    size = 688_574_839_360 + 163 * 70_000
    shards = [RemoteFile(f"{n:05d}", size // 163, "b" * 64) for n in range(163)]
    assert declared_bytes(facts, shards) == 688_574_839_360
    assert declared_bytes(facts, shards[:-1]) is None
    assert declared_bytes(facts, [*shards, shards[0]]) is None
    assert declared_bytes(Facts(elements_by_dtype=(("FP3", 5),)), shards) is None


@pytest.mark.parametrize(
    "info",
    [
        {"gated": "auto", "safetensors": {"parameters": {"BF16": "many"}, "total": -1}},
        {"gated": "auto", "safetensors": {"parameters": {"BF16": 2**60}}},
        {"gated": "auto", "safetensors": []},
        {"gated": "auto", "safetensors": {"parameters": {"b\u202e": 1}}, "private": "yes"},
    ],
)
def test_facts_of_a_wrong_type_are_not_said(info: dict[str, object]) -> None:
    """A count that is none is no count; a flag is set by `true` alone."""
    assert Facts.read(info) == Facts(gated="auto")


@pytest.mark.parametrize(
    "header",
    [
        None, [], {"w": None}, {"w": {"data_offsets": [0]}}, {"w": {"data_offsets": [0, "9"]}},
        {"w": {"data_offsets": [0, 10**30]}}, {"w": {"data_offsets": [0, 99]}, "__metadata__": 5},
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_not_rebuilt(header: object) -> None:
    """The hub's copy is a stranger's word."""
    assert rebuild_header(RemoteFile("w.safetensors", 1000, "b" * 64), header) is None
