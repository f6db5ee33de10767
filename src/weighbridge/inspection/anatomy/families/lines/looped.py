"""Looped decoders: a token passes the same layers several times, and every pass keeps a cache of its own.

Formulas: the code of the models as vLLM carries it (nanbeige.py, iquest_loopcoder.py, ouro.py) and transformers 5.23's
HRM-Text. Active parameters are counted once; the work of a token is that of all passes, as the notes say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear
from weighbridge.inspection.anatomy.families.decoder import Traits, dense, heads_of, hidden_of
from weighbridge.inspection.anatomy.families.lines.layout import deriving, switched_on
from weighbridge.inspection.anatomy.families.lines.llama import UNBIASED
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Layer, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_MOST_PASSES = 64
_SANDWICH = ("input_layernorm", "input_layernorm_2", "post_attention_layernorm", "post_attention_layernorm_2")


def _note(passes: int) -> str:
    return f"a token passes the layers {passes} times: its work is {passes} times that of the active parameters"


def _repeated(layer: Layer, passes: int) -> Layer:
    """Return a layer that is passed `passes` times, with as many caches."""
    return replace(layer, caches=layer.caches * passes, attend=layer.attend * passes)


def _looped(structure: Structure, passes: int) -> Structure:
    if passes == 1:
        return structure
    layers = tuple(_repeated(layer, passes) for layer in structure.layers)
    return replace(structure, layers=layers, notes=(*structure.notes, _note(passes)))


def _nanbeige(fields: Fields) -> Structure:
    """Nanbeige 4.2: Llama, looped."""
    traits = replace(UNBIASED, qk_norm="head") if switched_on(fields, "qk_norm") else UNBIASED
    if fields.flag("attention_bias", default=False):
        raise Refused("`attention_bias` is on, which engines do not build for this family")
    return _looped(dense(fields, traits), fields.count("num_loops", default=2, at_most=_MOST_PASSES))


def _ouro(fields: Fields) -> Structure:
    """Ouro: norms before and after both blocks, and a gate that may leave the loop early."""
    structure = dense(fields, replace(UNBIASED, norms=_SANDWICH))
    gate = linear("model.early_exit_gate", 1, structure.hidden_size, Part.RESIDUAL, bias=True)
    looped = _looped(structure, fields.count("total_ut_steps", default=4, at_most=_MOST_PASSES))
    return replace(looped, outside=(*looped.outside, *gate))


def _iquest(fields: Fields) -> Structure:
    """IQuest-Coder Loop: later passes see the first one's cache, and a window of their own; heads weigh the two."""
    passes = fields.count("loop_num", default=2, at_most=_MOST_PASSES)
    window = fields.count("loop_window_size", default=64)
    structure, heads = dense(fields, UNBIASED), heads_of(fields)
    layers = []
    for layer in structure.layers:
        whole, seen = layer.caches[0], layer.attend[0]
        later: tuple[Cache, ...] = (replace(whole, window=window),) * (passes - 1)
        views: tuple[Attend, ...] = (seen, replace(seen, window=window)) * (passes - 1)
        layers.append(replace(layer, caches=(whole, *later), attend=(seen, *views)))
    gates = linear(
        "model.gate_projections.*.gate_proj", heads.n, heads.d, Part.ATTENTION, bias=True, copies=len(layers)
    )
    return replace(
        structure, layers=tuple(layers), outside=(*structure.outside, *gates), notes=(*structure.notes, _note(passes))
    )


def _hrm(fields: Fields) -> Structure:
    """HRM-Text: a slow stack and a fast one, which is passed `L_cycles` times for each of `H_cycles` of the slow.

    A file that was saved says layers by stack in `num_layers_per_stack`, and then passes in `num_hidden_layers`.
    """
    slow = fields.count("H_cycles", default=2, at_most=_MOST_PASSES)
    fast = slow * fields.count("L_cycles", default=3, at_most=_MOST_PASSES)
    declared = fields.layers()
    stack = fields.optional("num_layers_per_stack", at_least=1) or declared
    if stack != declared and stack * (slow + fast) != declared:
        raise Refused("`num_hidden_layers` is not `num_layers_per_stack` by cycles")
    hidden = hidden_of(fields)
    one = deriving(fields, num_hidden_layers=stack, num_key_value_heads=None, layer_types=None)
    heads, bias = heads_of(one), one.flag("attention_bias", default=False)
    gate = linear("self_attn.gate_proj", heads.n * heads.d, hidden, Part.ATTENTION, bias=bias)
    structure = dense(one, Traits(norms=(), final_norm=False), extra=gate)
    start = Weight("model.z_L_init", Part.RESIDUAL, (hidden,))
    return replace(
        structure,
        outside=(*structure.outside, start),
        layers=tuple(_repeated(layer, passes) for passes in (fast, slow) for layer in structure.layers),
        notes=(*structure.notes, f"the fast stack is passed {fast} times and the slow one {slow} times"),
        layer_prefix="model.modules",
    )


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "nanbeige": _nanbeige,
    "ouro": _ouro,
    "iquestloopcoder": _iquest,
    "hrm_text": _hrm,
}
