"""Decoders whose feed-forward block has no gate, as transformers 5.23 builds them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.decoder import Traits, dense, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import FUSED_QUERY, absent, laid_out
from weighbridge.inspection.anatomy.families.lines.llama import BIASED, line, split_evenly
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_UNGATED = Traits(gated=False)
_FULLY_BIASED = Traits(qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, norm_bias=True)
_FINAL_NORM = {"model.norm.": "model.final_layernorm."}


def _starcoder2(fields: Fields) -> Structure:
    """StarCoder 2: biases everywhere, LayerNorm, no gate."""
    said = absent(fields, num_key_value_heads=2)
    bias = said.flag("use_bias", default=True)
    traits = Traits(qkv_bias=bias, out_bias=bias, mlp_bias=bias, gated=False, norm_bias=True, tied=True)
    structure = dense(said, traits, windows=windows_of(said, said.layers()))
    return laid_out(structure, names={"up_proj": "c_fc", "down_proj": "c_proj"})


def _apertus(fields: Fields) -> Structure:
    """Apertus: no gate; the xIELU activation learns two scalars a layer."""
    scalars: tuple[Weight, ...] = ()
    if (fields.word("hidden_act") or "xielu") == "xielu":
        scalars = tuple(Weight(f"mlp.act_fn.alpha_{sign}", Part.DENSE_FFN, (1,)) for sign in "pn")
    norms = ("attention_layernorm", "feedforward_layernorm")
    return dense(fields, replace(BIASED, gated=False, qk_norm="head", norms=norms), more=scalars)


def _nanochat(fields: Fields) -> Structure:
    """Nanochat: norms without weights, no gate."""
    said = absent(fields, num_key_value_heads=6)
    structure = dense(said, replace(BIASED, gated=False, norms=(), final_norm=False))
    return laid_out(structure, names={"up_proj": "fc1", "down_proj": "fc2"})


def _jais2(fields: Fields) -> Structure:
    """Jais 2: biases and LayerNorm everywhere, no gate."""
    said = absent(fields, num_key_value_heads=26, attention_bias=True, mlp_bias=True)
    return dense(said, Traits(gated=False, norm_bias=True))


def _phi(fields: Fields) -> Structure:
    """Phi 1, 1.5 and 2: biases everywhere, even in the head; one norm for both blocks."""
    normed = fields.flag("qk_layernorm", default=False)
    heads = heads_of(fields)
    if normed and heads.n * heads.d != hidden_of(fields):
        raise Refused("heads by `head_dim` are not `hidden_size`, which the norms of queries and keys need")
    traits = replace(_FULLY_BIASED, norms=("input_layernorm",), head_bias=True, qk_norm_bias=True)
    structure = dense(fields, replace(traits, qk_norm="head") if normed else traits)
    names = {"o_proj": "dense", "up_proj": "fc1", "down_proj": "fc2"}
    norms = {"q_norm": "q_layernorm", "k_norm": "k_layernorm"}
    return laid_out(structure, names={**names, **norms, **_FINAL_NORM})


def _persimmon(fields: Fields) -> Structure:
    """Persimmon: biases everywhere, fused projections, every head with keys of its own."""
    alone = split_evenly(fields, all_keys=True)
    normed = alone.flag("qk_layernorm", default=True)
    traits = replace(_FULLY_BIASED, qk_norm_bias=True)
    structure = dense(alone, replace(traits, qk_norm="head") if normed else traits)
    names = {"o_proj": "dense", "up_proj": "dense_h_to_4h", "down_proj": "dense_4h_to_h"}
    norms = {"q_norm": "q_layernorm", "k_norm": "k_layernorm"}
    return laid_out(structure, fused={"query_key_value": FUSED_QUERY}, names={**names, **norms, **_FINAL_NORM})


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "arcee": line(_UNGATED),
    "nemotron": line(replace(_UNGATED, norm_bias=True)),
    "starcoder2": _starcoder2,
    "apertus": _apertus,
    "nanochat": _nanochat,
    "jais2": _jais2,
    "phi": _phi,
    "persimmon": _persimmon,
}
