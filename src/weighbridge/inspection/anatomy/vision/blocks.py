"""What towers share: encoder layers, norms, convolutions, and how their sections are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Size", "Style", "Weights", "conv", "encoder", "fits", "layer_norm", "patches", "projector", "section", "sides",
    "vector",
]  # fmt: skip

Weights = tuple[Weight, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """Widths of an encoder: `hidden` elements, `inner` of the feed-forward block, `layers`.

    `queries` and `keys` are the widths of all query heads and of all key (and value) heads, `hidden` where None.
    """

    hidden: int
    inner: int
    layers: int
    queries: int | None = None
    keys: int | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How an encoder layer names its weights and which have a bias.

    `attention` holds one name (query, key and value in one matrix) or three; of `mlp` the last one leads back to the
    hidden size; `unbiased` are exceptions among the projections; `vectors` are further vectors, `hidden` long.
    """

    norms: tuple[str, ...] = ("layer_norm1", "layer_norm2")
    attention: tuple[str, ...] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    out: str = "self_attn.out_proj"
    mlp: tuple[str, ...] = ("mlp.fc1", "mlp.fc2")
    norm_bias: bool = True
    qkv_bias: bool = True
    out_bias: bool = True
    mlp_bias: bool = True
    unbiased: frozenset[str] = frozenset()
    vectors: tuple[str, ...] = ()


def encoder(prefix: str, size: Size, style: Style, *, part: Part = Part.VISION) -> Weights:
    """Return the layers of a transformer encoder, alike weights of all layers as copies of one."""
    hidden, copies = size.hidden, size.layers
    queries, keys = size.queries or hidden, size.keys or hidden
    widths = (queries, keys, keys) if len(style.attention) > 1 else (queries + 2 * keys,)
    projections = [
        *((name, width, hidden, style.qkv_bias) for name, width in zip(style.attention, widths, strict=True)),
        (style.out, hidden, queries, style.out_bias),
        *((name, size.inner, hidden, style.mlp_bias) for name in style.mlp[:-1]),
        (style.mlp[-1], hidden, size.inner, style.mlp_bias),
    ]
    weights: list[Weight] = []
    for name in style.norms:
        weights += layer_norm(f"{prefix}.*.{name}", hidden, bias=style.norm_bias, part=part, copies=copies)
    for name, out, into, has_bias in projections:
        bias = has_bias and name not in style.unbiased
        weights += linear(f"{prefix}.*.{name}", out, into, part, bias=bias, copies=copies)
    for name in style.vectors:
        weights += vector(f"{prefix}.*.{name}", hidden, part=part, copies=copies)
    return tuple(weights)


def vector(name: str, *shape: int, part: Part = Part.VISION, copies: int = 1) -> Weights:
    """Return a parameter that is no projection: a class token, positions, a gate."""
    return (Weight(name, part, shape, copies),)


def layer_norm(name: str, size: int, *, bias: bool = True, part: Part = Part.VISION, copies: int = 1) -> Weights:
    """Return a norm over `size` elements that belongs to `part`; without a bias it is an RMSNorm."""
    weight = Weight(f"{name}.weight", part, (size,), copies)
    return (weight, Weight(f"{name}.bias", part, (size,), copies)) if bias else (weight,)


def conv(
    name: str, out: int, into: int, *kernel: int, bias: bool = False, part: Part = Part.VISION, copies: int = 1
) -> Weights:
    """Return a convolution from `into` to `out` channels."""
    weight = Weight(f"{name}.weight", part, (out, into, *kernel), copies)
    return (weight, Weight(f"{name}.bias", part, (out,), copies)) if bias else (weight,)


def projector(layers: Iterable[tuple[str, int, int]], *, bias: bool = True) -> Weights:
    """Return the linear layers, each (name, out, in), that lead from a tower to the language model."""
    return tuple(weight for name, out, into in layers for weight in linear(name, out, into, Part.PROJECTOR, bias=bias))


def section(outer: Fields, *keys: str, **defaults: object) -> Fields:
    """Return the section of a tower with a library's defaults for what is absent; a config without it is refused."""
    inner = outer.section(*(keys or ("vision_config",)))
    if inner is None:
        kind = outer.word("model_type")
        raise Refused(f"`{keys[0] if keys else 'vision_config'}` is missing, which a model of type `{kind}` has")
    return inner.with_defaults(**defaults)


def sides(fields: Fields, key: str) -> tuple[int, int]:
    """Read a height and a width, declared as two numbers or as one for both."""
    if isinstance(fields.value(key), list):
        pair = fields.counts(key, 2, at_least=1)
        if pair is not None:
            return pair[0], pair[1]
    side = fields.count(key)
    return side, side


def patches(fields: Fields) -> int:
    """Return how many patches the image size holds."""
    image, patch = sides(fields, "image_size"), sides(fields, "patch_size")
    number = (image[0] // patch[0]) * (image[1] // patch[1])
    if not number:
        raise Refused("`image_size` is smaller than `patch_size`")
    return number


def fits(given: int, hidden: int) -> int:
    """Return the width that a tower gives to the language model; another than that model's own is refused."""
    if given != hidden:
        raise Refused(f"the tower gives {given} elements to a language model that is {hidden} wide")
    return given
