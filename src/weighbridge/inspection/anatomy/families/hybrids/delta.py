"""Gated delta nets beside gated attention: Qwen3-Next, Qwen3.5 and 3.6, and OLMo Hybrid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, experts, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    FULL,
    LINEAR,
    framed,
    heads_in,
    kinds_in,
    layered,
    library,
    plain_ffn,
    vector,
)
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Layer, Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.inspection.anatomy.families.blocks import Heads, Weights
    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["FAMILIES", "DeltaNet", "delta_net_in", "gated_attention", "qwen_net", "sparse_ffn"]

_NORMS = ("input_layernorm", "post_attention_layernorm")


@dataclass(frozen=True, slots=True)
class DeltaNet:
    """Widths of a gated delta net: key heads of `dk` and value heads of `dv` elements, a convolution of `kernel`."""

    key_heads: int
    value_heads: int
    dk: int
    dv: int
    kernel: int

    @property
    def keys(self) -> int:
        """Elements of all key heads."""
        return self.key_heads * self.dk

    @property
    def values(self) -> int:
        """Elements of all value heads."""
        return self.value_heads * self.dv

    @property
    def mixed(self) -> int:
        """Channels of the convolution over queries, keys and values."""
        return 2 * self.keys + self.values


def delta_net_in(fields: Fields) -> DeltaNet:
    """Read the widths of a gated delta net; value heads are shared out over key heads, so they must divide."""
    net = DeltaNet(
        fields.count("linear_num_key_heads"),
        fields.count("linear_num_value_heads"),
        fields.count("linear_key_head_dim"),
        fields.count("linear_value_head_dim"),
        fields.count("linear_conv_kernel_dim"),
    )
    if net.value_heads % net.key_heads:
        raise Refused(f"{net.value_heads} value heads cannot share {net.key_heads} key heads")
    return net


def _delta_net(hidden: int, net: DeltaNet, projections: Weights, *, norm_name: str, out: str) -> Mixer:
    """Return a gated delta net around its input projections.

    State: value_heads x dk x dv, and the last kernel - 1 inputs of the convolution (Qwen3-Next; arXiv 2412.06464).
    """
    prefix = "linear_attn"
    weights = (
        *projections,
        Weight(f"{prefix}.conv1d.weight", Part.LINEAR_ATTENTION, (net.mixed, 1, net.kernel)),
        *vector(f"{prefix}.dt_bias", net.value_heads),
        *vector(f"{prefix}.A_log", net.value_heads),
        *norm(f"{prefix}.{norm_name}", net.dv),
        *linear(f"{prefix}.{out}", hidden, net.values, Part.LINEAR_ATTENTION),
    )
    state = net.value_heads * net.dk * net.dv + net.mixed * (net.kernel - 1)
    return Mixer("delta", weights, state=state)


def gated_attention(hidden: int, heads: Heads, *, bias: bool) -> Mixer:
    """Return grouped-query attention whose query projection carries an output gate as wide as itself."""
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head")
    doubled = tuple(
        replace(weight, shape=(2 * weight.shape[0], *weight.shape[1:])) if ".q_proj." in weight.name else weight
        for weight in mixer.weights
    )
    return replace(mixer, weights=doubled)


def sparse_ffn(fields: Fields, hidden: int) -> Weights:
    """Return Qwen's mixture: routed experts and one shared expert behind a gate of its own."""
    return experts(
        hidden,
        fields.count("moe_intermediate_size"),
        fields.count("num_experts"),
        fields.count("num_experts_per_tok"),
        shared=fields.count("shared_expert_intermediate_size"),
        shared_prefix="shared_expert",
        shared_gate=True,
    )


def _projections(hidden: int, sizes: dict[str, int]) -> Weights:
    """Return input projections of a delta net, by name and width."""
    return tuple(
        weight
        for name, size in sizes.items()
        for weight in linear(f"linear_attn.{name}", size, hidden, Part.LINEAR_ATTENTION)
    )


