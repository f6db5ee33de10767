"""The Llama line: decoders of grouped-query attention and a feed-forward block, as transformers 5.23 builds them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.decoder import Traits, dense, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import (
    FUSED_GATE,
    FUSED_QUERY,
    absent,
    deriving,
    laid_out,
    switched_on,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["BIASED", "FAMILIES", "POST_NORMS", "UNBIASED", "line", "split_evenly"]

POST_NORMS = ("post_attention_layernorm", "post_feedforward_layernorm")
_PLAIN = Traits()
UNBIASED = Traits(qkv_bias=False, out_bias=False, mlp_bias=False)
_QWEN2 = replace(UNBIASED, qkv_bias=True)
BIASED = Traits(mlp_bias=False)  # `attention_bias` holds for all four projections
_MISTRAL_NOTE = "`sliding_window` is not declared: every layer is charged in full, where the library would take 4096"
_PHI3_NOTE = "`sliding_window` is charged in full: engines differ on whether Phi-3 slides"


def split_evenly(fields: Fields, *, all_keys: bool = False) -> Fields:
    """Return the section of a family that takes hidden size by heads whatever `head_dim` says.

    With `all_keys` every query head has a key-value head of its own, whatever `num_key_value_heads` says.
    """
    alone = deriving(fields, head_dim=None)
    return deriving(alone, num_key_value_heads=None) if all_keys else alone


def _upper_windows(fields: Fields, start: int) -> tuple[int | None, ...]:
    """Return the windows of Qwen: none unless `use_sliding_window`; else layers from `max_window_layers` on slide.

    `start` is the library's `max_window_layers` where a config leaves it out; its window is then 4096.
    """
    layers = fields.layers()
    window = None
    if switched_on(fields, "use_sliding_window"):
        window = absent(fields, sliding_window=4096).optional("sliding_window", at_least=1)
    if fields.has("layer_types"):
        return windows_of(deriving(fields, sliding_window=window), layers)
    first = fields.count("max_window_layers", default=start, at_least=0) if window else layers
    return tuple(window if number >= first else None for number in range(layers))


def _first_of(fields: Fields, period: int) -> tuple[int | None, ...]:
    """Return windows where the first of every `period` layers is full, unless `layer_types` says otherwise."""
    layers = fields.layers()
    if fields.has("layer_types"):
        return windows_of(fields, layers)
    window = fields.count("sliding_window")
    return tuple(None if number % period == 0 else window for number in range(layers))


def line(
    traits: Traits = _PLAIN,
    *,
    slides: bool = False,
    **defaults: int | bool | None,
) -> Callable[[Fields], Structure]:
    """Return the builder of a family that `traits`, its windows and its library's defaults describe."""

    def build(fields: Fields) -> Structure:
        said = absent(fields, **defaults)
        return dense(said, traits, windows=windows_of(said, said.layers()) if slides else None)

    return build


def _mistral(fields: Fields) -> Structure:
    """Mistral: a declared window holds for every layer that `layer_types` does not make full."""
    said = absent(fields, num_key_value_heads=8)
    structure = dense(said, UNBIASED, windows=windows_of(said, said.layers()))
    return (
        structure
        if "sliding_window" in fields.config
        else replace(structure, notes=(_MISTRAL_NOTE,), is_cache_sure=False)
    )


def _qwen(fields: Fields, *, traits: Traits, start: int = 28, **defaults: int) -> Structure:
    """Qwen 2 and 3 and their text models within vision models."""
    said = absent(fields, **defaults)
    return dense(said, traits, windows=_upper_windows(said, start))


def _iquest(fields: Fields) -> Structure:
    """IQuest-Coder: Llama; the library does not build its windows."""
    if switched_on(fields, "use_sliding_window"):
        raise Refused("`use_sliding_window` is on, which the library does not build")
    return dense(absent(fields, num_key_value_heads=8, head_dim=128))


def _phi3(fields: Fields) -> Structure:
    """Phi-3 and dense Phi-4: fused projections."""
    structure = dense(fields, UNBIASED)
    if fields.optional("sliding_window") is not None:
        structure = replace(structure, notes=(_PHI3_NOTE,), is_cache_sure=False)
    return laid_out(structure, fused={"qkv_proj": FUSED_QUERY, "gate_up_proj": FUSED_GATE})


