"""Build a structure from a GGUF file: weights from its tensor table, caches from its metadata as llama.cpp reads it."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.formats.gguf import Omitted
from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.build import Refusal
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Fields, Refused
from weighbridge.inspection.anatomy.gguf_names import part_of
from weighbridge.inspection.anatomy.structure import Attend, Cache, Layer, Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.formats.gguf import Value
    from weighbridge.formats.tensor import Tensor

__all__ = ["structure_of_gguf"]

_BLOCK = re.compile(r"blk\.(\d{1,4})\.(.+)")


def structure_of_gguf(metadata: Mapping[str, Value], tensors: Sequence[Tensor]) -> Structure | Refusal:
    """Return the structure of the model in a GGUF file, from all of its tensor tables; raises nothing.

    Weights are those stored, under their GGUF names. An architecture whose cache is not known is refused.
    """
    name = metadata.get("general.architecture")
    if not isinstance(name, str) or not name:
        return Refusal("the file does not say its architecture: `general.architecture` is missing")
    try:
        return _File(name, metadata, tensors).build()
    except Refused as refusal:
        return Refusal(str(refusal), name)


@dataclass(frozen=True, slots=True)
class _Known:
    """How layers of one architecture cache; `every` is 0 where none slides, `listed` where the file says it."""

    is_recurrent: bool = False
    is_listed: bool = False
    every: int = 0
    is_first: bool = False
    window: int | None = None
    is_optional: bool = False
    forced: int | None = None


@cache
def _known() -> dict[str, _Known]:
    data = tomllib.loads((Path(__file__).parent / "gguf.toml").read_text("utf-8"))
    return {
        **{name: _Known() for name in data["full"]},
        **{name: _Known(is_recurrent=True) for name in data["recurrent"]},
        **{name: _Known(is_listed=True) for name in data["listed"]},
        **{
            name: _Known(
                every=row["every"], is_first=row.get("first", False), window=row.get("window"),
                is_optional=row.get("optional", False), forced=row.get("forced"),
            )
            for name, row in data["sliding"].items()
        },
    }  # fmt: skip


class _File:
    """One file's metadata and tables while its structure is built."""

    def __init__(self, name: str, metadata: Mapping[str, Value], tensors: Sequence[Tensor]) -> None:
        known = _known().get(name)
        if known is None:
            raise Refused(f"the GGUF architecture {quote(name)} is unknown")
        self.name, self.known = name, known
        own = {key.removeprefix(f"{name}."): _plain(value) for key, value in metadata.items()}
        self.fields = Fields(own)
        self.blocks: dict[int, dict[str, Tensor]] = defaultdict(dict)
        self.others: dict[str, Tensor] = {}
        for tensor in tensors:
            if found := _BLOCK.fullmatch(tensor.name):
                self.blocks[int(found[1])][found[2]] = tensor
            else:
                self.others[tensor.name] = tensor

    def build(self) -> Structure:
        """Return the structure; raises Refused."""
        n_blocks = self.fields.count("block_count", at_most=MAX_LAYERS)
        drafts = self.fields.optional("nextn_predict_layers") or 0
        if drafts >= n_blocks or sorted(self.blocks) != list(range(n_blocks)):
            raise Refused(f"the tables hold {len(self.blocks)} blocks of tensors, `block_count` says {n_blocks}")
        embedding = self.others.get("token_embd.weight")
        hidden = self.fields.count("embedding_length")
        if embedding is None or len(embedding.shape) != 2 or embedding.shape[0] != hidden:  # noqa: PLR2004 - a matrix
            raise Refused("`token_embd.weight` does not hold one row of `embedding_length` for each token")
        windows = self._windows(n_blocks - drafts)
        own = n_blocks - drafts - (self.fields.optional("attention.shared_kv_layers") or 0)
        layers = [self._layer(number, windows[number], is_own=number < own) for number in range(n_blocks - drafts)]
        mtp = [self._layer(number, None) for number in range(n_blocks - drafts, n_blocks)]
        return Structure(
            family=self.name,
            hidden_size=hidden,
            vocabulary=embedding.shape[1],
            is_tied="output.weight" not in self.others,
            outside=tuple(self._weight(tensor.name, tensor) for tensor in self.others.values()),
            layers=tuple(layers),
            mtp=tuple(mtp),
            layer_prefix="blk",
        )

    def _windows(self, n_layers: int) -> list[int | None]:
        """Return the window of each layer, None where every token is kept."""
        pattern: Any = self.fields.value("attention.sliding_window_pattern")
        window = self.fields.optional("attention.sliding_window", at_least=1) or self.known.window
        slides = self.known.is_listed or bool(self.known.every)
        if not slides or (window is None and self.known.is_optional):
            return [None] * n_layers
        if window is None:
            raise Refused("layers slide, but `attention.sliding_window` is missing")
        window = self.known.forced or window
        if isinstance(pattern, list):
            if len(pattern) < n_layers or not all(isinstance(one, bool | int) for one in pattern):
                raise Refused("`attention.sliding_window_pattern` does not name every layer")
            return [window if pattern[number] else None for number in range(n_layers)]
        if self.known.is_listed:
            raise Refused("`attention.sliding_window_pattern` is missing")
        every = self.known.every
        if pattern is not None:
            every = self.fields.count("attention.sliding_window_pattern", at_most=MAX_LAYERS)
        full = 0 if self.known.is_first else every - 1
        return [None if number % every == full else window for number in range(n_layers)]

    def _layer(self, number: int, window: int | None, *, is_own: bool = True) -> Layer:
        """Return a layer; one that has no cache of its own reads that of a layer before it."""
        block = self.blocks[number]
        is_recurrent = any(name.startswith("ssm_") for name in block)
        is_linear = is_recurrent and "attn_k.weight" not in block
        weights = tuple(self._weight(name, tensor, is_linear=is_linear) for name, tensor in block.items())
        if is_recurrent and not self.known.is_recurrent:
            raise Refused(f"{quote(self.name)} has no `ssm_` tensors in the version that is known")
        state = self._state() if is_recurrent else 0
        heads = self._heads(number)
        kept = self._cache(number, block, heads, window)
        if kept is None:
            return Layer("mamba" if is_recurrent else "mlp", weights, state=state)
        cached, attend = kept
        kind = "full" if window is None else "sliding"
        return Layer(kind, weights, (cached,) if is_own else (), (attend,), state)

    def _heads(self, number: int) -> tuple[int, int]:
        """Return query heads and key-value heads of a layer; either may be listed by layer."""
        found = []
        for key in ("attention.head_count", "attention.head_count_kv"):
            value: Any = self.fields.value(key)
            if isinstance(value, list):
                if number >= len(value) or type(value[number]) is not int or value[number] < 0:
                    raise Refused(f"`{key}` does not name every layer")
                found.append(value[number])
            else:
                found.append(self.fields.optional(key) if value is not None else None)
        n, k = found
        if n is None and not self.known.is_recurrent:
            raise Refused("`attention.head_count` is missing")
        n = n or 0
        return n, n if k is None else k

    def _cache(
        self, number: int, block: Mapping[str, Tensor], heads: tuple[int, int], window: int | None
    ) -> tuple[Cache, Attend] | None:
        """Return what a layer keeps of each token, from its key and value projections; None without attention."""
        n, k = heads
        if "attn_kv_a_mqa.weight" in block:
            return self._latent(block, n)
        if "attn_qkv.weight" not in block and "attn_k.weight" not in block:
            return None
        if not n or not k or n % k:
            raise Refused(f"{n} query heads of block {number} cannot share {k} key-value heads")
        d, v = self._widths(n, is_sliding=window is not None)
        if "attn_qkv.weight" in block and "ssm_conv1d.weight" not in block:
            if _out(block["attn_qkv.weight"]) != n * d + k * (d + v):
                raise Refused(f"`blk.{number}.attn_qkv.weight` does not hold {n} and {k} heads of {d} and {v}")
        elif "attn_k.weight" not in block:
            return None
        elif _out(block["attn_k.weight"]) != k * d:
            raise Refused(f"`blk.{number}.attn_k.weight` does not hold {k} heads of {d}")
        elif "attn_v.weight" in block and _out(block["attn_v.weight"]) != k * v:
            raise Refused(f"`blk.{number}.attn_v.weight` does not hold {k} heads of {v}")
        return Cache(k * (d + v), window), Attend(n, d, v, window=window)

    def _widths(self, n: int, *, is_sliding: bool) -> tuple[int, int]:
        """Return the width of a key and of a value; without them the hidden size is split over the heads."""
        hidden = self.fields.count("embedding_length")
        d, v = (self.fields.optional(f"attention.{one}_length", at_least=1) for one in ("key", "value"))
        if is_sliding:
            own = [self.fields.optional(f"attention.{one}_length_swa", at_least=1) for one in ("key", "value")]
            d, v = own[0] or d, own[1] or v
        return d or hidden // n, v or hidden // n

    def _latent(self, block: Mapping[str, Tensor], n: int) -> tuple[Cache, Attend]:
        """Multi-head latent attention: files since April 2025 name the absorbed widths, older ones are decompressed."""
        rank, rope = self.fields.count("attention.kv_lora_rank"), self.fields.count("rope.dimension_count")
        if _out(block["attn_kv_a_mqa.weight"]) != rank + rope:
            raise Refused(f"`attn_kv_a_mqa.weight` does not hold a latent of {rank} and {rope}")
        qk, v = (self.fields.optional(f"attention.{one}_length_mla", at_least=1) for one in ("key", "value"))
        if qk and v:
            return Cache(rank + rope, decompressed=n * (qk + v)), Attend(n, qk, v, rank + rope, rank)
        qk, v = (self.fields.count(f"attention.{one}_length") for one in ("key", "value"))
        return Cache(n * (qk + v)), Attend(n, qk, v)

    def _state(self) -> int:
        """Return the elements of a recurrent layer's state, by llama.cpp's `n_embd_r` and `n_embd_s`."""
        kernel, inner = self.fields.count("ssm.conv_kernel"), self.fields.count("ssm.inner_size")
        size, groups = self.fields.count("ssm.state_size"), self.fields.optional("ssm.group_count") or 0
        return inner * size + (kernel - 1) * (inner + 2 * groups * size)

    def _weight(self, name: str, tensor: Tensor, *, is_linear: bool = False) -> Weight:
        """Return a tensor as a weight; one that stacks every expert becomes as many copies."""
        part = part_of(name)
        if is_linear and part is Part.ATTENTION:
            part = Part.LINEAR_ATTENTION  # the projections of a delta net are named as those of attention
        if part is None:
            raise Refused(f"the tensor {quote(tensor.name)} is unknown")
        shape = tuple(reversed(tensor.shape))
        if part is not Part.ROUTED_EXPERTS:
            return Weight(name, part, shape)
        experts, used = self.fields.count("expert_count"), self.fields.count("expert_used_count")
        if shape[0] != experts or used > experts:
            raise Refused(f"the tensor {quote(tensor.name)} does not stack {experts} experts")
        return Weight(name, part, shape[1:], experts, used)


def _out(tensor: Tensor) -> int:
    """Return the rows of a projection, which GGUF gives last."""
    return tensor.shape[1] if len(tensor.shape) > 1 else 0


def _plain(value: Value) -> Any:
    """Return a metadata value as JSON has it; what the reader passed over counts as absent."""
    if isinstance(value, Omitted):
        return None
    return list(value) if isinstance(value, tuple) else value
