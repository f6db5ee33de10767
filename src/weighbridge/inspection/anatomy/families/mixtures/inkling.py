"""Inkling: relative positions instead of rotary ones, and short convolutions around attention and feed-forward.

Formulas after the class of transformers 5.23, compared with it to the unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, feed_forward, grouped_query, linear
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of
from weighbridge.inspection.anatomy.families.lines.layout import absent
from weighbridge.inspection.anatomy.families.mixtures.parts import Routing, each, mixture, must_be, sparse_by_types
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Mixer
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]


def _inkling(fields: Fields) -> Structure:
    """Inkling's language model: as many shared experts as declared beside the routed, scored by the same router."""
    fields = absent(fields, num_key_value_heads=8, head_dim=128).with_defaults(
        swa_num_attention_heads=64, swa_num_key_value_heads=16, swa_head_dim=128, sliding_window_size=512, d_rel=16,
        rel_extent=1024, conv_kernel_size=4, n_routed_experts=256, num_experts_per_tok=6, n_shared_experts=2,
        moe_intermediate_size=3072, dense_mlp_idx=0,
    )  # fmt: skip
    must_be(fields, "tie_word_embeddings", False)  # the class ties nothing, whatever is declared
    hidden, layers = hidden_of(fields), fields.layers()
    mixers = each(_kinds(fields, layers), _mixer_maker(fields, hidden))
    shared = fields.count("n_shared_experts", at_least=0)
    dense_width, width = fields.count("intermediate_size"), fields.count("moe_intermediate_size")
    if fields.has("dense_intermediate_size"):  # the vendor's spelling: `intermediate_size` is then an expert's
        dense_width, width = fields.count("dense_intermediate_size"), dense_width
    count = fields.count("n_routed_experts", "num_local_experts")
    moe = Routing(count, fields.count("num_experts_per_tok"), width, shared * width)
    routed = (
        *moe.weights(hidden),
        Weight("mlp.gate.shared.weight", Part.ROUTER, (shared, hidden)),
        Weight("mlp.gate.global_scale", Part.ROUTER, (1,)),
    )
    plain = (*feed_forward(hidden, dense_width), Weight("mlp.global_scale", Part.DENSE_FFN, (1,)))
    first = fields.count("dense_mlp_idx", at_least=0)
    sparse = sparse_by_types(fields, layers, tuple(number >= first for number in range(layers)))
    structure = mixture(fields, Traits(), mixers, sparse, routed=routed, plain=plain, buffers=count)
    embedded = Weight("model.embed_tokens.embed_norm.weight", Part.NORMS, (hidden,))
    return replace(structure, outside=(*structure.outside, embedded))


def _mixer_maker(fields: Fields, hidden: int) -> Callable[[bool], Mixer]:
    """Return how to make a sliding or a full mixer; four convolutions keep their last inputs, whatever the length."""
    full, width = heads_of(fields), fields.count("swa_head_dim")
    sliding = Heads(fields.count("swa_num_attention_heads"), fields.count("swa_num_key_value_heads"), width, width)
    size = fields.count("sliding_window_size", "sliding_window")
    kernel, relative = fields.count("conv_kernel_size", "sconv_kernel_size"), fields.count("d_rel")
    extent = fields.count("rel_extent")

    def make(slides: bool) -> Mixer:
        own = sliding if slides else full
        sides = own.k * own.d
        extra = (
            *linear("self_attn.r_proj", own.n * relative, hidden, Part.ATTENTION),
            Weight("self_attn.rel_logits_proj.proj", Part.ATTENTION, (relative, size if slides else extent)),
            Weight("self_attn.k_sconv.conv1d.weight", Part.ATTENTION, (sides, 1, kernel)),
            Weight("self_attn.v_sconv.conv1d.weight", Part.ATTENTION, (sides, 1, kernel)),
            Weight("attn_sconv.conv1d.weight", Part.RESIDUAL, (hidden, 1, kernel)),
            Weight("mlp_sconv.conv1d.weight", Part.RESIDUAL, (hidden, 1, kernel)),
        )
        made = grouped_query(hidden, own, qk_norm="head", window=size if slides else None, extra=extra)
        return replace(made, state=2 * (sides + hidden) * (kernel - 1))

    return make


def _kinds(fields: Fields, layers: int) -> tuple[bool, ...]:
    """Return which layers slide: by types, by a list of numbers, else all but every sixth."""
    types = fields.words("layer_types", layers)
    if types is not None:
        if not set(types) <= {"hybrid", "hybrid_sliding"}:
            raise Refused("`layer_types` holds a kind that this family does not have")
        return tuple(one == "hybrid_sliding" for one in types)
    if fields.has("local_layer_ids"):
        local = fields.members("local_layer_ids")
        return tuple(number in local for number in range(layers))
    return tuple((number + 1) % 6 != 0 for number in range(layers))


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"inkling_text": _inkling}
