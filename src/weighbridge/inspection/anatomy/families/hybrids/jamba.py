"""Attention among Mamba layers: Jamba, Bamba, Granite 4 and Falcon H1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import experts, feed_forward, grouped_query, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    FULL,
    LINEAR,
    Frame,
    framed,
    heads_in,
    is_null,
    kinds_in,
    layered,
    library,
    mixed,
    plain_ffn,
)
from weighbridge.inspection.anatomy.families.hybrids.mamba import Scan, Selective, head_width, rank_in
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Mixer
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_FRAME = Frame(final="final_layernorm")


def _scan(fields: Fields, inner: int) -> Scan:
    """Read the Mamba 2 widths under the names that Bamba, Granite 4 and Falcon H1 share."""
    heads = fields.count("mamba_n_heads")
    head_width(fields, "mamba_d_head", inner, heads)
    return Scan(
        inner,
        heads,
        fields.count("mamba_d_state"),
        fields.count("mamba_n_groups"),
        fields.count("mamba_d_conv"),
    )


def _attention(fields: Fields, hidden: int) -> Mixer:
    bias = fields.flag("attention_bias", default=False)
    return grouped_query(hidden, heads_in(fields, hidden), qkv_bias=bias, out_bias=bias)


def _periodic(fields: Fields, name: str, layers: int) -> tuple[bool, ...]:
    """Return for each layer whether it is one of `{name}_period`, counted from `{name}_offset`."""
    period, offset = fields.count(f"{name}_period"), fields.count(f"{name}_offset", at_least=0)
    if offset >= period:
        raise Refused(f"`{name}_offset` must be smaller than `{name}_period`")
    return tuple(number % period == offset for number in range(layers))


def _jamba(fields: Fields) -> Structure:
    """Jamba: Mamba 1 with norms, attention and experts each on every so many layers (arXiv 2403.19887)."""
    fields = library(fields, "jamba")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    if fields.has("sliding_window"):
        raise Refused("`sliding_window` is declared, which Jamba does not have")
    widths = Selective(
        fields.count("mamba_expand") * hidden,
        fields.count("mamba_d_state"),
        fields.count("mamba_d_conv"),
        rank_in(fields, "mamba_dt_rank", hidden),
        conv_bias=fields.flag("mamba_conv_bias"),
        bias=fields.flag("mamba_proj_bias"),
    )
    mixers = (widths.mixer(hidden, is_normed=True), grouped_query(hidden, heads_in(fields, hidden)))
    dense = plain_ffn(fields, hidden, prefix="feed_forward")
    count, used = fields.count("num_experts", "num_local_experts"), fields.count("num_experts_per_tok")
    sparse = dense
    if count > 1:
        width = fields.count("intermediate_size")
        sparse = experts(hidden, width, count, used, prefix="feed_forward", router="router")
    norms = (*norm("input_layernorm", hidden), *norm("pre_ff_layernorm", hidden))
    attends, mixes = _periodic(fields, "attn_layer", layers), _periodic(fields, "expert_layer", layers)
    built = [
        layered(mixers[attend], sparse if mix else dense, norms) for attend, mix in zip(attends, mixes, strict=True)
    ]
    return framed(fields, built, _FRAME)


def _bamba(fields: Fields) -> Structure:
    """Bamba: Mamba 2, with attention on the layers of `attn_layer_indices`."""
    fields = library(fields, "bamba")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    mamba = _scan(fields, fields.count("mamba_expand") * hidden).mixer(
        hidden, conv_bias=fields.flag("mamba_conv_bias"), bias=fields.flag("mamba_proj_bias")
    )
    attention = _attention(fields, hidden)
    attends = fields.members("attn_layer_indices")
    ffn = plain_ffn(fields, hidden, prefix="feed_forward", bias=fields.flag("mlp_bias"))
    norms = (*norm("input_layernorm", hidden), *norm("pre_ff_layernorm", hidden))
    built = [layered(attention if number in attends else mamba, ffn, norms) for number in range(layers)]
    return framed(fields, built, _FRAME)


def _granite(fields: Fields) -> Structure:
    """Granite 4: Mamba 2 or attention by `layer_types`; routed experts, where there are any, beside a shared one."""
    fields = library(fields, "granitemoehybrid")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    mamba = _scan(fields, fields.count("mamba_expand") * hidden).mixer(
        hidden, conv_bias=fields.flag("mamba_conv_bias"), bias=fields.flag("mamba_proj_bias")
    )
    mixers = {FULL: _attention(fields, hidden), LINEAR: mamba}
    kinds = kinds_in(fields, layers, mixers, "layer_types", "layers_block_type")
    if kinds is None:
        kinds = (LINEAR,) * layers
        fields.assumed.append("`layer_types` is not declared; the library takes Mamba for every layer")
    count, used = fields.count("num_local_experts", at_least=0), fields.count("num_experts_per_tok", at_least=0)
    shared = fields.count("shared_intermediate_size")
    part = Part.SHARED_EXPERTS if count else Part.DENSE_FFN
    ffn = feed_forward(hidden, shared, prefix="shared_mlp", part=part)
    if count:
        width = fields.count("intermediate_size")
        ffn += experts(hidden, width, count, used, prefix="block_sparse_moe", router="router.layer")
    norms = (*norm("input_layernorm", hidden), *norm("post_attention_layernorm", hidden))
    return framed(fields, [layered(mixers[kind], ffn, norms) for kind in kinds])


def _falcon_h1(fields: Fields) -> Structure:
    """Falcon H1: attention and Mamba 2 side by side; `mamba_expand` counts where `mamba_d_ssm` is null."""
    fields = library(fields, "falcon_h1")
    hidden = fields.count("hidden_size")
    derived = is_null(fields, "mamba_d_ssm")
    inner = fields.count("mamba_expand") * hidden if derived else fields.count("mamba_d_ssm")
    mamba = _scan(fields, inner).mixer(
        hidden,
        conv_bias=fields.flag("mamba_conv_bias"),
        bias=fields.flag("mamba_proj_bias"),
        out_bias=fields.flag("projectors_bias"),
        is_normed=fields.flag("mamba_rms_norm"),
    )
    layer = layered(
        mixed("hybrid", mamba, _attention(fields, hidden)),
        plain_ffn(fields, hidden, prefix="feed_forward", bias=fields.flag("mlp_bias")),
        norm("input_layernorm", hidden),
        norm("pre_ff_layernorm", hidden),
    )
    return framed(fields, [layer] * fields.layers(), _FRAME)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "jamba": _jamba,
    "bamba": _bamba,
    "granitemoehybrid": _granite,
    "falcon_h1": _falcon_h1,
}
