"""Multi-head latent attention and its sparse indexer, as DeepSeek-V2 and DeepSeek-V3.2 brought them.

Shapes: transformers 5.23, `models/deepseek_v3` and `models/deepseek_v32`; cache widths: arXiv 2405.04434, 2.1.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import Mixer, linear, norm
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Part

if TYPE_CHECKING:
    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields

__all__ = [
    "Indexer",
    "Latent",
    "indexer_of",
    "is_null",
    "latent_attention",
    "latent_of",
    "library",
    "number",
    "rank_of",
]


@dataclass(frozen=True, slots=True)
class Latent:
    """Widths of latent attention: `n` heads; a key of `nope` + `rope` elements, a value of `v`, in each head.

    Keys and values come from a latent of `kv_rank`; queries from one of `q_rank`, or from the input where it is None.
    """

    n: int
    nope: int
    rope: int
    v: int
    kv_rank: int
    q_rank: int | None

    @property
    def qk(self) -> int:
        """Elements of a query or key in one head."""
        return self.nope + self.rope


@dataclass(frozen=True, slots=True)
class Indexer:
    """A lightning indexer: `heads` query heads and one key of `size` elements pick `selected` positions."""

    heads: int
    size: int
    selected: int


@cache
def _defaults() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("defaults.toml").read_text(encoding="utf-8"))


def library(fields: Fields, family: str) -> Fields:
    """Return the section with what the library of `family` takes for keys that a config leaves out."""
    return fields.with_defaults(**_defaults()[family])


def is_null(fields: Fields, *keys: str) -> bool:
    """Whether a field is declared as null, which libraries do not replace by their default."""
    return not fields.has(*keys) and any(key in fields.config for key in keys)


def number(fields: Fields, *keys: str, at_least: int = 1) -> int:
    """Return a whole number, or the library's default where the field is absent; a declared null is refused."""
    if is_null(fields, *keys):
        raise Refused(f"{quote(keys[0])} is null")
    return fields.count(*keys, at_least=at_least)


def rank_of(fields: Fields, *keys: str) -> int | None:
    """Return the rank of a compression, None where it is declared as null: then nothing is compressed."""
    if is_null(fields, *keys):
        return None
    if not fields.has(*keys) and all(fields.defaults.get(key) is None for key in keys):
        return None
    return fields.count(*keys)


def latent_of(
    fields: Fields, *, compressed: bool | None = None, v: int | None = None, rope: int | None = None
) -> Latent:
    """Read the widths; `compressed` False or True where a class knows no choice about its queries.

    `v` is the width of a value where the config does not declare one; `rope` that of a family which fixes it.
    """
    q_rank = None if compressed is False else rank_of(fields, "q_lora_rank")
    if compressed and q_rank is None:
        raise Refused("`q_lora_rank` is null")
    return Latent(
        n=number(fields, "num_attention_heads"),
        nope=number(fields, "qk_nope_head_dim"),
        rope=number(fields, "qk_rope_head_dim") if rope is None else rope,
        v=number(fields, "v_head_dim") if v is None else fields.count("v_head_dim", default=v),
        kv_rank=number(fields, "kv_lora_rank"),
        q_rank=q_rank,
    )


def indexer_of(fields: Fields) -> Indexer:
    """Read the indexer's widths."""
    return Indexer(number(fields, "index_n_heads"), number(fields, "index_head_dim"), number(fields, "index_topk"))


def latent_attention(
    hidden: int,
    latent: Latent,
    *,
    prefix: str = "self_attn",
    bias: bool = False,
    indexer: Indexer | None = None,
    selected: int | None = None,
    window: int | None = None,
    extra: Weights = (),
) -> Mixer:
    """Return latent attention; `bias` stands on both down-projections and on the output.

    `indexer` is this layer's own; a layer that reuses another's choice has only `selected`.
    """
    attend = Attend(
        latent.n, latent.qk, latent.v, latent.kv_rank + latent.rope, latent.kv_rank,
        window=window, selected=indexer.selected if indexer else selected,
    )  # fmt: skip
    kept = latent.kv_rank + latent.rope
    cache = Cache(kept, window, decompressed=latent.n * (latent.qk + latent.v))
    weights = (*_queries(hidden, latent, prefix, bias=bias), *_keys_values(hidden, latent, prefix, bias=bias), *extra)
    if indexer is None:
        kind = "sliding" if window is not None else "full" if selected is None else "sparse"
        return Mixer(kind, weights, (cache,), (attend,))
    if latent.q_rank is None:
        raise Refused("an indexer needs compressed queries, but `q_lora_rank` is null")
    index = _index(hidden, latent.q_rank, indexer, f"{prefix}.indexer")
    scores = Attend(indexer.heads, indexer.size, 0)
    return Mixer("sparse", (*weights, *index), (cache, Cache(indexer.size, is_index=True)), (attend, scores))


def _queries(hidden: int, latent: Latent, prefix: str, *, bias: bool) -> Weights:
    out = latent.n * latent.qk
    if latent.q_rank is None:
        return linear(f"{prefix}.q_proj", out, hidden, Part.ATTENTION)
    return (
        *linear(f"{prefix}.q_a_proj", latent.q_rank, hidden, Part.ATTENTION, bias=bias),
        *norm(f"{prefix}.q_a_layernorm", latent.q_rank),
        *linear(f"{prefix}.q_b_proj", out, latent.q_rank, Part.ATTENTION),
    )


def _keys_values(hidden: int, latent: Latent, prefix: str, *, bias: bool) -> Weights:
    rank = latent.kv_rank
    return (
        *linear(f"{prefix}.kv_a_proj_with_mqa", rank + latent.rope, hidden, Part.ATTENTION, bias=bias),
        *norm(f"{prefix}.kv_a_layernorm", rank),
        *linear(f"{prefix}.kv_b_proj", latent.n * (latent.nope + latent.v), rank, Part.ATTENTION),
        *linear(f"{prefix}.o_proj", hidden, latent.n * latent.v, Part.ATTENTION, bias=bias),
    )


def _index(hidden: int, q_rank: int, indexer: Indexer, prefix: str) -> Weights:
    return (
        *linear(f"{prefix}.wq_b", indexer.heads * indexer.size, q_rank, Part.ATTENTION),
        *linear(f"{prefix}.wk", indexer.size, hidden, Part.ATTENTION),
        *norm(f"{prefix}.k_norm", indexer.size, bias=True),
        *linear(f"{prefix}.weights_proj", indexer.heads, hidden, Part.ATTENTION),
    )
