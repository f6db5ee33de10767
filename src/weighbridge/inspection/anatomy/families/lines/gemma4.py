"""Gemma 4: wider heads in full layers, keys that serve as values, shared caches, dense and mixed feed-forward."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.inspection.anatomy.families.blocks import Heads, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.gemma import ALL_NORMS, BOTH_WAYS
from weighbridge.inspection.anatomy.families.lines.gemma3n import (
    per_layer_inputs,
    per_layer_table,
    reusing,
    sharing_from,
)
from weighbridge.inspection.anatomy.families.lines.layout import absent, deriving, switched_on, without_cache
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Mixer, Weights
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_NORMS_OF_EXPERTS = ("post_feedforward_layernorm_1", "post_feedforward_layernorm_2", "pre_feedforward_layernorm_2")
_LAYER = re.compile("[0-9]{1,4}")
_BY_LAYER = {"head_dim", "num_key_value_heads"}


@dataclass(frozen=True, slots=True)
class _Attention:
    """What the attention of all layers has in common; `full` are the heads of a full layer that no list overrides."""

    hidden: int
    sliding: Heads
    full: Heads
    bias: bool
    keys_are_values: bool

    def layer(self, window: int | None, heads: Heads | None) -> Mixer:
        """Return one layer's attention; where keys serve as values there is no projection of values."""
        heads = heads or (self.full if window is None else self.sliding)
        mixer = grouped_query(self.hidden, heads, qkv_bias=self.bias, out_bias=self.bias, qk_norm="head", window=window)
        if window is not None or not self.keys_are_values:
            return mixer
        return replace(mixer, weights=tuple(weight for weight in mixer.weights if ".v_proj." not in weight.name))


def _gemma4(fields: Fields) -> Structure:
    """Gemma 4 text model, dense or with experts beside the dense block."""
    said = absent(
        fields, num_attention_heads=8, num_key_value_heads=4, head_dim=256, vocab_size=262144, intermediate_size=9216,
        sliding_window=512, hidden_size_per_layer_input=256, vocab_size_per_layer_input=262144,
    )  # fmt: skip
    return _built(said)


def _unified(fields: Fields) -> Structure:
    """Gemma 4 unified: neither experts nor embeddings for each layer."""
    if fields.optional("hidden_size_per_layer_input") or switched_on(fields, "enable_moe_block"):
        raise Refused("experts or inputs by layer are declared, which the library does not build")
    said = absent(
        fields, num_attention_heads=8, num_key_value_heads=4, head_dim=256, vocab_size=262144, intermediate_size=9216,
        sliding_window=1024,
    )  # fmt: skip
    return _built(deriving(said, hidden_size_per_layer_input=0))


def _built(fields: Fields) -> Structure:
    both_ways = fields.word("use_bidirectional_attention") == "all"
    windows = _windows(fields, both_ways=both_ways)
    first = sharing_from(fields, windows)
    hidden, wide = hidden_of(fields), fields.count("intermediate_size")
    attention, by_layer = _attention(fields, hidden), _by_layer(fields)
    doubled = 2 if switched_on(fields, "use_double_wide_mlp") else 1
    mixed = _experts(fields, hidden) if switched_on(fields, "enable_moe_block") else ()
    blocks = []
    for number, window in enumerate(windows):
        mixer = attention.layer(window, by_layer.get(number))
        shares = number >= first
        ffn = feed_forward(hidden, wide * doubled if shares else wide)
        blocks.append((reusing(mixer) if shares else mixer, (*ffn, *mixed)))
    width = fields.optional("hidden_size_per_layer_input") or 0
    more = per_layer_inputs(hidden, width) if width else ()
    structure = assemble(fields, Traits(norms=ALL_NORMS, tied=True), blocks, more=lambda _: more)
    if width:
        structure = replace(structure, outside=(*structure.outside, *per_layer_table(fields, width)))
    structure = replace(structure, buffers=len(windows))  # a scalar a layer
    return without_cache(structure, BOTH_WAYS) if both_ways else structure


def _windows(fields: Fields, *, both_ways: bool) -> tuple[int | None, ...]:
    """Return the windows: five of six layers slide unless `layer_types` says otherwise; the last is always full."""
    window = fields.count("sliding_window")
    said = deriving(fields, sliding_window=window // 2 + 1) if both_ways else fields
    return (*windows_of(said, said.layers(), every=6)[:-1], None)


def _attention(fields: Fields, hidden: int) -> _Attention:
    n, k, d = (fields.count(key) for key in ("num_attention_heads", "num_key_value_heads", "head_dim"))
    keys_are_values = switched_on(fields, "attention_k_eq_v")
    full_k = (fields.optional("num_global_key_value_heads", at_least=1) if keys_are_values else None) or k
    full_d = fields.count("global_head_dim", default=512)
    if fields.has("per_layer_config"):
        full_k, full_d = k, d
    bias = fields.flag("attention_bias", default=False)
    return _Attention(hidden, Heads(n, k, d, d), Heads(n, full_k, full_d, full_d), bias, keys_are_values)


def _by_layer(fields: Fields) -> dict[int, Heads]:
    """Read `per_layer_config`, which newer files hold instead of the widths of full layers."""
    section = fields.section("per_layer_config")
    found: dict[int, Heads] = {}
    for key, value in section.config.items() if section else ():
        if not _LAYER.fullmatch(key) or not isinstance(value, dict) or set(value) - _BY_LAYER:
            raise Refused("`per_layer_config` changes more of a layer than its heads")
        own: dict[str, Any] = {**fields.config, **value}
        layer = Fields(own)
        d = layer.count("head_dim")
        found[int(key)] = Heads(layer.count("num_attention_heads"), layer.count("num_key_value_heads"), d, d)
    return found


def _experts(fields: Fields, hidden: int) -> Weights:
    """Return the experts beside the dense block: gate and up (2 wide x hidden) and down, router with two scales."""
    count, used = fields.count("num_experts"), fields.count("top_k_experts")
    wide = fields.count("moe_intermediate_size")
    if used > count:
        raise Refused(f"a token cannot visit {used} of {count} experts")
    return (
        *linear("router.proj", count, hidden, Part.ROUTER),
        Weight("router.scale", Part.ROUTER, (hidden,)),
        Weight("router.per_expert_scale", Part.ROUTER, (count,)),
        Weight("experts.gate_up_proj", Part.ROUTED_EXPERTS, (2 * wide, hidden), count, used),
        Weight("experts.down_proj", Part.ROUTED_EXPERTS, (hidden, wide), count, used),
        *(weight for name in _NORMS_OF_EXPERTS for weight in norm(name, hidden)),
    )


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "gemma4": _gemma4,
    "gemma4_text": _gemma4,
    "gemma4_unified": _unified,
    "gemma4_unified_text": _unified,
}
