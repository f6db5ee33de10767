"""Devices by name, and a user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import NotFound, UsageError
from weighbridge.inspection.fit.devices import device_named, devices, read_devices

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
OWN = """
[my-card]
vendor = "Us"
memory_gb = 48
tflops = { bf16 = 100 }
aliases = ["mine"]
confidence = "medium"
"""


def test_an_h100_has_79_gib_to_allocate() -> None:
    """Neither 80 GB nor 80 GiB: PyTorch reports 79.14 to 79.19 GiB, llm-d-planner's H100 79.18."""
    device, count = device_named("h100-sxm:8", devices())
    assert (device.id, count, device.confidence) == ("h100-sxm", 8, "high")
    assert device.memory is not None
    assert device.memory.low <= int(79.18 * GIB) <= device.memory.high


def test_a_device_without_a_reported_figure_is_read_both_ways() -> None:
    """Between 98% of 128 decimal GB and 128 GiB: a fit in between is not known."""
    memory = device_named("gaudi3", devices())[0].memory
    assert memory is not None
    assert (memory.low, memory.high) == (125_440_000_000, 128 * GIB)


def test_unified_memory_is_used_in_part() -> None:
    """Metal recommends three quarters of a large Mac's memory."""
    memory = device_named("apple-m3-max", devices())[0].memory
    assert memory is not None
    assert memory.low == memory.high == 96 * GIB


def test_what_nobody_publishes_stays_unknown() -> None:
    """No public figure of the Biren BR166 was found."""
    device, _ = device_named("br166", devices())
    assert device.memory is None
    assert (device.bandwidth, device.tflops, device.confidence) == (None, {}, "none")


def test_types_are_known_by_their_peaks() -> None:
    """An A100 has no FP8, an H100 has, a CPU's peaks are not known."""
    assert device_named("a100", devices())[0].computes("fp8") is False
    assert device_named("h100", devices())[0].computes("fp8") is True
    assert device_named("cpu-epyc-9004", devices())[0].computes("fp8") is None


@pytest.mark.parametrize("text", ["h100:0", "h100:-1", "h100:eight", "h100:99999999999999", "h100:4097", "h100:٣"])
def test_a_number_of_devices_is_whole_and_bounded(text: str) -> None:
    """One to 4,096, in ASCII digits."""
    with pytest.raises(UsageError, match="not a number of devices"):
        device_named(text, devices())


def test_a_misspelt_device_gets_a_hint() -> None:
    """The nearest known name."""
    with pytest.raises(UsageError, match="no device is named `h10o-sxm`") as caught:
        device_named("h10o-sxm", devices())
    assert caught.value.hint == "did you mean `h100-sxm`?"


def test_a_users_file_adds_devices(tmp_path: Path) -> None:
    """With the fields of ours; an alias names the same device."""
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    found = read_devices(path)
    device, count = device_named("mine:2", found)
    assert (device.id, device.vendor, count) == ("my-card", "Us", 2)
    assert device.memory is not None
    assert device.memory.high == 48 * GIB


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[a", "is no TOML"),
        ("a = 1", "`a` is no table of a device"),
        ("[a]\nmemory = 4", "unknown key `memory`"),
        ("[a]\nmemory_gb = 'much'", "`memory_gb` of `a` is not a positive number"),
        ("[a]\nmemory_gb = -1", "is not a positive number"),
        ("[a]\nmemory_gb = nan", "is not a positive number"),
        ("[a]\nmemory_gb = true", "is not a positive number"),
        ("[a]\nusable_gib = [2, 1]", "no pair of positive numbers"),
        ("[a]\ntflops = { fp2 = 1 }", "holds no positive numbers"),
        ("[a]\nname = 1", "`name` of `a` is no text"),
        ("[a]\nconfidence = 'total'", "is not one of high"),
        ("[a]\naliases = 'b'", "is no list of names"),
        ("['A b']\nmemory_gb = 1", "is no table of a device in lower case"),
        ("a" + ".b" * 100_000 + " = 1", "has a key of more than 16 parts"),
    ],
)
def test_a_users_file_is_read_strictly(tmp_path: Path, text: str, reason: str) -> None:
    """Each mistake is named with its place."""
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason):
        read_devices(path)


def test_a_file_that_is_absent_large_or_not_text_is_refused(tmp_path: Path) -> None:
    """Never a traceback."""
    with pytest.raises(NotFound, match="cannot be read"):
        read_devices(tmp_path / "none.toml")
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not UTF-8"):
        read_devices(path)
    path.write_bytes(b"#" * (1 << 20) + b"##")
    with pytest.raises(UsageError, match="is larger than 1 MiB"):
        read_devices(path)
