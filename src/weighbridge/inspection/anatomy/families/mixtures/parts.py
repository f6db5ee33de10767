"""What mixtures of experts share: which layers hold experts, how attention repeats, how a model is put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import experts, feed_forward, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, hidden_of
from weighbridge.inspection.anatomy.families.lines.layout import deriving
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Layer, Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from weighbridge.inspection.anatomy.families.blocks import Mixer, Weights
    from weighbridge.inspection.anatomy.fields import Fields

__all__ = [
    "FUSED_EXPERTS",
    "FUSED_EXPERT_NAMES",
    "NUMBERED_EXPERT_NAMES",
    "Routing",
    "by_other_name",
    "correction",
    "each",
    "mixture",
    "must_be",
    "plain_ffn",
    "predictor",
    "routing",
    "sparse_by_types",
    "sparse_from",
]

Kind = TypeVar("Kind", bound="Hashable")

# one matrix of all experts, gate and up stacked, as newer checkpoints store them
FUSED_EXPERTS = {"experts.gate_up_proj": ("experts.*.gate_proj", "experts.*.up_proj")}
FUSED_EXPERT_NAMES = {
    "experts.gate_up_proj.weight": "experts.gate_up_proj",
    "experts.gate_up_proj.bias": "experts.gate_up_proj_bias",
    "experts.*.down_proj.weight": "experts.down_proj",
    "experts.*.down_proj.bias": "experts.down_proj_bias",
}
# w1, w2, w3: the names of Mixtral's checkpoints and of those that follow it
NUMBERED_EXPERT_NAMES = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}


@dataclass(frozen=True, slots=True)
class Routing:
    """A mixture: `count` routed experts `width` wide, of which a token visits `used`; `shared` is the shared width."""

    count: int
    used: int
    width: int
    shared: int = 0

    def weights(
        self,
        hidden: int,
        *,
        prefix: str = "mlp",
        router: str = "gate",
        shared_prefix: str = "shared_experts",
        bias: bool = False,
        router_bias: bool = False,
    ) -> Weights:
        """Return router, routed experts and the shared one; `bias` and `router_bias` are parameters."""
        return experts(
            hidden, self.width, self.count, self.used, prefix=prefix, router=router, shared=self.shared,
            shared_prefix=shared_prefix, bias=bias, router_bias=router_bias,
        )  # fmt: skip


def routing(
    fields: Fields,
    *,
    count: Sequence[str],
    used: Sequence[str] = ("num_experts_per_tok",),
    width: str = "moe_intermediate_size",
    shared: str | None = None,
) -> Routing:
    """Read a mixture; `shared` names the number of shared experts, each as wide as a routed one (0 where absent)."""
    wide = fields.count(width)
    number = (fields.optional(shared) or 0) if shared is not None else 0
    return Routing(fields.count(*count), fields.count(*used), wide, number * wide)


def correction(name: str, count: int) -> Weights:
    """Return a bias on the choice of experts that a library holds as a parameter; no token's values pass through it."""
    return (Weight(name, Part.ROUTER, (count,), visited=0),)


def each(kinds: Sequence[Kind], make: Callable[[Kind], Mixer]) -> tuple[Mixer, ...]:
    """Return the mixer of every layer, each distinct kind made once."""
    made = {kind: make(kind) for kind in set(kinds)}
    return tuple(made[kind] for kind in kinds)


def sparse_from(layers: int, first: int, *, every: int = 1) -> tuple[bool, ...]:
    """Return which layers hold experts: from layer `first` on, those whose number `every` divides."""
    return tuple(number >= first and number % every == 0 for number in range(layers))


def sparse_by_types(fields: Fields, layers: int, fallback: tuple[bool, ...]) -> tuple[bool, ...]:
    """Return which layers hold experts by `mlp_layer_types`, else by a fallback."""
    types = fields.words("mlp_layer_types", layers)
    if types is None:
        return fallback
    unknown = set(types) - {"sparse", "dense"}
    if unknown:
        raise Refused(f"`mlp_layer_types` holds {quote(min(unknown))}, which this family does not have")
    return tuple(one == "sparse" for one in types)


def must_be(fields: Fields, key: str, *allowed: object) -> None:
    """Refuse a value under which the library and the checkpoint's own code build different models; absent is fine."""
    value = fields.value(key)
    if value is not None and not any(value == one and type(value) is type(one) for one in allowed):
        raise Refused(f"{quote(key)} is {quote(str(value), 40)}, which the library's class does not build")


def by_other_name(fields: Fields, name: str, others: Sequence[str], default: int) -> Fields:
    """Return the section without a library's default that was filled in beside another name of the same field."""
    if fields.config.get(name) != default or all(fields.config.get(other) is None for other in others):
        return fields
    return deriving(fields, **{name: None})


def mixture(
    fields: Fields,
    traits: Traits,
    mixers: Sequence[Mixer],
    sparse: Sequence[bool],
    *,
    routed: Weights,
    plain: Weights | Callable[[], Weights] = (),
    buffers: int = 0,
) -> Structure:
    """Put a model together: `routed` feed-forward in the sparse layers, `plain` in the others.

    `plain` may be a function, so that its fields are read only where a dense layer exists. `buffers` are the stored
    elements of a sparse layer that are no parameters: the router's correction bias.
    """
    dense = () if all(sparse) else plain() if callable(plain) else plain
    blocks = [(mixer, routed if one else dense) for mixer, one in zip(mixers, sparse, strict=True)]
    return replace(assemble(fields, traits, blocks), buffers=buffers * sum(sparse))


def predictor(
    fields: Fields, hidden: int, layer: Layer, *, shared: bool, norms: int = 3
) -> tuple[tuple[Layer, ...], int]:
    """Return the MTP modules that `num_nextn_predict_layers` declares, and their second copies of embedding and head.

    A module is a decoder layer, a projection of the last state and the next embedding (2 h x h), and its norms of h:
    for state, embedding and output. It stores embedding and head again unless they are `shared` (DeepSeek-V3 report,
    2.2; hub totals of DeepSeek-R1, GLM-4.5).
    """
    count = fields.optional("num_nextn_predict_layers", "num_mtp_layers") or 0
    if not count:
        return (), 0
    names = ("enorm", "hnorm", "shared_head.norm")[:norms]
    more = (*linear("eh_proj", hidden, 2 * hidden, Part.DENSE_FFN), *(w for name in names for w in norm(name, hidden)))
    copies = 0 if shared else 2 * fields.count("vocab_size") * hidden
    return (replace(layer, weights=(*layer.weights, *more)),) * count, copies * count


def plain_ffn(fields: Fields, *, bias: bool = False) -> Callable[[], Weights]:
    """Return the feed-forward of dense layers, `intermediate_size` wide, to be read where one exists."""
    return lambda: feed_forward(hidden_of(fields), fields.count("intermediate_size"), bias=bias)
