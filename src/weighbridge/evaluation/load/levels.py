"""Service levels: "ttft=0.5s:5%" says that at most 5% of requests may wait longer than 0.5 s for their first token."""

from __future__ import annotations

import functools
import math
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, cast, get_args

from weighbridge.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["METRICS", "Level", "Metric", "parse_levels", "presets"]

Metric = Literal["ttft", "tpot", "gap", "e2e"]
METRICS: tuple[Metric, ...] = get_args(Metric)
_WRITTEN = re.compile(r"(?P<metric>\w+)=(?P<limit>\d+(\.\d+)?)(?P<unit>ms|s):(?P<share>\d+(\.\d+)?)%")
_P99 = 0.01


@dataclass(frozen=True, slots=True)
class Level:
    """At most `share` of the requests may exceed `limit_s` in `metric`."""

    metric: Metric
    limit_s: float
    share: float

    def __str__(self) -> str:
        return f"{self.metric} <= {self.limit_s:g} s for {1 - self.share:.4g} of requests"


@functools.cache
def presets() -> dict[str, tuple[Level, ...]]:
    """Return the limits of named benchmarks."""
    rows = tomllib.loads(files(__package__).joinpath("presets.toml").read_text("utf-8"))
    return {
        name: tuple(Level(cast("Metric", metric), limit, _P99) for metric, limit in row.items())
        for name, row in rows.items()
    }


def parse_levels(written: Sequence[str]) -> tuple[Level, ...]:
    """Read levels and names of presets; one level a metric. Raises UsageError."""
    found: dict[Metric, Level] = {}
    for word in written:
        for level in presets().get(word) or (_parse(word),):
            if level.metric in found:
                raise UsageError(f"`{word}` gives a second limit for {level.metric}", hint="give one a metric")
            found[level.metric] = level
    return tuple(found.values())


def _parse(word: str) -> Level:
    """Read one level."""
    match = _WRITTEN.fullmatch(word.replace(" ", ""))
    near = did_you_mean(word, presets())
    if match is None:
        raise UsageError(
            f"`{word}` is no service level", hint=near or "write one like `ttft=0.5s:5%` or `tpot=50ms:5%`"
        )
    if match["metric"] not in METRICS:
        raise UsageError(f"`{match['metric']}` is no metric of a service level", hint=f"use {', '.join(METRICS)}")
    limit, share = float(match["limit"]) / (1000 if match["unit"] == "ms" else 1), float(match["share"]) / 100
    if not (math.isfinite(limit) and limit > 0 and 0 < share < 1):
        raise UsageError(f"`{word}` can be met by every server or by none", hint="a limit above 0, a share in 0-100%")
    return Level(cast("Metric", match["metric"]), limit, share)