def _stablelm(fields: Fields) -> Structure:
    """StableLM: LayerNorm with bias; q and k norms, where switched on, hold a vector for every head."""
    said = split_evenly(absent(fields, num_key_value_heads=32))
    parallel = said.flag("use_parallel_residual", default=False)
    traits = replace(
        UNBIASED,
        qkv_bias=said.flag("use_qkv_bias", default=False),
        qk_norm="full" if said.flag("qk_layernorm", default=False) else "none",
        norms=("input_layernorm",) if parallel else ("input_layernorm", "post_attention_layernorm"),
        norm_bias=True,
    )
    return laid_out(dense(said, traits), names={"q_norm": "q_layernorm.norms", "k_norm": "k_layernorm.norms"})


def _olmo3(fields: Fields) -> Structure:
    """OLMo 3: three of four layers slide; norms after the blocks, q and k norms over all heads."""
    said = absent(fields, sliding_window=4096)
    said.count("sliding_window")
    traits = replace(BIASED, qk_norm="full", norms=POST_NORMS)
    return dense(said, traits, windows=windows_of(said, said.layers(), every=4))


def _smollm3(fields: Fields) -> Structure:
    """SmolLM 3: where windows are switched on, layers without rotary positions slide."""
    said = absent(fields, num_key_value_heads=4)
    layers = said.layers()
    windows: tuple[int | None, ...] = (None,) * layers
    window = said.optional("sliding_window", at_least=1)
    if said.has("layer_types"):
        windows = windows_of(said, layers)
    elif switched_on(said, "use_sliding_window") and window is not None:
        period = said.count("no_rope_layer_interval", default=4)
        rotary = said.counts("no_rope_layers", layers) or tuple((n + 1) % period for n in range(layers))
        windows = tuple(None if turned else window for turned in rotary)
    return dense(said, Traits(tied=True), windows=windows)


def _exaone4(fields: Fields) -> Structure:
    """EXAONE 4: norms after the blocks; without a window every layer is full."""
    said = absent(fields, sliding_window=4096, sliding_window_pattern=4)
    windows: tuple[int | None, ...] | None = None
    if said.has("layer_types"):
        windows = windows_of(said, said.layers())
    elif said.has("sliding_window"):
        windows = windows_of(said, said.layers(), every=said.count("sliding_window_pattern"))
    return dense(said, replace(UNBIASED, qk_norm="head", norms=POST_NORMS), windows=windows)


def _internlm3(fields: Fields) -> Structure:
    """InternLM 3: Llama, with two names for its biases; the library refuses two different ones."""
    said = absent(fields, num_key_value_heads=2, head_dim=128)
    attention = said.flag("attention_bias", "qkv_bias", default=False)
    if attention != said.flag("mlp_bias", "bias", default=False):
        raise Refused("`qkv_bias` and `bias` differ, which the library does not build")
    return dense(said, Traits(qkv_bias=attention, mlp_bias=attention))


def _glm(fields: Fields, *, more: tuple[str, ...] = ()) -> Structure:
    """GLM-4 dense: gate and up in one matrix; GLM-4-0414 norms after the blocks too."""
    said = absent(fields, num_key_value_heads=2, head_dim=128)
    norms = ("input_layernorm", "post_attention_layernorm", *more)
    bias = said.flag("attention_bias", default=True)
    structure = dense(said, replace(UNBIASED, qkv_bias=bias, norms=norms))
    return laid_out(structure, fused={"gate_up_proj": FUSED_GATE})


def _seed_oss(fields: Fields) -> Structure:
    """Seed-OSS: the bias of the output projection has a switch of its own."""
    said = absent(fields, num_key_value_heads=8, head_dim=128)
    out = said.flag("attention_out_bias", default=False)
    return dense(said, Traits(qkv_bias=said.flag("attention_bias", default=True), out_bias=out))


def _hunyuan(fields: Fields) -> Structure:
    """Hunyuan dense: q and k norms by head under names of their own."""
    if switched_on(fields, "use_cla"):
        raise Refused("`use_cla` shares caches between layers, which the library does not build")
    structure = dense(fields, replace(BIASED, qk_norm="head"))
    return laid_out(structure, names={"q_norm": "query_layernorm", "k_norm": "key_layernorm"})


def _helium(fields: Fields) -> Structure:
    """Helium: its output projection is square, so that the heads must fill the hidden size."""
    said = absent(fields, num_key_value_heads=20, head_dim=128)
    if said.count("num_attention_heads") * (said.optional("head_dim") or 1) != hidden_of(said):
        raise Refused("heads by `head_dim` are not `hidden_size`, which the output projection needs")
    return dense(said, Traits(out_bias=False))


