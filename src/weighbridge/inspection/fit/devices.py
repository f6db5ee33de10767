"""Devices by name: memory that can be allocated, with its bounds and its source (`devices.toml`, or a user's file)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.errors import NotFound, UsageError, did_you_mean
from weighbridge.formats.place import quote
from weighbridge.inspection.memory.engines import GIB
from weighbridge.inspection.memory.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_COUNT", "Device", "device_named", "devices", "read_devices"]

MAX_COUNT = 4096
_MAX_BYTES = 1 << 20
_MOST_DOTS = 16
_DOTTED = re.compile(rf"(?:\.[ \t]*[\w\"'-]{{0,64}}[ \t]*){{{_MOST_DOTS}}}")
_GB = 1_000_000_000
_SHARE_OF_DECIMAL = 0.98  # ECC on GDDR6 leaves 98.6% of the decimal figure (L4), drivers take some of the rest
_MOST_GB = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TYPES = ("bf16", "fp8", "int8", "fp4")
_WORDS = {"vendor", "name", "memory_type", "usable_source", "link", "confidence", "source", "note", "cpu"}
_NUMBERS = {"memory_gb", "bandwidth_gb_s", "link_gb_s"}
_CONFIDENCE = ("high", "medium", "low", "none")


@dataclass(frozen=True, slots=True)
class Device:
    """One device. `memory` is what can be allocated, in bytes; None where nobody says.

    `tflops` are dense peaks by type; `bandwidth` and `link` are in GB/s. `cpu` is a class of `repack.toml` where the
    device is a CPU of a known kind.
    """

    id: str
    vendor: str
    name: str
    memory: Span | None
    memory_said: str
    confidence: str
    source: str
    bandwidth: float | None = None
    tflops: Mapping[str, float] = field(default_factory=dict)
    link: float | None = None
    note: str | None = None
    cpu: str | None = None

    @property
    def is_cpu(self) -> bool:
        """Whether it computes on a CPU, where llama.cpp's buffers are exact."""
        return self.vendor == "CPU"

    def computes(self, kind: str) -> bool | None:
        """Whether it multiplies in a type (`fp8`, `fp4`); None where its peaks are not known."""
        return kind in self.tflops if self.tflops else None


@cache
def devices() -> dict[str, Device]:
    """Return the devices that ship, by id and by alias."""
    return _parse((Path(__file__).parent / "devices.toml").read_text("utf-8"), "devices.toml")


def read_devices(path: Path) -> dict[str, Device]:
    """Return the devices of a user's TOML file; raises NotFound, or UsageError with the place of a mistake."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise NotFound(f"{quote(str(path))} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{quote(str(path))} is larger than {_MAX_BYTES >> 20} MiB")
    try:
        return _parse(data.decode("utf-8-sig"), path.name)
    except UnicodeDecodeError as error:
        raise UsageError(f"{quote(str(path))} is not UTF-8 at byte {error.start}") from error


def device_named(text: str, known: Mapping[str, Device]) -> tuple[Device, int]:
    """Return a device and how many of it: `h100-sxm:8`; raises UsageError for an unknown name or number."""
    name, _, number = text.strip().lower().partition(":")
    device = known.get(name)
    if device is None:
        hint = did_you_mean(name, known) or "`weighbridge fit REF` alone lists the devices that are known"
        raise UsageError(f"no device is named {quote(name)}", hint=hint)
    if not number:
        return device, 1
    if not number.isascii() or not number.isdecimal() or not 0 < int(number[:6]) <= MAX_COUNT or len(number) > 5:  # noqa: PLR2004
        raise UsageError(f"{quote(number)} is not a number of devices from 1 to {MAX_COUNT}", hint=f"write `{name}:8`")
    return device, int(number)


def _parse(text: str, place: str) -> dict[str, Device]:
    if _DOTTED.search(text):  # the parser's time grows with the square of a key's dots
        raise UsageError(f"{quote(place)} has a key of more than {_MOST_DOTS} parts, or as many dots in a row")
    try:
        rows = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{quote(place)} is no TOML: {error}") from error
    found: dict[str, Device] = {}
    for name, row in rows.items():
        if not _NAME.fullmatch(name) or not isinstance(row, dict):
            raise UsageError(f"{quote(place)}: {quote(name)} is no table of a device in lower case")
        aliases = row.pop("aliases", [])
        if not isinstance(aliases, list) or not all(isinstance(one, str) for one in aliases):
            raise UsageError(f"{quote(place)}: `aliases` of {quote(name)} is no list of names")
        device = _device(name, row, place)
        found |= dict.fromkeys((name, *aliases), device)
    return found


def _device(name: str, row: dict[str, Any], place: str) -> Device:
    known = _WORDS | _NUMBERS | {"usable_gib", "usable_share", "tflops"}
    for key, value in row.items():
        where = f"{quote(place)}: `{key}` of {quote(name)}" if key in known else f"{quote(place)}: {quote(name)}"
        if key not in known:
            raise UsageError(f"{where} has the unknown key {quote(key)}", hint=did_you_mean(key, known))
        if key in _WORDS and not isinstance(value, str):
            raise UsageError(f"{where} is no text")
        if key in _NUMBERS and not _is_number(value):
            raise UsageError(f"{where} is not a positive number")
        if key in {"usable_gib", "usable_share"} and not _is_pair(value):
            raise UsageError(f"{where} is no pair of positive numbers, the smaller first")
    peaks = row.get("tflops", {})
    if not isinstance(peaks, dict) or not all(key in _TYPES and _is_number(one) for key, one in peaks.items()):
        raise UsageError(f"{quote(place)}: `tflops` of {quote(name)} holds no positive numbers for {', '.join(_TYPES)}")
    memory, said = _memory(row)
    confidence = row.get("confidence", "none")
    if confidence not in _CONFIDENCE:
        raise UsageError(f"{quote(place)}: `confidence` of {quote(name)} is not one of {', '.join(_CONFIDENCE)}")
    return Device(
        id=name, vendor=row.get("vendor", "?"), name=row.get("name", name), memory=memory, memory_said=said,
        confidence=confidence, source=row.get("source", place), bandwidth=row.get("bandwidth_gb_s"),
        tflops=peaks, link=row.get("link_gb_s"), note=row.get("note"), cpu=row.get("cpu"),
    )  # fmt: skip


def _memory(row: Mapping[str, Any]) -> tuple[Span | None, str]:
    """Return what can be allocated, and in words where the figure comes from."""
    if "usable_gib" in row:
        low, high = (int(one * GIB) for one in row["usable_gib"])
        return Span(low, high), row.get("usable_source", "as declared")
    if "memory_gb" not in row:
        return None, "no public figure"
    nominal = row["memory_gb"]
    if "usable_share" in row:
        low, high = (int(nominal * GIB * one) for one in row["usable_share"])
        return Span(low, high), row.get("usable_source", "as declared")
    low = int(nominal * _GB * _SHARE_OF_DECIMAL)
    return Span(low, int(nominal * GIB)), f"{nominal:g} GB as printed, read as decimal and as binary"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST_GB


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]  # noqa: PLR2004
