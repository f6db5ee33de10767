"""Read the JSON files of a model folder: `config.json`, `tokenizer_config.json`, the index of the shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import damaged
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ShardIndex", "read_config", "read_index"]

_MAX_BYTES = 16 << 20
_MAX_INDEX_BYTES = 20 << 20


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """Which file holds which tensor, and what the index says about all of them."""

    weight_map: dict[str, str]
    metadata: dict[str, Any]

    @property
    def files(self) -> tuple[str, ...]:
        """The shards that are named, sorted."""
        return tuple(sorted(set(self.weight_map.values())))


def read_config(path: Path) -> dict[str, Any]:
    """Return a JSON file that holds one object of at most 16 MiB, NaN and Infinity as text; raises DamagedFile."""
    return _object(path, _MAX_BYTES, constants_as_text=True)


def read_index(path: Path) -> ShardIndex:
    """Return a `*.safetensors.index.json` of at most 20 MiB; raises DamagedFile."""
    value = _object(path, _MAX_INDEX_BYTES)
    weight_map, metadata = value.get("weight_map"), value.get("metadata", {})
    if not isinstance(weight_map, dict):
        raise damaged(path, "has no `weight_map` object")
    names: dict[str, str] = {}  # one string a shard, not one a tensor
    for tensor, name in weight_map.items():
        if not isinstance(name, str):
            raise damaged(path, "has a `weight_map` that does not map tensors to file names")
        weight_map[tensor] = names.setdefault(name, name)
    return ShardIndex(weight_map, metadata if isinstance(metadata, dict) else {})


def _object(path: Path, max_bytes: int, *, constants_as_text: bool = False) -> dict[str, Any]:
    data = read_small(path, max_bytes)
    value = parse_json(data, path, max_bytes=max_bytes, constants_as_text=constants_as_text)
    if not isinstance(value, dict):
        raise damaged(path, "is not a JSON object")
    return value
