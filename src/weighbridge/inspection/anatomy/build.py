"""Build the structure that a config describes, or say why it cannot be known."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote
from weighbridge.formats.tensor import MAX_ELEMENTS
from weighbridge.inspection.anatomy.families import dense, hybrid, latent, mixture
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.nesting import SECTIONS, text_of
from weighbridge.inspection.anatomy.vision import BUFFERS, TOWERS
from weighbridge.inspection.anatomy.vision.texts import FAMILIES as _SEEING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.inspection.anatomy.structure import Structure, Weight

__all__ = ["Refusal", "structure_of"]

# keys of parts beside the language model: a section, or the name of the model that is built in
_SENSES = re.compile(
    r"(?!.*token).*(?<![a-z])(vision|visual|audio|speech|siglip|talker|vit(?![a-z])|image_(encoder|tower|model))"
)
_ASSUMED = re.compile(r"`(.+)` is not declared; the library's default (.+) is taken")
_FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    **_SEEING,
    **dense.FAMILIES,
    **mixture.FAMILIES,
    **latent.FAMILIES,
    **hybrid.FAMILIES,
}

_CLASS = re.compile(r"(?:For(?:CausalLM|ConditionalGeneration|SequenceClassification)|LMHeadModel|Model)$")
_OTHER_HEAD = re.compile(r"Classification$|Reward|Regression")
_LONGEST_CLASS = 100

# keys that change what a model is made of: one that carries a value and was not asked for means that the
# family's formulas do not describe this config
_TELLING = frozenset({
    "num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts", "kv_lora_rank", "q_lora_rank",
    "index_n_heads", "mamba_d_state", "ssm_state_size", "linear_num_value_heads", "linear_attn_config",
    "hybrid_override_pattern", "attn_type_list", "block_configs", "compress_ratios", "moe_latent_size",
    "routed_expert_hidden_size", "num_kv_shared_layers", "hidden_size_per_layer_input", "hc_mult",
    "moe_intermediate_size", "cross_attention_layers", "attn_layer_period", "expert_layer_period",
    "per_layer_config",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a config's structure is not known."""

    reason: str
    architecture: str | None = None


def structure_of(config: Mapping[str, Any]) -> Structure | Refusal:
    """Return the structure of the model that a parsed `config.json` describes, or a refusal; raises nothing.

    A `model_type` that is missing or unknown is looked up by the class that the config names; what comes of that is
    an estimate.
    """
    name = _name(config)
    own = _by_class(config)
    if name is None and own is None:
        return Refusal("the config does not say its architecture: `model_type` is missing")
    try:
        if own is None or name in _FAMILIES or name in TOWERS or _is_nested(config):
            return _with_other_head(_build(config, name or ""), config)
        built = _build({**config, "model_type": own}, own)
    except Refused as refusal:
        return Refusal(str(refusal), name)
    stated = "is missing" if name is None else f"{quote(name)} is unknown"
    said = f"`model_type` {stated}; the model is read as {quote(own)}, by the class that the config names"
    return replace(built, is_verified=False, notes=(said, *built.notes))


def _name(config: Mapping[str, Any]) -> str | None:
    name = config.get("model_type")
    return name if isinstance(name, str) and name else None


def _with_other_head(structure: Structure, config: Mapping[str, Any]) -> Structure:
    """Doubt the count of a classifier or reward model: it has another head than the language model that is counted."""
    classes = config.get("architectures")
    name = classes[0] if isinstance(classes, list) and classes and isinstance(classes[0], str) else ""
    if not _OTHER_HEAD.search(name[:_LONGEST_CLASS]):
        return structure
    said = f"{quote(name, _LONGEST_CLASS)} has a head of its own; the language model's is counted"
    return replace(structure, is_verified=False, notes=(*structure.notes, said))


def _by_class(config: Mapping[str, Any]) -> str | None:
    """Return the family whose name the config's class bears: `DeepseekV3ForCausalLM` is `deepseek_v3`."""
    classes = config.get("architectures")
    if not isinstance(classes, list) or not classes or not isinstance(classes[0], str):
        return None
    return _plain_names().get(_CLASS.sub("", classes[0][:_LONGEST_CLASS]).lower())


@cache
def _plain_names() -> dict[str, str]:
    return {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(_FAMILIES)}


def _is_nested(config: Mapping[str, Any]) -> bool:
    return any(isinstance(config.get(key), dict) for key in SECTIONS)


def _build(config: Mapping[str, Any], name: str) -> Structure:
    """Build the text model, then the parts that see or hear; raises Refused."""
    text = text_of(config, name)
    if text.kind != name and name in _FAMILIES and name not in TOWERS and text.wrapper is None:
        raise Refused(f"{quote(name)} is no wrapper, yet a section describes {quote(text.kind)}")
    builder = _FAMILIES.get(text.kind) or _FAMILIES.get(name)
    if builder is None:
        raise Refused(f"the architecture {quote(text.kind)} is unknown")
    fields = Fields(text.config)
    structure = text.placed(builder(fields))
    for key in sorted(_TELLING - fields.used):
        if text.config.get(key):
            raise Refused(f"{quote(key)} is declared, which {quote(structure.family)} does not have")
    if structure.text_total > MAX_ELEMENTS:
        raise Refused("the config describes more than 2**53 parameters")
    notes = (*structure.notes, *text.assumed(fields.used), *fields.assumed)
    try:
        vision, buffers, said = _senses(config, name, structure.hidden_size)
    except Refused as refusal:
        said = (f"the part that sees or hears is not known, so only the language model is counted: {refusal}",)
        return replace(structure, vision=None, notes=(*notes, *said))
    return replace(structure, vision=vision, buffers=structure.buffers + buffers, notes=(*notes, *said))


def _senses(config: Mapping[str, Any], name: str, hidden_size: int) -> tuple[tuple[Weight, ...], int, tuple[str, ...]]:
    """Return the parts that see or hear, stored elements beside them, and what was assumed; Refused if not known."""
    tower = TOWERS.get(name)
    if tower is None:
        declared = next((key for key in sorted(config) if _SENSES.match(key) and _describes(config[key])), None)
        if declared is not None:
            raise Refused(f"{quote(declared)} of {quote(name)} has no formula here")
        return (), 0, ()
    fields = Fields(config)
    weights = tower(fields, hidden_size)
    if sum(weight.elements for weight in weights) > MAX_ELEMENTS:
        raise Refused("it would hold more than 2**53 parameters")
    buffers = BUFFERS[name](fields) if name in BUFFERS else 0
    return weights, buffers, _told(fields.assumed)


def _told(assumed: list[str]) -> tuple[str, ...]:
    """Return assumptions about one part as a single sentence where there are several."""
    taken = [match for said in assumed if (match := _ASSUMED.fullmatch(said))]
    if len(taken) <= 1:
        return tuple(assumed)
    others = tuple(said for said in assumed if not _ASSUMED.fullmatch(said))
    listed = ", ".join(f"`{match[1]}` {match[2]}" for match in taken)
    return (*others, f"what sees or hears is not fully declared; the library's defaults are taken: {listed}")


def _describes(value: object) -> bool:
    """Whether a value describes a part: an object, or the name of a model; not a token's number or a flag."""
    return isinstance(value, dict | list | str) and bool(value)
