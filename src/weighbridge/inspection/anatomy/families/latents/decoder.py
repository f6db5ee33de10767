"""A decoder of latent attention and experts: which layers are dense, stored routing biases, prediction modules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import experts, feed_forward, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, hidden_of
from weighbridge.inspection.anatomy.families.latents.attention import is_null, number
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Layer, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.inspection.anatomy.families.blocks import Mixer, Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["Experts", "add_drafts", "built", "count_drafts", "experts_of", "sparse_layers", "without_drafts"]

_PLAIN = Traits()
_MLP_TYPES = frozenset({"dense", "sparse"})
_DRAFTS = ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_layers")


@dataclass(frozen=True, slots=True)
class Experts:
    """A family's experts: `count` routed ones `width` wide, `used` by a token, and a shared one `shared` wide.

    `is_biased`: the checkpoint stores a correction bias of `count` elements beside each router, which is no parameter.
    """

    count: int
    used: int
    width: int
    shared: int
    is_biased: bool = True

    def weights(self, hidden: int, *, bias: bool = False) -> Weights:
        """Return the experts of one layer; `bias` stands on the shared one alone."""
        routed = experts(hidden, self.width, self.count, self.used)
        if not self.shared:
            return routed
        place = "mlp.shared_experts"
        return (*routed, *feed_forward(hidden, self.shared, prefix=place, part=Part.SHARED_EXPERTS, bias=bias))


def experts_of(
    fields: Fields,
    *,
    count: tuple[str, ...] = ("n_routed_experts", "num_local_experts"),
    used: tuple[str, ...] = ("num_experts_per_tok",),
    shared: tuple[str, ...] = ("n_shared_experts",),
    width: tuple[str, ...] = ("moe_intermediate_size",),
    is_biased: bool = True,
) -> Experts:
    """Read the experts; shared ones declared as null are none."""
    size = number(fields, *width)
    copies = 0 if is_null(fields, *shared) else number(fields, *shared, at_least=0)
    return Experts(number(fields, *count), number(fields, *used), size, size * copies, is_biased)


def sparse_layers(
    fields: Fields, layers: int, *, dense: int | None = None, stepped: bool = False, typed: bool = True
) -> tuple[bool, ...]:
    """Return which layers hold experts: `mlp_layer_types`, else all but the first dense ones.

    `dense` is their number where the class knows no `first_k_dense_replace`: another one is refused.
    `stepped`: the class follows `moe_layer_freq`; elsewhere any but 1 is refused. `typed`: it follows the types.
    """
    types = fields.words("mlp_layer_types", layers)
    if types is not None and not typed:
        raise Refused("`mlp_layer_types` is declared, which the family's class does not follow")
    if types is not None:
        if set(types) - _MLP_TYPES:
            raise Refused(f"`mlp_layer_types` holds {quote(min(set(types) - _MLP_TYPES))}")
        return tuple(one == "sparse" for one in types)
    if stepped:
        every = fields.count("moe_layer_freq", default=1)
        first = number(fields, "first_k_dense_replace", at_least=0)
        return tuple(layer >= first and layer % every == 0 for layer in range(layers))
    if fields.value("moe_layer_freq") not in (None, 1, [1] * layers):
        raise Refused("`moe_layer_freq` is not 1, which the family's class does not follow")
    if dense is None:
        first = number(fields, "first_k_dense_replace", at_least=0)
    elif fields.value("first_k_dense_replace") not in (None, dense):
        raise Refused(f"`first_k_dense_replace` is not {dense}, which the family's class does not follow")
    else:
        first = dense
    return tuple(layer >= first for layer in range(layers))


def built(
    fields: Fields,
    mixers: Sequence[Mixer],
    sparse: Sequence[bool],
    kinds: Experts,
    *,
    traits: Traits = _PLAIN,
    more: Callable[[int], Weights] = lambda _: (),
    mlp_bias: bool = False,
) -> Structure:
    """Build the decoder whose layers have these mixers and, where `sparse`, experts instead of a dense block."""
    hidden = hidden_of(fields)
    number(fields, "vocab_size")
    dense: Weights = ()
    if not all(sparse):
        dense = feed_forward(hidden, number(fields, "intermediate_size"), bias=mlp_bias)
    routed = kinds.weights(hidden, bias=mlp_bias) if any(sparse) else ()
    blocks = [(mixer, routed if is_sparse else dense) for mixer, is_sparse in zip(mixers, sparse, strict=True)]
    structure = assemble(fields, traits, blocks, more=more)
    return replace(structure, buffers=kinds.count * sum(sparse) if kinds.is_biased else 0)


def count_drafts(fields: Fields) -> int:
    """Return the declared number of multi-token-prediction modules; none where the config does not say."""
    declared = fields.optional(*_DRAFTS) if fields.has(*_DRAFTS) else 0
    if declared is None or declared > MAX_LAYERS:
        raise Refused("the config declares more prediction modules than a model can have layers")
    return declared


def without_drafts(structure: Structure) -> Structure:
    """Say that prediction modules are declared, but not counted."""
    said = "the config declares modules for multi-token prediction; what they hold is not known, none is counted"
    return replace(structure, notes=(*structure.notes, said))


def add_drafts(fields: Fields, structure: Structure, mixer: Mixer, kinds: Experts, *, copies: bool | None) -> Structure:
    """Add the declared prediction modules as DeepSeek-V3 stores them: a layer, a routing bias, `eh_proj`, three norms.

    `copies`: each stores embedding and head again; None where no source tells what the family's modules hold.
    Source: README_WEIGHTS of DeepSeek-V3, and the hub totals that it explains to the unit.
    """
    drafts = count_drafts(fields)
    if not drafts:
        return structure
    if copies is None:
        return without_drafts(structure)
    hidden = structure.hidden_size
    weights = [*mixer.weights, *kinds.weights(hidden), *linear("eh_proj", hidden, 2 * hidden, Part.DENSE_FFN)]
    for name in ("input_layernorm", "post_attention_layernorm", "enorm", "hnorm", "shared_head.norm"):
        weights += norm(name, hidden)
    if kinds.is_biased:
        weights.append(Weight("mlp.gate.e_score_correction_bias", Part.ROUTER, (kinds.count,)))
    module = Layer(mixer.kind, tuple(weights), mixer.caches, mixer.attend)
    again = 2 * structure.vocabulary * hidden * drafts if copies else 0
    return replace(structure, mtp=(module,) * drafts, mtp_copies=again)
