"""DeepSeek-V4: one shared key-value vector, a window on every layer, compressed history, hyper-connections.

Shapes and defaults: `models/deepseek_v4` of transformers 5.23; cache: its cache classes. The prediction module is as
the checkpoint stores it: with it the hub's 290,944,616,402 elements of V4-Flash are explained to the unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import Mixer, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, hidden_of
from weighbridge.inspection.anatomy.families.latents.attention import Indexer, indexer_of, library, number
from weighbridge.inspection.anatomy.families.latents.decoder import count_drafts, experts_of, without_drafts
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Layer, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.families.latents.decoder import Experts
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES", "hyper_connections", "hyper_head"]

_SLIDING, _SPARSE, _HEAVY = "sliding_attention", "compressed_sparse_attention", "heavily_compressed_attention"
_OF_RATIO = {0: _SLIDING, 4: _SPARSE, 128: _HEAVY}
_RATES = {_SPARSE: ("compress_rate_csa", 4), _HEAVY: ("compress_rate_hca", 128)}


def hyper_connections(hidden: int, streams: int, mixes: int, scales: int) -> Weights:
    """Return the two hyper-connections of a layer: `mixes` learned mixtures of `streams` residuals, with scales."""
    weights: list[Weight] = []
    for name in ("attn_hc", "ffn_hc"):
        weights += (
            Weight(f"{name}.fn", Part.RESIDUAL, (mixes, streams * hidden)),
            Weight(f"{name}.base", Part.RESIDUAL, (mixes,)),
            Weight(f"{name}.scale", Part.RESIDUAL, (scales,)),
        )
    return tuple(weights)


def hyper_head(hidden: int, streams: int, *, prefix: str = "model.hc_head.") -> Weights:
    """Return what mixes the residual streams into one before the final norm."""
    return (
        Weight(f"{prefix}hc_fn", Part.RESIDUAL, (streams, streams * hidden)),
        Weight(f"{prefix}hc_base", Part.RESIDUAL, (streams,)),
        Weight(f"{prefix}hc_scale", Part.RESIDUAL, (1,)),
    )


def _deepseek_v4(fields: Fields) -> Structure:
    """Build DeepSeek-V4; every layer has experts, and the first ones route by a stored table of token numbers."""
    fields = library(fields, "deepseek_v4")
    hidden, layers = hidden_of(fields), fields.layers()
    if number(fields, "num_key_value_heads") != 1:
        raise Refused("`num_key_value_heads` is not 1, but the family shares one key-value head")
    if fields.flag("mlp_bias", default=False) or fields.flag("attention_bias", default=False):
        raise Refused("a bias is declared, which no DeepSeek-V4 checkpoint is known to have")
    kinds = experts_of(fields, width=("moe_intermediate_size", "intermediate_size"))
    if kinds.shared != kinds.width:
        raise Refused("`n_shared_experts` is not 1, but the library builds one shared expert whatever it says")
    streams = number(fields, "hc_mult")
    residual = hyper_connections(hidden, streams, (2 + streams) * streams, 3)
    mixer_of = _mixers(fields, hidden)
    blocks = [(mixer_of(kind), kinds.weights(hidden)) for kind in _kinds(fields, layers)]
    structure = assemble(fields, Traits(), blocks, more=lambda _: residual)
    hashed = _hashed(fields, layers)
    structure = replace(
        structure,
        outside=(*structure.outside, *hyper_head(hidden, streams)),
        buffers=kinds.count * (layers - hashed) + structure.vocabulary * kinds.used * hashed,
    )
    drafts = count_drafts(fields)
    if drafts > 1:  # the later checkpoints with several modules hold more than as many copies of one
        return without_drafts(structure)
    module = _module(hidden, streams, mixer_of(_SLIDING), kinds, residual)
    return replace(structure, mtp=(module,) * drafts)


def _kinds(fields: Fields, layers: int) -> tuple[str, ...]:
    """Return each layer's kind: `layer_types`, else `compress_ratios`, which may go on to the prediction modules."""
    ratios = fields.value("compress_ratios")
    types = fields.words("layer_types", layers)
    if types is not None:
        if set(types) - set(_OF_RATIO.values()):
            raise Refused(f"`layer_types` holds {quote(min(set(types) - set(_OF_RATIO.values())))}")
        return types
    if ratios is None:
        first = [_HEAVY] * min(layers, 2)
        said = "`compress_ratios` is not declared; the library's default alternation of layers is taken"
        fields.assumed.append(said)
        return (*first, *(_SPARSE if layer % 2 else _HEAVY for layer in range(layers - len(first))))
    if not isinstance(ratios, list) or not layers <= len(ratios) <= 2 * MAX_LAYERS:
        raise Refused("`compress_ratios` does not give a ratio for each layer")
    if any(type(ratio) is not int or ratio not in _OF_RATIO for ratio in ratios):
        raise Refused("`compress_ratios` holds a ratio that the family does not have")
    return tuple(_OF_RATIO[ratio] for ratio in ratios[:layers])


def _hashed(fields: Fields, layers: int) -> int:
    """Return how many layers route by a table: `mlp_layer_types`, else the first `num_hash_layers`."""
    types = fields.words("mlp_layer_types", layers)
    if types is None:
        return min(layers, number(fields, "num_hash_layers", at_least=0))
    if set(types) - {"hash_moe", "moe"}:
        raise Refused("`mlp_layer_types` holds a type that the family does not have")
    return types.count("hash_moe")