def qwen_net(hidden: int, net: DeltaNet, *, is_packed: bool) -> Mixer:
    """Return Qwen's delta net: two packed input projections (Qwen3-Next), or four (Qwen3.5)."""
    if is_packed:
        sizes = {"in_proj_qkvz": net.mixed + net.values, "in_proj_ba": 2 * net.value_heads}
    else:
        sizes = {
            "in_proj_qkv": net.mixed,
            "in_proj_z": net.values,
            "in_proj_b": net.value_heads,
            "in_proj_a": net.value_heads,
        }
    return _delta_net(hidden, net, _projections(hidden, sizes), norm_name="norm", out="out_proj")


def _kinds(fields: Fields, layers: int) -> tuple[str, ...]:
    """Return the kinds that are listed; else every `full_attention_interval`-th layer attends to all tokens."""
    listed = kinds_in(fields, layers, (FULL, LINEAR), "layer_types")
    if listed is not None:
        return listed
    every = fields.count("full_attention_interval", default=4)
    return tuple(LINEAR if (number + 1) % every else FULL for number in range(layers))


def _qwen(fields: Fields, ffns: Sequence[Weights], *, is_packed: bool) -> Structure:
    """Build a Qwen hybrid of the feed-forward parts of its layers; those beyond the layers belong to MTP modules."""
    hidden, layers = fields.count("hidden_size"), fields.layers()
    if fields.value("attn_output_gate") is False:
        raise Refused("`attn_output_gate` is off, but the library builds the gate all the same")
    attention = gated_attention(hidden, heads_in(fields, hidden), bias=fields.flag("attention_bias"))
    mixers = {FULL: attention, LINEAR: qwen_net(hidden, delta_net_in(fields), is_packed=is_packed)}
    norms = tuple(weight for name in _NORMS for weight in norm(name, hidden))
    kinds = _kinds(fields, layers)
    built = [layered(mixers[kind], ffn, norms) for kind, ffn in zip(kinds, ffns, strict=False)]
    modules = [layered(attention, ffn, norms) for ffn in ffns[layers:]]
    notes: tuple[str, ...] = ()
    if modules and fields.value("mtp_use_dedicated_embeddings"):
        notes = ("the MTP module has embeddings of its own, which are not counted",)
    return replace(framed(fields, built), mtp=_fused(hidden, modules), notes=notes)


def _fused(hidden: int, modules: list[Layer]) -> tuple[Layer, ...]:
    """Return MTP layers behind one projection of embedding and state, with a norm of each and one of the output.

    Equal to the unit with the MTP part of the hub's totals of Qwen3-Next, Qwen3.5-35B-A3B and 122B-A10B.
    """
    if not modules:
        return ()
    names = ("pre_fc_norm_embedding", "pre_fc_norm_hidden", "norm")
    fusion = (
        *linear("fc", hidden, 2 * hidden, Part.DENSE_FFN),
        *(weight for name in names for weight in norm(name, hidden)),
    )
    first, *rest = modules
    return (replace(first, weights=(*first.weights, *fusion)), *rest)


def _modules(fields: Fields, default: int) -> int:
    """Return how many MTP modules the checkpoint carries."""
    said = fields.optional("mtp_num_hidden_layers", "num_nextn_predict_layers")
    if said is not None and said > MAX_LAYERS:
        raise Refused("`mtp_num_hidden_layers` is out of range")
    return default if said is None else said


def _qwen3_next(fields: Fields) -> Structure:
    """Qwen3-Next: a mixture on every `decoder_sparse_step`-th layer but those of `mlp_only_layers`; one MTP module."""
    fields = library(fields, "qwen3_next")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    plain, step = fields.members("mlp_only_layers"), fields.count("decoder_sparse_step")
    dense = plain_ffn(fields, hidden)
    sparse = sparse_ffn(fields, hidden) if fields.count("num_experts", at_least=0) else dense
    ffns = [
        dense if number in plain or (number + 1) % step else sparse for number in range(layers + _modules(fields, 1))
    ]
    structure = _qwen(fields, ffns, is_packed=True)
    if fields.has("mtp_num_hidden_layers", "num_nextn_predict_layers"):
        return structure
    return replace(
        structure, notes=("the config does not say whether its checkpoint holds an MTP module; one is given",)
    )


