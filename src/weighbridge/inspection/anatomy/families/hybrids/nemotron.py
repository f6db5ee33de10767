"""Nemotron-H and Nemotron 3: one mixer a layer - Mamba 2, attention, a feed-forward part or experts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    FULL,
    LINEAR,
    Frame,
    framed,
    heads_in,
    kinds_in,
    layered,
    library,
    pattern,
)
from weighbridge.inspection.anatomy.families.hybrids.mamba import Scan
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Layer, Structure

__all__ = ["FAMILIES"]

_LETTERS = {"M": LINEAR, "*": FULL, "-": "mlp", "E": "moe"}
_FRAME = Frame(root="backbone.", embedding="embeddings", final="norm_f")
_MTP = (FULL, "moe")


def _nemotron_h(fields: Fields) -> Structure:
    """Nemotron-H (arXiv 2504.03624) and Nemotron 3, whose experts may work in a smaller latent width."""
    fields = library(fields, "nemotron_h")
    kinds = _kinds(fields)
    builders: Mapping[str, Callable[[Fields, int], Layer]] = {
        LINEAR: _mamba, FULL: _attention, "mlp": _dense, "moe": _experts,
    }  # fmt: skip
    hidden = fields.count("hidden_size")
    modules = _modules(fields)
    built = {kind: builders[kind](fields, hidden) for kind in {*kinds, *modules}}
    _touch(fields)
    structure = framed(fields, [built[kind] for kind in kinds], _FRAME, can_tie=False)
    routed = kinds.count("moe")
    buffers = routed * fields.count("n_routed_experts", "num_local_experts") if routed else 0
    notes = () if modules or not fields.has("num_nextn_predict_layers") else _unknown_modules(fields)
    return replace(structure, buffers=buffers, mtp=_fused(hidden, [built[kind] for kind in modules]), notes=notes)


def _touch(fields: Fields) -> None:
    """Take note of what only layers that this model may not hold would read."""
    for key in ("ssm_state_size", "n_routed_experts", "moe_intermediate_size", "moe_latent_size"):
        fields.value(key)


def _kinds(fields: Fields) -> tuple[str, ...]:
    """Return the kinds of layers: the list where there is one, else the pattern; both, and the number, must agree."""
    spelt = pattern(fields, "hybrid_override_pattern", _LETTERS)
    value = fields.value("layers_block_type", "layer_types")
    count = len(value) if isinstance(value, list) else 0
    listed = kinds_in(fields, count, _LETTERS.values(), "layers_block_type", "layer_types")
    if spelt and listed and spelt != listed:
        raise Refused("`hybrid_override_pattern` and `layers_block_type` disagree")
    kinds = listed or spelt
    if not kinds or len(kinds) > MAX_LAYERS:
        raise Refused("`hybrid_override_pattern` and `layers_block_type` are missing")
    if fields.has("num_hidden_layers") and fields.layers() != len(kinds):
        raise Refused(f"`num_hidden_layers` is not the {len(kinds)} layers that the pattern spells")
    return kinds


def _modules(fields: Fields) -> tuple[str, ...]:
    """Return the kinds of the layers of the MTP modules, one after another; empty where there are none."""
    listed = fields.value("mtp_layers_block_type")
    count = len(listed) if isinstance(listed, list) else 0
    kinds = kinds_in(fields, count, _LETTERS.values(), "mtp_layers_block_type") or _MTP
    spelt = pattern(fields, "mtp_hybrid_override_pattern", _LETTERS)
    if spelt and kinds == _MTP:
        kinds = spelt
    return kinds if fields.count("num_nextn_predict_layers", at_least=0) == 1 else ()


def _unknown_modules(fields: Fields) -> tuple[str, ...]:
    """Say so where a config declares more MTP modules than any known checkpoint of this family holds."""
    number = fields.count("num_nextn_predict_layers", at_least=0)
    return (f"how {number} MTP modules of this family are stored is not known; they are not counted",) if number else ()


def _fused(hidden: int, modules: list[Layer]) -> tuple[Layer, ...]:
    """Return the layers of an MTP module: embedding and state enter the first, a norm ends the last.

    As in vLLM's NemotronHMTP; embedding and head are the model's own.
    """
    if not modules:
        return ()
    first, last = modules[0], modules[-1]
    enter = (
        *norm("enorm", hidden),
        *norm("hnorm", hidden),
        *linear("eh_proj", hidden, 2 * hidden, Part.DENSE_FFN),
    )
    end = norm("final_layernorm", hidden)
    if len(modules) == 1:
        return (replace(first, weights=(*enter, *first.weights, *end)),)
    return (
        replace(first, weights=(*enter, *first.weights)),
        *modules[1:-1],
        replace(last, weights=(*last.weights, *end)),
    )


def _mamba(fields: Fields, hidden: int) -> Layer:
    """Return a Mamba 2 layer: heads times their width are its channels; `expand` is not read."""
    heads = fields.count("mamba_num_heads")
    scan = Scan(
        heads * fields.count("mamba_head_dim"),
        heads,
        fields.count("ssm_state_size"),
        fields.count("n_groups", "mamba_n_groups"),
        fields.count("conv_kernel", "mamba_d_conv"),
    )
    conv_bias = fields.flag("use_conv_bias", "mamba_conv_bias")
    mixer = scan.mixer(hidden, prefix="mixer", conv_bias=conv_bias, bias=fields.flag("use_bias"))
    return layered(mixer, norm("norm", hidden))


def _attention(fields: Fields, hidden: int) -> Layer:
    """Return an attention layer; early configs call the width of a head `attention_head_dim`."""
    width = fields.count("head_dim", "attention_head_dim")
    if not fields.has("head_dim") and width != fields.defaults["head_dim"]:
        raise Refused("`head_dim` is missing, and the library does not read `attention_head_dim`")
    if fields.has("sliding_window"):
        raise Refused("`sliding_window` is declared, which Nemotron-H does not have")
    mixer = grouped_query(hidden, heads_in(fields, hidden, width=width), prefix="mixer")
    return layered(mixer, norm("norm", hidden))


def _dense(fields: Fields, hidden: int) -> Layer:
    """Return a feed-forward layer of squared ReLU: up and down only."""
    width, bias = fields.count("intermediate_size"), fields.flag("mlp_bias")
    return layered(None, feed_forward(hidden, width, prefix="mixer", gated=False, bias=bias), norm("norm", hidden))


def _experts(fields: Fields, hidden: int) -> Layer:
    """Return experts beside a shared one, which works on the whole width even where experts have a latent one."""
    count, used = fields.count("n_routed_experts", "num_local_experts"), fields.count("num_experts_per_tok")
    if used > count:
        raise Refused(f"a token cannot visit {used} of {count} experts")
    if fields.count("n_shared_experts", at_least=0) != 1:
        raise Refused("`n_shared_experts` is not 1, but the library builds one shared expert")
    bias = fields.flag("mlp_bias")
    latent = fields.optional("moe_latent_size", at_least=1)
    weights: Weights = (
        *linear("mixer.gate", count, hidden, Part.ROUTER),
        *feed_forward(
            latent or hidden, fields.count("moe_intermediate_size"), prefix="mixer.experts.*",
            part=Part.ROUTED_EXPERTS, gated=False, copies=count, visited=used,
        ),
        *feed_forward(
            hidden, fields.count("moe_shared_expert_intermediate_size"), prefix="mixer.shared_experts",
            part=Part.SHARED_EXPERTS, gated=False, bias=bias,
        ),
    )  # fmt: skip
    if latent is not None:
        weights += linear("mixer.fc1_latent_proj", latent, hidden, Part.ROUTED_EXPERTS, bias=bias)
        weights += linear("mixer.fc2_latent_proj", hidden, latent, Part.ROUTED_EXPERTS, bias=bias)
    return layered(None, weights, norm("norm", hidden), kind="moe")


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"nemotron_h": _nemotron_h}
