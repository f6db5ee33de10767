"""A decoder of attention and feed-forward blocks, put together from a config; families say how theirs differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, QKNorm, feed_forward, grouped_query, norm
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Layer, Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["Traits", "assemble", "dense", "heads_of", "outside", "windows_of"]

_INPUT_NORM = ("input_layernorm", "post_attention_layernorm")


@dataclass(frozen=True, slots=True)
class Traits:
    """How a family of dense or plainly mixed decoders differs from Llama.

    A bias that a config switches is read under `attention_bias` / `mlp_bias`; True or False here overrules it.
    """

    qkv_bias: bool | None = None
    out_bias: bool | None = None
    mlp_bias: bool | None = None
    gated: bool = True
    qk_norm: QKNorm = "none"
    qk_norm_bias: bool = False
    norms: tuple[str, ...] = _INPUT_NORM
    norm_bias: bool = False
    final_norm: bool = True
    tied: bool = False  # the library's default where the config does not say
    head_bias: bool = False
    verified: bool = True


def heads_of(fields: Fields, *, hidden: int | None = None) -> Heads:
    """Read the heads: `head_dim` where it is declared, else hidden size by heads, which must divide."""
    n = fields.count("num_attention_heads", "n_head", "n_heads", "num_heads")
    k = fields.optional("num_key_value_heads", "num_kv_heads", at_least=1) or n
    d = fields.optional("head_dim", at_least=1)
    if d is None:
        width = hidden or hidden_of(fields)
        if width % n:
            raise Refused(f"a hidden size of {width} cannot be split over {n} heads")
        d = width // n
    return Heads(n, k, d, d)


def hidden_of(fields: Fields) -> int:
    """Read the hidden size."""
    return fields.count("hidden_size", "n_embd", "d_model")


def windows_of(fields: Fields, layers: int, *, every: int | None = None) -> tuple[int | None, ...]:
    """Return the window of each layer, None for full attention.

    `layer_types` says it where declared; else every `every`-th layer is full and the others slide; else all slide.
    """
    window = fields.optional("sliding_window", at_least=1)
    types = fields.words("layer_types", layers)
    if types is not None:
        unknown = set(types) - {"full_attention", "sliding_attention"}
        if unknown:
            raise Refused(f"`layer_types` holds {min(unknown)[:40]!r}, which this family does not have")
        if "sliding_attention" in types and window is None:
            raise Refused("layers slide, but `sliding_window` is missing")
        return tuple(window if one == "sliding_attention" else None for one in types)
    if window is None:
        return (None,) * layers
    if every is None:
        return (window,) * layers
    return tuple(None if (number + 1) % every == 0 else window for number in range(layers))


def dense(
    fields: Fields,
    traits: Traits = Traits(),
    *,
    windows: Sequence[int | None] | None = None,
    extra: Weights = (),
    more: Weights = (),
) -> Structure:
    """Build a decoder whose layers are all alike but for their windows.

    `extra` are weights of every layer's attention, `more` of every layer, that only this family has.
    """
    hidden, layers = hidden_of(fields), fields.layers()
    if windows is None and set(fields.words("layer_types", layers) or ()) - {"full_attention"}:
        raise Refused("`layer_types` holds layers that this family does not have")
    intermediate = fields.count("intermediate_size")
    heads = heads_of(fields, hidden=hidden)
    attention_bias = fields.flag("attention_bias", default=False) if traits.qkv_bias is None else traits.qkv_bias
    out_bias = attention_bias if traits.out_bias is None else traits.out_bias
    mlp_bias = fields.flag("mlp_bias", default=False) if traits.mlp_bias is None else traits.mlp_bias
    ffn = feed_forward(hidden, intermediate, gated=traits.gated, bias=mlp_bias)

    def layer(number: int) -> tuple[Mixer, Weights]:
        window = windows[number] if windows is not None else None
        return (
            grouped_query(
                hidden, heads, qkv_bias=attention_bias, out_bias=out_bias, qk_norm=traits.qk_norm,
                qk_norm_bias=traits.qk_norm_bias, window=window, extra=extra,
            ),
            ffn,
        )  # fmt: skip

    return assemble(fields, traits, [layer(number) for number in range(layers)], more=lambda _: more)


def assemble(
    fields: Fields,
    traits: Traits,
    blocks: Sequence[tuple[Mixer | None, Weights]],
    *,
    family: str | None = None,
    more: Callable[[int], Weights] = lambda _: (),
) -> Structure:
    """Put embedding, head and norms around blocks of a mixer and a feed-forward part; either may be absent.

    `more` adds weights to a layer that belong to neither, such as scalars on the residual.
    """
    hidden = hidden_of(fields)
    tied = fields.flag("tie_word_embeddings", default=traits.tied)
    vocabulary = fields.count("vocab_size")
    layers = []
    for number, (mixer, ffn) in enumerate(blocks):
        norms = [weight for name in traits.norms for weight in norm(name, hidden, bias=traits.norm_bias)]
        layers.append(
            Layer(
                mixer.kind if mixer else "mlp",
                (*(mixer.weights if mixer else ()), *ffn, *norms, *more(number)),
                mixer.caches if mixer else (),
                mixer.attend if mixer else (),
                mixer.state if mixer else 0,
            )
        )
    return Structure(
        family=family or fields.word("model_type") or "unknown",
        hidden_size=hidden,
        vocabulary=vocabulary,
        is_tied=tied,
        outside=outside(hidden, vocabulary, traits, tied=tied),
        layers=tuple(layers),
        is_verified=traits.verified,
    )


def outside(hidden: int, vocabulary: int, traits: Traits, *, tied: bool) -> Weights:
    """Return what stands outside the layers: embedding, final norm, and the head where it is not tied."""
    weights = [Weight("model.embed_tokens.weight", Part.EMBEDDING, (vocabulary, hidden))]
    if traits.final_norm:
        weights += norm("model.norm", hidden, bias=traits.norm_bias)
    if not tied:
        weights.append(Weight("lm_head.weight", Part.HEAD, (vocabulary, hidden)))
    if traits.head_bias:
        weights.append(Weight("lm_head.bias", Part.HEAD, (vocabulary,)))
    return tuple(weights)
