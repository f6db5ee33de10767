"""What every hybrid shares: the library's defaults, heads, kinds of layers, and the frame around the layers."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, feed_forward, linear, norm
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Fields, Refused
from weighbridge.inspection.anatomy.structure import Layer, Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.inspection.anatomy.families.blocks import Weights

__all__ = [
    "FULL",
    "LINEAR",
    "Frame",
    "framed",
    "heads_in",
    "is_null",
    "kinds_in",
    "layered",
    "library",
    "mixed",
    "pattern",
    "plain_ffn",
    "vector",
]

FULL, LINEAR = "full_attention", "linear_attention"
_RENAMED = {"attention": FULL, "mamba": LINEAR}  # names of kinds that older configs use


@dataclass(frozen=True, slots=True)
class Frame:
    """How a checkpoint names what stands around its layers, and what the library ties by default."""

    root: str = "model."
    embedding: str = "embed_tokens"
    final: str = "norm"
    head: str = "lm_head"
    layers: str = "layers"
    bias: bool = False  # of the final norm


@cache
def _defaults() -> dict[str, dict[str, Any]]:
    text = files(__package__).joinpath("defaults.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def library(fields: Fields, family: str) -> Fields:
    """Return the section with what transformers 5.23 takes for keys that a config of `family` leaves out."""
    return fields.with_defaults(**_defaults()[family])


def is_null(fields: Fields, key: str) -> bool:
    """Whether a key is declared as null, which some libraries tell from one that is left out."""
    return key in fields.config and fields.config[key] is None


def vector(name: str, size: int, part: Part = Part.LINEAR_ATTENTION) -> Weights:
    """Return one vector of `size` elements."""
    return (Weight(name, part, (size,)),)


def heads_in(fields: Fields, hidden: int, *, width: int | None = None) -> Heads:
    """Read the heads: as many key-value heads as query heads where null, head width from the hidden size where absent.

    `width` overrules the width of a head.
    """
    n = fields.count("num_attention_heads", "num_heads")
    if is_null(fields, "num_key_value_heads") or not (
        fields.has("num_key_value_heads") or "num_key_value_heads" in fields.defaults
    ):
        k = n
    else:
        k = fields.count("num_key_value_heads")
    d = width
    if d is None and (fields.has("head_dim") or "head_dim" in fields.defaults):
        d = fields.count("head_dim")
    if d is None:
        if hidden % n:
            raise Refused(f"a hidden size of {hidden} cannot be split over {n} heads")
        d = hidden // n
    return Heads(n, k, d, d)


def kinds_in(fields: Fields, count: int, allowed: Iterable[str], *keys: str) -> tuple[str, ...] | None:
    """Return the kind of each of `count` layers under one of several keys, old names turned; None where absent."""
    value = fields.value(*keys)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refused(f"{quote(keys[0])} is no list of texts")
    if len(value) != count:
        raise Refused(f"{quote(keys[0])} has {len(value)} entries for {count} layers")
    kinds: tuple[str, ...] = tuple(_RENAMED.get(str(one), str(one)) for one in value)
    unknown = set(kinds) - set(allowed)
    if unknown:
        raise Refused(f"{quote(keys[0])} holds {quote(min(unknown)[:40])}, which this family does not have")
    return kinds


def pattern(fields: Fields, key: str, letters: dict[str, str]) -> tuple[str, ...] | None:
    """Return the kinds of layers that a pattern string spells, one letter a layer; None where it is absent."""
    text = fields.word(key)
    if text is None:
        return None
    unknown = set(text) - set(letters)
    if unknown or not 0 < len(text) <= MAX_LAYERS:
        said = f"holds {quote(min(unknown))}" if unknown else f"spells {len(text)} layers"
        raise Refused(f"{quote(key)} {said}, which cannot be built")
    return tuple(letters[letter] for letter in text)


def plain_ffn(fields: Fields, hidden: int, *, prefix: str = "mlp", bias: bool = False) -> Weights:
    """Return the gated feed-forward block that `intermediate_size` describes."""
    return feed_forward(hidden, fields.count("intermediate_size"), prefix=prefix, bias=bias)


def layered(mixer: Mixer | None, *weights: Weights, kind: str = "mlp") -> Layer:
    """Return one layer of a mixer, which may be absent, and further weights."""
    rest = tuple(weight for part in weights for weight in part)
    if mixer is None:
        return Layer(kind, rest)
    return Layer(mixer.kind, (*mixer.weights, *rest), mixer.caches, mixer.attend, mixer.state)


def mixed(kind: str, *mixers: Mixer) -> Mixer:
    """Return several mixers that one layer runs side by side as one."""
    return Mixer(
        kind,
        tuple(weight for one in mixers for weight in one.weights),
        tuple(kept for one in mixers for kept in one.caches),
        tuple(seen for one in mixers for seen in one.attend),
        sum(one.state for one in mixers),
    )


def framed(
    fields: Fields,
    layers: Sequence[Layer],
    frame: Frame = Frame(),
    *,
    can_tie: bool = True,
    head_bias: bool = False,
    more: Weights = (),
) -> Structure:
    """Put embedding, final norm and an untied head around layers; `more` stands outside of them as well.

    Whether they are tied must be in the library's defaults; `can_tie` is False where the library never ties.
    """
    hidden, vocabulary = fields.count("hidden_size"), fields.count("vocab_size")
    tied = fields.flag("tie_word_embeddings") and can_tie
    outside = [
        Weight(f"{frame.root}{frame.embedding}.weight", Part.EMBEDDING, (vocabulary, hidden)),
        *norm(f"{frame.root}{frame.final}", hidden, bias=frame.bias),
        *more,
    ]
    if not tied:
        outside += linear(frame.head, vocabulary, hidden, Part.HEAD)
    if head_bias:
        outside.append(Weight(f"{frame.head}.bias", Part.HEAD, (vocabulary,)))
    return Structure(
        family=fields.word("model_type") or "unknown",
        hidden_size=hidden,
        vocabulary=vocabulary,
        is_tied=tied,
        outside=tuple(outside),
        layers=tuple(layers),
        layer_prefix=f"{frame.root}{frame.layers}",
    )