def _rates(fields: Fields) -> dict[str, int]:
    """Return how many tokens each compressor folds into one: `compress_rates`, or one field for each kind."""
    declared = fields.section("compress_rates")
    rates = {}
    for kind, (key, default) in _RATES.items():
        rate = fields.optional(key, at_least=1)
        within = declared.optional(kind, at_least=1) if declared is not None else default
        if rate is None and within is None:
            raise Refused(f"`compress_rates` says nothing of {quote(kind)}")
        rates[kind] = rate or within or default
    return rates


def _mixers(fields: Fields, hidden: int) -> Callable[[str], Mixer]:
    """Return what builds the attention of a layer of some kind."""
    n, d, q_rank = (number(fields, key) for key in ("num_attention_heads", "head_dim", "q_lora_rank"))
    groups, o_rank = number(fields, "o_groups"), number(fields, "o_lora_rank")
    if n * d % groups:
        raise Refused(f"{n} heads of {d} elements cannot be put out in {groups} groups")
    window, rates, indexer = number(fields, "sliding_window"), _rates(fields), indexer_of(fields)
    weights = (
        *linear("self_attn.q_a_proj", q_rank, hidden, Part.ATTENTION),
        *norm("self_attn.q_a_norm", q_rank),
        *linear("self_attn.q_b_proj", n * d, q_rank, Part.ATTENTION),
        *linear("self_attn.kv_proj", d, hidden, Part.ATTENTION),
        *norm("self_attn.kv_norm", d),
        *linear("self_attn.o_a_proj", groups * o_rank, n * d // groups, Part.ATTENTION),
        *linear("self_attn.o_b_proj", hidden, groups * o_rank, Part.ATTENTION),
        Weight("self_attn.sinks", Part.ATTENTION, (n,)),
    )
    near, near_cache = Attend(n, d, d, window=window), Cache(d, window)

    def mixer(kind: str) -> Mixer:
        if kind == _SLIDING:
            return Mixer("sliding", weights, (near_cache,), (near,))
        rate = rates[kind]
        cache = (near_cache, Cache(d, stride=rate))
        place = "self_attn.compressor"
        if kind == _HEAVY:
            more = _compressor(place, hidden, d, d, rate)
            return Mixer("compressed", (*weights, *more), cache, (near, Attend(n, d, d, stride=rate)))
        more = (*_compressor(place, hidden, 2 * d, d, rate), *_indexer(place, hidden, q_rank, indexer, rate))
        far = Attend(n, d, d, selected=indexer.selected, stride=rate)
        scores = Attend(indexer.heads, indexer.size, 0, stride=rate)
        index = Cache(indexer.size, stride=rate, is_index=True)
        return Mixer("sparse", (*weights, *more), (*cache, index), (near, far, scores))

    return mixer


def _compressor(place: str, hidden: int, out: int, size: int, rate: int) -> Weights:
    """Return what folds `rate` tokens into a vector of `size` elements."""
    return (
        *linear(f"{place}.kv_proj", out, hidden, Part.ATTENTION),
        *linear(f"{place}.gate_proj", out, hidden, Part.ATTENTION),
        Weight(f"{place}.position_bias", Part.ATTENTION, (rate, out)),
        *norm(f"{place}.kv_norm", size),
    )


def _indexer(place: str, hidden: int, q_rank: int, indexer: Indexer, rate: int) -> Weights:
    """Return the indexer over compressed positions, which compresses keys of its own."""
    here = f"{place}.indexer"
    return (
        *_compressor(here, hidden, 2 * indexer.size, indexer.size, rate),
        *linear(f"{here}.q_b_proj", indexer.heads * indexer.size, q_rank, Part.ATTENTION),
        *linear(f"{here}.scorer.weights_proj", indexer.heads, hidden, Part.ATTENTION),
    )


def _module(hidden: int, streams: int, mixer: Mixer, kinds: Experts, residual: Weights) -> Layer:
    """Return one prediction module: a sliding layer, two projections, three norms and a mixing head of its own."""
    names = ("input_layernorm", "post_attention_layernorm", "enorm", "hnorm", "norm")
    weights = (
        *mixer.weights,
        *kinds.weights(hidden),
        *residual,
        *(weight for name in names for weight in norm(name, hidden)),
        Weight("mlp.gate.e_score_correction_bias", Part.ROUTER, (kinds.count,)),
        *linear("e_proj", hidden, hidden, Part.DENSE_FFN),
        *linear("h_proj", hidden, hidden, Part.DENSE_FFN),
        *hyper_head(hidden, streams, prefix=""),
    )
    return Layer(mixer.kind, weights, mixer.caches, mixer.attend)


def _deepseek_ref(fields: Fields) -> Structure:
    """DeepSeek-V4 under the model type of its reference implementation; any other architecture is refused."""
    if fields.value("architectures") != ["DeepseekV4ForCausalLM"]:
        raise Refused("`deepseek_ref` does not say which architecture it refers to")
    return _deepseek_v4(fields)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "deepseek_v4": _deepseek_v4,
    "deepseek_ref": _deepseek_ref,
}
