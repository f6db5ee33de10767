"""A model on a hub, for tests of what reads it from afar."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.tiny_weights import safetensors_raw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GIGABYTE = 1_000_000_000


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes `acme/big`: shards of 1 GB each, of which the headers alone take room."""

    def write(shards: int = 2, tensors: int = 2, *, others: dict[str, bytes] | None = None) -> Path:
        folder = tmp_path / "hub" / "acme" / "big"
        folder.mkdir(parents=True, exist_ok=True)
        sizes: dict[str, int] = {}
        index: dict[str, str] = {}
        for number in range(1, shards + 1):
            name = f"model-{number:05d}-of-{shards:05d}.safetensors" if shards > 1 else "model.safetensors"
            each = GIGABYTE // tensors
            places = [(f"model.layers.{number}.w{at}", at * each) for at in range(tensors)]
            header = {
                tensor: {"dtype": "U8", "shape": [each], "data_offsets": [at, at + each]} for tensor, at in places
            }
            data = safetensors_raw(json.dumps(header).encode())
            (folder / name).write_bytes(data)
            sizes[name] = len(data) + each * tensors
            index |= dict.fromkeys(header, name)
        (folder / "sizes.json").write_text(json.dumps(sizes))
        if shards > 1:
            (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
        files = {"config.json": b'{"model_type": "llama"}', "README.md": b"---\nlicense: mit\n---\n", "LICENSE": b"MIT"}
        for name, content in (files | (others or {})).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return tmp_path / "hub"

    return write
