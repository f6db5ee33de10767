"""Latent attention whose shape changes by layer: LongCat-Flash, Mistral Large 4, Dots 3 Note.

Shapes and defaults: the classes of transformers 5.23.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, experts, feed_forward, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, hidden_of
from weighbridge.inspection.anatomy.families.latents.attention import (
    Latent,
    indexer_of,
    latent_attention,
    latent_of,
    library,
    number,
)
from weighbridge.inspection.anatomy.families.latents.decoder import (
    add_drafts,
    built,
    count_drafts,
    experts_of,
    sparse_layers,
)
from weighbridge.inspection.anatomy.families.latents.sparse import check_indexed, full_indexers
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Layer, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.families.latents.attention import Indexer
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]


def _longcat_flash(fields: Fields) -> Structure:
    """LongCat-Flash: each layer has two attentions, two dense blocks and experts; some experts pass tokens through.

    A token visits at most `moe_topk` experts with weights; how many are pass-through ones the router decides.
    """
    fields = library(fields, "longcat_flash")
    hidden, layers = hidden_of(fields), fields.layers("num_layers")
    if fields.optional("num_hidden_layers") not in (None, 2 * layers):
        raise Refused("`num_hidden_layers` is not twice `num_layers`")
    latent, bias = latent_of(fields, compressed=True), fields.flag("attention_bias", default=False)
    if fields.optional("qk_head_dim") not in (None, latent.qk):
        raise Refused("`qk_head_dim` is not the sum of the widths with and without rotation")
    halves = [latent_attention(hidden, latent, bias=bias, prefix=f"self_attn.{half}") for half in (0, 1)]
    mixer = Mixer(
        "full",
        tuple(weight for half in halves for weight in half.weights),
        tuple(cache for half in halves for cache in half.caches),
        tuple(attend for half in halves for attend in half.attend),
    )
    intermediate = number(fields, "ffn_hidden_size", "intermediate_size")
    width, used = number(fields, "expert_ffn_hidden_size", "moe_intermediate_size"), number(fields, "moe_topk")
    count, passing = number(fields, "n_routed_experts"), number(fields, "zero_expert_num", at_least=0)
    routed = experts(hidden, width, count, min(used, count))
    ffn = (
        *linear("mlp.router.classifier", count + passing, hidden, Part.ROUTER, bias=_router_bias(fields)),
        *(weight for weight in routed if weight.part is Part.ROUTED_EXPERTS),
        *(weight for half in (0, 1) for weight in feed_forward(hidden, intermediate, prefix=f"mlps.{half}")),
    )
    names = tuple(f"{name}.{half}" for half in (0, 1) for name in ("input_layernorm", "post_attention_layernorm"))
    structure = assemble(fields, Traits(norms=names), [(mixer, ffn)] * layers)
    structure = _with_dense_drafts(fields, structure, latent_attention(hidden, latent, bias=bias), intermediate)
    said = (
        f"{passing} experts of a layer pass tokens through and hold no weights in a checkpoint; "
        "transformers 5.23 allocates gate and up projections for them, which are not counted; "
        "active parameters are those of a token that meets none of them"
    )
    return replace(structure, buffers=(count + passing) * layers, notes=(said,) if passing else ())


def _with_dense_drafts(fields: Fields, structure: Structure, mixer: Mixer, intermediate: int) -> Structure:
    """Add prediction modules of a dense layer, `eh_proj` and three norms, which store the embedding again.

    Source: hub totals, to the unit: LongCat-Flash-Prover (without a module), LongCat-Flash-Chat, dots3-note-prev.
    """
    drafts, hidden = count_drafts(fields), structure.hidden_size
    names = ("input_layernorm", "post_attention_layernorm", "enorm", "hnorm", "norm")
    weights = (
        *mixer.weights,
        *feed_forward(hidden, intermediate),
        *(weight for name in names for weight in norm(name, hidden)),
        *linear("eh_proj", hidden, 2 * hidden, Part.DENSE_FFN),
    )
    module = Layer(mixer.kind, weights, mixer.caches, mixer.attend)
    return replace(structure, mtp=(module,) * drafts, mtp_copies=structure.vocabulary * hidden * drafts)


def _router_bias(fields: Fields) -> bool:
    return fields.flag("router_bias", default=False) if fields.has("router_bias") else False


def _mistral_large4(fields: Fields) -> Structure:
    """Mistral Large 4: uncompressed queries, layers without rotation, layers that reuse another's keys and values."""
    fields = library(fields, "mistral_large4_text")
    hidden, layers = hidden_of(fields), fields.layers()
    check_indexed(fields, layers)
    latent, indexer = latent_of(fields, compressed=False), indexer_of(fields)
    bias = fields.flag("attention_bias", default=False)
    rotated, sources, full = _rotated(fields, layers), _sources(fields, layers), full_indexers(fields, layers)
    mixers = []
    for layer in range(layers):
        rope = latent.rope if rotated[layer] else 0
        shaped = replace(latent, rope=rope, nope=latent.qk - rope)
        mixer = latent_attention(hidden, shaped, bias=bias, selected=indexer.selected)
        if sources[layer] != layer:
            mixer = replace(mixer, weights=_without_down(mixer.weights), caches=())
        mixer = replace(mixer, weights=(*mixer.weights, *_scaling("self_attn.softmax_scaling", latent.n)))
        mixers.append(_with_indexer(mixer, hidden, indexer) if full[layer] else mixer)
    kinds = experts_of(fields, count=("n_routed_experts", "num_local_experts", "num_experts"), is_biased=False)
    structure = built(fields, mixers, sparse_layers(fields, layers), kinds)
    return add_drafts(fields, structure, mixers[-1], kinds, copies=None)