def _qwen3_5(fields: Fields) -> Structure:
    """Qwen3.5 and 3.6, dense: the delta net's projections apart."""
    fields = library(_nested(fields, "qwen3_5"), "qwen3_5_text")
    ffn = plain_ffn(fields, fields.count("hidden_size"))
    return _qwen(fields, [ffn] * (fields.layers() + _modules(fields, 0)), is_packed=False)


def _qwen3_5_moe(fields: Fields) -> Structure:
    """Qwen3.5 and 3.6, mixtures: every layer has experts, whatever `mlp_only_layers` says."""
    fields = library(_nested(fields, "qwen3_5_moe"), "qwen3_5_moe_text")
    ffn = sparse_ffn(fields, fields.count("hidden_size"))
    if fields.members("mlp_only_layers"):
        raise Refused("`mlp_only_layers` names layers, but the library builds experts on all of them")
    return _qwen(fields, [ffn] * (fields.layers() + _modules(fields, 0)), is_packed=False)


def _nested(fields: Fields, outer: str) -> Fields:
    """Refuse the outer name without a text section: the library then builds its own example instead."""
    if fields.word("model_type") == outer and not fields.has("text_config"):
        raise Refused("`text_config` is missing, without which the library takes nothing from this config")
    return fields


def _olmo_hybrid(fields: Fields) -> Structure:
    """OLMo Hybrid: norms behind attention and its feed-forward part, before and behind those of delta nets."""
    fields = library(fields, "olmo_hybrid")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    heads = heads_in(fields, hidden)
    bias = fields.flag("attention_bias")
    attention = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="full")
    net = delta_net_in(_olmo_net(fields, hidden, heads.n))
    sizes = {
        "q_proj": net.keys, "k_proj": net.keys, "v_proj": net.values,
        "a_proj": net.value_heads, "b_proj": net.value_heads, "g_proj": net.values,
    }  # fmt: skip
    recurrent = _delta_net(hidden, net, _projections(hidden, sizes), norm_name="o_norm", out="o_proj")
    ffn = plain_ffn(fields, hidden)
    names = {FULL: ("post_attention_layernorm", "post_feedforward_layernorm"), LINEAR: _NORMS}
    kinds = kinds_in(fields, layers, (FULL, LINEAR), "layer_types") or _olmo_kinds(layers)
    if set(kinds) != {FULL, LINEAR}:
        raise Refused("`layer_types` must hold both attention and linear attention")
    return framed(
        fields,
        [
            layered(
                attention if kind == FULL else recurrent,
                ffn,
                *(norm(name, hidden) for name in names[kind]),
            )
            for kind in kinds
        ],
    )


def _olmo_net(fields: Fields, hidden: int, heads: int) -> Fields:
    """Return the section with the widths that OLMo Hybrid derives: heads of attention, keys of 3/4 the hidden size."""
    keys = fields.count("linear_num_key_heads", default=heads)
    dk = fields.count("linear_key_head_dim", default=int(0.75 * hidden / keys))
    return fields.with_defaults(
        linear_num_key_heads=heads,
        linear_num_value_heads=heads,
        linear_key_head_dim=dk,
        linear_value_head_dim=2 * dk,
    )


def _olmo_kinds(layers: int) -> tuple[str, ...]:
    """Every fourth layer attends; in a stack too short for one, the last does."""
    kinds = [FULL if (number + 1) % 4 == 0 else LINEAR for number in range(layers)]
    if FULL not in kinds:
        kinds[-1] = FULL
    return tuple(kinds)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "qwen3_next": _qwen3_next,
    "qwen3_5": _qwen3_5,
    "qwen3_5_text": _qwen3_5,
    "qwen3_5_moe": _qwen3_5_moe,
    "qwen3_5_moe_text": _qwen3_5_moe,
    "olmo_hybrid": _olmo_hybrid,
}
