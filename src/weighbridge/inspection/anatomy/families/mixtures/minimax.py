"""MiniMax-M2 and M3: q/k norms over all heads, a corrected router; M3 with dense layers, shared experts, an index.

Formulas after the classes of transformers 5.23, compared with them to the unit, and with the hub's totals.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, laid_out
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    NUMBERED_EXPERT_NAMES,
    Routing,
    by_other_name,
    each,
    mixture,
    must_be,
    sparse_by_types,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Heads
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_COUNT = ("num_local_experts", "num_experts")
_TYPES = {"full_attention": False, "minimax_m3_sparse": True}


def _minimax_m2(fields: Fields) -> Structure:
    """MiniMax-M2: experts in every layer; the MTP modules its config declares are not in its checkpoints."""
    fields = absent(fields, num_key_value_heads=8, head_dim=128).with_defaults(
        num_local_experts=256, num_experts_per_tok=8
    )
    must_be(fields, "use_qk_norm", True)
    must_be(fields, "qk_norm_type", "per_layer")
    must_be(fields, "shared_intermediate_size", 0)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    if set(fields.counts("attn_type_list", layers) or (1,)) != {1}:
        raise Refused("`attn_type_list` holds linear attention, which this family does not have")
    mixer = grouped_query(hidden, heads, qk_norm="full")
    moe = Routing(fields.count(*_COUNT), fields.count("num_experts_per_tok"), fields.count("intermediate_size"))
    routed = moe.weights(hidden, prefix="block_sparse_moe")
    structure = mixture(fields, Traits(), (mixer,) * layers, (True,) * layers, routed=routed, buffers=moe.count)
    return replace(laid_out(structure, names=NUMBERED_EXPERT_NAMES), notes=_mtp_notes(fields))


def _mtp_notes(fields: Fields) -> tuple[str, ...]:
    if not fields.optional("num_mtp_modules"):
        return ()
    return ("the config declares MTP modules, which the published checkpoints do not hold",)


def _minimax_m3(fields: Fields) -> Structure:
    """MiniMax-M3's language model: layers whose attention an index restricts to blocks of keys, as config lists say."""
    fields = absent(fields, num_key_value_heads=4, head_dim=128).with_defaults(
        num_local_experts=128, num_experts_per_tok=4, dense_intermediate_size=12288, shared_intermediate_size=3072
    )
    fields = by_other_name(fields, "num_local_experts", _COUNT[1:], 128)
    must_be(fields, "attention_output_gate", False)
    must_be(fields, "use_qk_norm", True)
    must_be(fields, "qk_norm_type", "per_head")
    must_be(fields, "n_shared_experts", 1)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    indexed = _indexed(fields, layers)
    mixers = each(indexed, _mixer_maker(fields, hidden, heads))
    width = fields.count("intermediate_size")
    if fields.has("moe_intermediate_size") and fields.count("moe_intermediate_size") != width:
        raise Refused("`moe_intermediate_size` and `intermediate_size` disagree on the width of an expert")
    shared = fields.count("shared_intermediate_size", at_least=0)
    moe = Routing(fields.count(*_COUNT), fields.count("num_experts_per_tok"), width, shared)
    routed = moe.weights(hidden, prefix="block_sparse_moe")
    plain = feed_forward(hidden, fields.count("dense_intermediate_size"))
    structure = mixture(
        fields, Traits(), mixers, _sparse(fields, layers), routed=routed, plain=plain, buffers=moe.count
    )
    notes = _mtp_notes(fields)
    fields.value("index_n_heads")  # stands in the config of models without an index as well
    if any(indexed):
        kept = sum(indexed) * _index_width(fields)
        notes = (*notes, f"the sparse index keeps keys of its own, {kept} elements a token, not counted in the cache")
        structure = replace(structure, is_cache_sure=False)
    return replace(structure, notes=notes)


def _sparse(fields: Fields, layers: int) -> tuple[bool, ...]:
    frequency = fields.counts("moe_layer_freq", layers)
    if frequency is None:
        must_be(fields, "first_k_dense_replace", 0)
    elif fields.has("first_k_dense_replace"):
        first = fields.count("first_k_dense_replace", at_least=0)
        if frequency != tuple(int(number >= first) for number in range(layers)):
            raise Refused("`first_k_dense_replace` and `moe_layer_freq` disagree")
    fallback = (True,) * layers if frequency is None else tuple(one > 0 for one in frequency)
    return sparse_by_types(fields, layers, fallback)


def _indexed(fields: Fields, layers: int) -> tuple[bool, ...]:
    """Return which layers have an index: by `layer_types`, else by the vendor's list; none where neither is there."""
    types = fields.words("layer_types", layers)
    if types is not None:
        if not set(types) <= set(_TYPES):
            raise Refused("`layer_types` holds a kind that this family does not have")
        return tuple(_TYPES[one] for one in types)
    section = fields.section("sparse_attention_config")
    frequency = section.counts("sparse_attention_freq", layers) if section else None
    return tuple(one > 0 for one in frequency) if frequency is not None else (False,) * layers


def _index_field(fields: Fields, key: str, vendor: str, default: int) -> int:
    """Read a field of the index under the library's name, which the vendor's section overrules."""
    section = fields.section("sparse_attention_config")
    if section is not None and section.has(vendor):
        fields.value(key)
        return section.count(vendor)
    return fields.count(key, default=default)


def _index_width(fields: Fields) -> int:
    return _index_field(fields, "index_head_dim", "sparse_index_dim", 128)


def _mixer_maker(fields: Fields, hidden: int, heads: Heads) -> Callable[[bool], Mixer]:
    full = grouped_query(hidden, heads, qk_norm="head")

    def make(indexed: bool) -> Mixer:
        if not indexed:
            return full
        width = _index_width(fields)
        number = _index_field(fields, "index_n_heads", "sparse_num_index_heads", 4)
        blocks = _index_field(fields, "index_topk_blocks", "sparse_topk_blocks", 16)
        size = _index_field(fields, "index_block_size", "sparse_block_size", 128)
        index = (
            *linear("self_attn.indexer.q_proj", number * width, hidden, Part.ATTENTION),
            *linear("self_attn.indexer.k_proj", width, hidden, Part.ATTENTION),
            *norm("self_attn.indexer.q_norm", width),
            *norm("self_attn.indexer.k_norm", width),
        )
        attend = tuple(replace(one, selected=blocks * size) for one in full.attend)
        return replace(full, kind="sparse", weights=(*full.weights, *index), attend=attend)

    return make


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "minimax_m2": _minimax_m2,
    "minimax_m3": _minimax_m3,
    "minimax_m3_vl": _minimax_m3,
    "minimax_m3_vl_text": _minimax_m3,
}
