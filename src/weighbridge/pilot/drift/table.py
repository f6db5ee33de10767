"""The streams that are watched, as `streams.toml` lists them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from weighbridge.pilot.journal.protocol import Severity

__all__ = ["CLUSTER", "CLUSTERS", "StreamKind", "kind_of", "stream_kinds"]

CLUSTER = "cluster"
CLUSTERS = 12
"""Centres of the prompts; every one has a stream of its own, `cluster-1` to `cluster-12`."""


@dataclass(frozen=True, slots=True)
class StreamKind:
    """One row: its part of the route's false alarms, and for values the quantile beyond which they count."""

    name: str
    about: Literal["answers", "form", "operation", "prompts"]
    direction: Literal["rise", "fall"]
    part: float
    severity: Severity
    value: str = ""
    cutoff: float = 0.0


@cache
def stream_kinds() -> dict[str, StreamKind]:
    """Return the rows by name."""
    data = tomllib.loads(files(__package__).joinpath("streams.toml").read_text(encoding="utf-8"))
    return {row["name"]: StreamKind(**row) for row in data["stream"]}


def kind_of(stream: str) -> StreamKind:
    """Return the row of a stream; those of clusters share one. Raises KeyError for another name."""
    head, _, number = stream.partition("-")
    return stream_kinds()[CLUSTER if head == CLUSTER and number.isdigit() else stream]
