"""Build the structure that a config describes, or say why it cannot be known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote
from weighbridge.formats.tensor import MAX_ELEMENTS
from weighbridge.inspection.anatomy.families import dense, hybrid, latent, mixture
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.vision import TOWERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["Refusal", "structure_of"]

_TEXT_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
_SENSES = ("vision_config", "audio_config")
_FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    **dense.FAMILIES,
    **mixture.FAMILIES,
    **latent.FAMILIES,
    **hybrid.FAMILIES,
}

# keys that change what a model is made of: one that carries a value and was not asked for means that the
# family's formulas do not describe this config
_TELLING = frozenset({
    "num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts", "kv_lora_rank", "q_lora_rank",
    "index_n_heads", "mamba_d_state", "ssm_state_size", "linear_num_value_heads", "linear_attn_config",
    "hybrid_override_pattern", "attn_type_list", "block_configs", "compress_ratios", "moe_latent_size",
    "routed_expert_hidden_size", "num_kv_shared_layers", "hidden_size_per_layer_input", "hc_mult",
    "moe_intermediate_size", "cross_attention_layers", "attn_layer_period", "expert_layer_period",
    "per_layer_config",
    "per_layer_config",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a config's structure is not known."""

    reason: str
    architecture: str | None = None


def structure_of(config: Mapping[str, Any]) -> Structure | Refusal:
    """Return the structure of the model that a parsed `config.json` describes, or a refusal; raises nothing."""
    name = _name(config)
    if name is None:
        return Refusal("the config does not say its architecture: `model_type` is missing")
    try:
        return _build(config, name)
    except Refused as refusal:
        return Refusal(str(refusal), name)


def _name(config: Mapping[str, Any]) -> str | None:
    name = config.get("model_type")
    return name if isinstance(name, str) and name else None


def _build(config: Mapping[str, Any], name: str) -> Structure:
    """Build the text model, then the parts that see or hear; raises Refused."""
    nested = next((part for key in _TEXT_PARTS if isinstance(part := config.get(key), dict)), None)
    merged = dict(config) if nested is None else _merge(config, nested)
    kind = merged.get("model_type")
    builder = _FAMILIES.get(kind if isinstance(kind, str) else "") or _FAMILIES.get(name)
    if builder is None:
        raise Refused(f"the architecture {quote(str(kind or name))} is unknown")
    fields = Fields(merged)
    structure = builder(fields)
    for key in sorted(_TELLING - fields.used):
        if merged.get(key):
            raise Refused(f"{quote(key)} is declared, which {quote(structure.family)} does not have")
    if structure.text_total > MAX_ELEMENTS:
        raise Refused("the config describes more than 2**53 parameters")
    notes = (*structure.notes, *fields.assumed)
    if not any(isinstance(config.get(key), dict) for key in _SENSES):
        return replace(structure, notes=notes)
    tower = TOWERS.get(name)
    if tower is None:
        said = f"the part that sees or hears of {quote(name)} is not known, so only the language model is counted"
        return replace(structure, vision=None, notes=(*notes, said))
    return replace(structure, vision=tower(Fields(config), structure.hidden_size), notes=notes)


def _merge(config: Mapping[str, Any], nested: Mapping[str, Any]) -> dict[str, Any]:
    """Return the text section with the outer keys as fallbacks; whether embeddings are tied is said outside first."""
    nulls = {key: None for key, value in nested.items() if value is None}  # a declared null is no absent field
    merged = {**nulls, **config, **{key: value for key, value in nested.items() if value is not None}}
    outer = config.get("tie_word_embeddings")
    return merged if outer is None else {**merged, "tie_word_embeddings": outer}