def _rotated(fields: Fields, layers: int) -> tuple[bool, ...]:
    """Return which layers rotate: `no_rope_layers` holds 1 for those that do."""
    declared = fields.counts("no_rope_layers", layers)
    if declared is not None:
        return tuple(bool(one) for one in declared)
    every = fields.optional("no_rope_layer_interval", at_least=1) or 4
    return tuple((layer + 1) % every != 0 for layer in range(layers))


def _sources(fields: Fields, layers: int) -> tuple[int, ...]:
    """Return whose keys and values each layer uses: its own, or those of an earlier layer that owns some."""
    sources = fields.counts("kv_source_layers", layers) or tuple(range(layers))
    if any(source > layer or sources[source] != source for layer, source in enumerate(sources)):
        raise Refused("`kv_source_layers` names a layer that has no keys and values of its own")
    return sources


def _without_down(weights: Weights) -> Weights:
    return tuple(weight for weight in weights if ".kv_a_" not in weight.name)


def _scaling(name: str, heads: int) -> Weights:
    return (Weight(f"{name}.scale", Part.ATTENTION, (heads,)), Weight(f"{name}.bias", Part.ATTENTION, (heads,)))


def _with_indexer(mixer: Mixer, hidden: int, indexer: Indexer) -> Mixer:
    """Add an indexer that reads the layer's input instead of compressed queries."""
    place = "self_attn.indexer"
    weights = (
        *linear(f"{place}.wq_b", indexer.heads * indexer.size, hidden, Part.ATTENTION),
        *linear(f"{place}.wk", indexer.size, hidden, Part.ATTENTION),
        *norm(f"{place}.k_norm", indexer.size, bias=True),
        *norm(f"{place}.q_input_norm", hidden, bias=True),
        *linear(f"{place}.weights_proj", indexer.heads, hidden, Part.ATTENTION),
        *_scaling(f"{place}.softmax_scaling", indexer.heads),
    )
    return replace(
        mixer,
        weights=(*mixer.weights, *weights),
        caches=(*mixer.caches, Cache(indexer.size, is_index=True)),
        attend=(*mixer.attend, Attend(indexer.heads, indexer.size, 0)),
    )


def _dots3_note(fields: Fields) -> Structure:
    """Dots 3 Note: three of four layers slide, with heads and ranks of their own; a gate for each head."""
    fields = library(fields, "dots3_note_text")
    hidden, layers = hidden_of(fields), fields.layers()
    bias = fields.flag("attention_bias", default=False)
    latent, indexer = latent_of(fields, compressed=True), indexer_of(fields)
    nope = number(fields, "swa_qk_nope_head_dim")
    rope = fields.optional("swa_qk_rope_head_dim", at_least=1) or number(fields, "swa_head_dim") - nope
    near = Latent(
        number(fields, "swa_num_attention_heads"), nope, rope, number(fields, "swa_v_head_dim"),
        number(fields, "swa_kv_lora_rank"), number(fields, "swa_q_lora_rank"),
    )  # fmt: skip
    if number(fields, "swa_head_dim") != near.qk or rope < 1:
        raise Refused("`swa_head_dim` is not the sum of the widths with and without rotation")
    window = fields.optional("sliding_window", at_least=1) or fields.optional("sliding_window_size", at_least=1) or 512
    mixers = {
        "sliding_attention": latent_attention(hidden, near, bias=bias, window=window, extra=_gated(hidden, near)),
        "full_attention": latent_attention(hidden, latent, bias=bias, extra=_gated(hidden, latent)),
        "indexed_attention": latent_attention(hidden, latent, bias=bias, indexer=indexer, extra=_gated(hidden, latent)),
    }
    kinds = experts_of(fields)
    shared = number(fields, "shared_experts_intermediate_size", "moe_shared_expert_intermediate_size")
    kinds = replace(kinds, shared=kinds.shared // kinds.width * shared)
    chosen = [mixers[kind] for kind in _dots_kinds(fields, layers)]
    structure = built(fields, chosen, sparse_layers(fields, layers, stepped=True), kinds)
    return _with_dense_drafts(fields, structure, mixers["sliding_attention"], number(fields, "intermediate_size"))


def _gated(hidden: int, latent: Latent) -> Weights:
    return (
        *norm("self_attn.k_rope_only_layernorm", latent.rope),
        *linear("self_attn.g_proj", latent.n, hidden, Part.ATTENTION),
    )


def _dots_kinds(fields: Fields, layers: int) -> tuple[str, ...]:
    """Return each layer's kind of attention; `use_dsa` says whether full layers have an indexer."""
    indexed = fields.flag("use_dsa", default=True) if fields.has("use_dsa") else True
    full = "indexed_attention" if indexed else "full_attention"
    types = fields.words("layer_types", layers)
    if types is None:
        slides = fields.flag("use_sliding_window", default=True)
        kept = (not slides or layer in {0, 1} or layer % 4 == 1 for layer in range(layers))
        return tuple(full if one else "sliding_attention" for one in kept)
    if set(types) - {"sliding_attention", "full_attention", "indexed_attention"}:
        raise Refused("`layer_types` holds a type that the family does not have")
    return tuple(one if one == "sliding_attention" else full for one in types)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "longcat_flash": _longcat_flash,
    "mistral_large4": _mistral_large4,
    "mistral_large4_text": _mistral_large4,
    "dots3_note": _dots3_note,
    "dots3_note_text": _dots3_note,
}
