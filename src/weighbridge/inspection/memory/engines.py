"""Engine profiles: how an engine caches and what it sets aside, as dated data with a source (`engines.toml`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.errors import UsageError, did_you_mean
from weighbridge.inspection.memory.span import Span

if TYPE_CHECKING:
    from datetime import date

__all__ = ["GIB", "Activation", "Block", "Engine", "cache_block", "engine_named", "engines"]

GIB = 1 << 30
Activation = Literal["dense", "moe", "multimodal"]
Hybrid = Literal["padded-window", "grouped", "pool", "window"]


@dataclass(frozen=True, slots=True)
class Block:
    """`elements` cached elements take `n_bytes`."""

    n_bytes: int
    elements: int

    def size(self, elements: int) -> int:
        """Return the bytes of so many elements, in whole blocks."""
        return -(-elements // self.elements) * self.n_bytes


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine at one version.

    `latent`: whether MLA keeps its latent or decompressed keys and values. `hybrid`: what sliding layers and states
    cost beside full attention. `block`: tokens a block. `utilization`: the share of a device that it plans with.
    `activation` and `overhead` are allowances a device, in bytes; None where the engine's own buffers are computed.
    """

    name: str
    version: str
    date: date
    source: str
    cache_type: str
    cache_types: tuple[str, ...]
    is_absorbing: bool
    hybrid: Hybrid
    block: int
    utilization: tuple[float, float]
    activation: dict[str, Span] = field(default_factory=dict)
    overhead: dict[str, Span] = field(default_factory=dict)
    index_block: Block | None = None
    batched_tokens: int = 0
    pool_share: float = 1.0
    note: str | None = None

    def cache_block(self, name: str | None) -> Block:
        """Return the block of a cached type, the engine's own where None; raises UsageError for a type it lacks."""
        name = name or self.cache_type
        if name not in self.cache_types:
            known = ", ".join(self.cache_types)
            raise UsageError(
                f"{self.name} has no cache type `{name}`", hint=did_you_mean(name, self.cache_types) or f"use {known}"
            )
        return cache_block(name)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "engines.toml").read_text("utf-8"))


def cache_block(name: str) -> Block:
    """Return the block of a cached type by its name; raises KeyError."""
    return Block(*_data()["cache_types"][name])


@cache
def engines() -> dict[str, Engine]:
    """Return the profiles that ship, by name."""
    return {name: _engine(name, row) for name, row in _data()["engines"].items()}


def engine_named(name: str) -> Engine:
    """Return a profile by name; raises UsageError."""
    found = engines().get(name)
    if found is None:
        raise UsageError(
            f"there is no profile of the engine `{name}`",
            hint=did_you_mean(name, engines()) or f"there are {', '.join(engines())}",
        )
    return found


def _engine(name: str, row: dict[str, Any]) -> Engine:
    index = row.get("index_block")
    return Engine(
        name=name,
        version=row["version"],
        date=row["date"],
        source=row["source"],
        cache_type=row["cache_type"],
        cache_types=tuple(row["cache_types"]),
        is_absorbing=row["latent"] == "absorbed",
        hybrid=row["hybrid"],
        block=row["block"],
        utilization=tuple(row["utilization"]),
        activation={kind: _span(pair) for kind, pair in row.get("activation_gib", {}).items()},
        overhead={kind: _span(pair) for kind, pair in row["overhead_gib"].items()},
        index_block=None if index is None else Block(*index),
        batched_tokens=row.get("batched_tokens", 0),
        pool_share=row.get("pool_share", 1.0),
        note=row.get("note"),
    )


def _span(pair: list[float]) -> Span:
    return Span(int(pair[0] * GIB), int(pair[1] * GIB))