def _ernie(fields: Fields) -> Structure:
    """ERNIE 4.5 dense: one switch for all biases."""
    said = absent(fields, num_key_value_heads=2, head_dim=128)
    bias = said.flag("use_bias", default=False)
    return dense(said, Traits(qkv_bias=bias, out_bias=bias, mlp_bias=bias, tied=True))


def _bitnet(fields: Fields) -> Structure:
    """BitNet b1.58: a norm before each output projection."""
    said = absent(fields, num_key_value_heads=5)
    hidden, wide = hidden_of(said), said.count("intermediate_size")
    norms = (
        Weight("self_attn.attn_sub_norm.weight", Part.NORMS, (hidden,)),
        Weight("mlp.ffn_sub_norm.weight", Part.NORMS, (wide,)),
    )
    return dense(said, BIASED, more=norms)


def _cwm(fields: Fields) -> Structure:
    """Code World Model: one of four layers is full, the first."""
    said = absent(fields, num_key_value_heads=8, head_dim=128, sliding_window=8192)
    return dense(said, Traits(qkv_bias=False, out_bias=False), windows=_first_of(said, 4))


def _granite_swa(fields: Fields) -> Structure:
    """Granite with windows: one of four layers is full, the first; attention sinks."""
    said = absent(fields, num_key_value_heads=4, sliding_window=128)
    sinks = (Weight("self_attn.sinks", Part.ATTENTION, (said.count("num_attention_heads"),)),)
    return dense(said, Traits(tied=True), windows=_first_of(said, 4), extra=sinks)


def _diffllama(fields: Fields) -> Structure:
    """DiffLlama: four vectors weigh one softmax against the other; a head sees the values of two."""
    plain = dense(fields, BIASED)
    layers = []
    for layer in plain.layers:
        attend = layer.attend[0]
        vectors = [
            Weight(f"self_attn.lambda_{name}", Part.ATTENTION, (attend.qk,)) for name in ("q1", "k1", "q2", "k2")
        ]
        attends = (replace(attend, v=2 * attend.v),)
        layers.append(replace(layer, weights=(*layer.weights, *vectors), attend=attends))
    return replace(plain, layers=tuple(layers))


def _hyperclovax(fields: Fields) -> Structure:
    """HyperCLOVA X: Llama, with norms after the blocks unless switched off."""
    norms = ("input_layernorm", "post_attention_layernorm")
    more = ("post_norm1", "post_norm2") if fields.flag("use_post_norm", default=True) else ()
    return dense(fields, Traits(norms=(*norms, *more)))


_QWEN2_VL = partial(_qwen, traits=_QWEN2, start=80, num_key_value_heads=8)
_QWEN3 = replace(BIASED, qk_norm="head")

FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "llama": line(),
    "granite": line(),
    "iquestcoder": _iquest,
    "mistral": _mistral,
    "ministral": line(UNBIASED, slides=True, num_key_value_heads=8, sliding_window=4096),
    "ministral3": line(UNBIASED, slides=True, num_key_value_heads=8, head_dim=128),
    "qwen2": partial(_qwen, traits=_QWEN2, num_key_value_heads=32),
    "qwen2_vl": _QWEN2_VL,
    "qwen2_vl_text": _QWEN2_VL,
    "qwen2_5_vl": _QWEN2_VL,
    "qwen2_5_vl_text": _QWEN2_VL,
    "qwen3": partial(_qwen, traits=_QWEN3, num_key_value_heads=32, head_dim=128),
    "sdar": partial(_qwen, traits=_QWEN3, num_key_value_heads=32, head_dim=128),
    "qwen3_vl_text": line(_QWEN3, num_key_value_heads=32, head_dim=128),
    "phi3": _phi3,
    "stablelm": _stablelm,
    "olmo": line(replace(BIASED, norms=(), final_norm=False)),
    "olmo2": line(replace(BIASED, qk_norm="full", norms=POST_NORMS)),
    "olmo3": _olmo3,
    "smollm3": _smollm3,
    "exaone4": _exaone4,
    "internlm3": _internlm3,
    "glm": _glm,
    "glm4": partial(_glm, more=("post_self_attn_layernorm", "post_mlp_layernorm")),
    "seed_oss": _seed_oss,
    "hunyuan_v1_dense": _hunyuan,
    "helium": _helium,
    "ernie4_5": _ernie,
    "bitnet": _bitnet,
    "cwm": _cwm,
    "granite_swa": _granite_swa,
    "diffllama": _diffllama,
    "hyperclovax": _hyperclovax,
}
