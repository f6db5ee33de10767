"""Inspect the anatomy: what the model is made of, from tensor tables and declarations, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import AnatomyV2
from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.declared import from_config, from_gguf
from weighbridge.inspection.anatomy.disagreements import find_disagreements
from weighbridge.inspection.anatomy.figures import cache_figures, parameter_figures, weight_figures
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.tables.weights import find_weights

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.formats.gguf import Value
    from weighbridge.inspection.tables.weights import Weights

__all__ = ["inspect_anatomy"]

_KIND = "anatomy/v2"
_MOST_NOTES = 200
_GGUF_TEMPLATE = "tokenizer.chat_template"
_TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")
_TOKENIZER = "tokenizer_config.json"
_MODELOPT = "hf_quant_config.json"


def inspect_anatomy(artefact: Artefact, made_on: date) -> Evidence:
    """State what the model is made of (anatomy/v2); what the files do not say is None.

    Raises DamagedFile only where the artefact is one GGUF file whose header cannot be read.
    """
    folder = Folder(artefact)
    weights = find_weights(folder)
    notes = weights.notes
    outcome: Structure | Refusal
    if weights.format == "gguf" and weights.metadata:
        declared = from_gguf(weights.metadata)
        outcome = Refusal("the structure of a GGUF file is read from its tensor table", declared.name)
    else:
        config = folder.read_object("config.json", notes)
        modelopt = folder.read_object(_MODELOPT, notes).get("quantization")
        declared = from_config({"compression_config": modelopt, **config})
        outcome = structure_of(config) if config else Refusal("there is no `config.json` to read")
    notes.extend(declared.notes)
    _refuse_unbelievable(weights)
    parameters, differences = parameter_figures(outcome, weights, declared)
    if isinstance(outcome, Structure):
        notes.extend(outcome.notes)
    experts = declared.experts
    if experts is None and weights.is_whole and weights.tally.tensors and not weights.tally.experts_seen:
        experts = declared.experts_used = 0
    more = len(notes) - _MOST_NOTES
    body = AnatomyV2(
        status=parameters.status,
        format=weights.format,
        architecture=declared.name,
        layers=declared.layers,
        hidden_size=declared.hidden_size,
        heads=declared.heads,
        kv_heads=declared.kv_heads,
        attention=declared.attention,
        experts=experts,
        experts_used=declared.experts_used,
        context_length=declared.context_length,
        vocabulary=declared.vocabulary,
        chat_template=_has_chat_template(folder, weights.metadata, notes),
        parameters=parameters,
        kv_cache=cache_figures(outcome),
        weights=weight_figures(weights, declared),
        disagreements=[*differences, *find_disagreements(weights, declared)][:_MOST_NOTES],
        notes=notes[:_MOST_NOTES] + ([f"{more:,} more notes are not listed"] if more > 0 else []),
    )
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), OURS, made_on)


def _refuse_unbelievable(weights: Weights) -> None:
    """Believe no total beyond what JSON can hold exactly; a table may claim more than any disk has."""
    if weights.is_whole and weights.tally.tensors and not weights.tally.is_believable:
        weights.notes.append("the tensor tables claim more than 2**53 elements or bytes, so totals are not known")
        weights.is_whole = False


def _has_chat_template(folder: Folder, metadata: dict[str, Value], notes: list[str]) -> bool | None:
    """Return whether a chat template is stored, or None where no file that could hold one was read."""
    if _GGUF_TEMPLATE in metadata or any(name in folder for name in _TEMPLATE_FILES):
        return True
    tokenizer = folder.read_object(_TOKENIZER, notes)
    if tokenizer.get("chat_template"):
        return True
    return False if tokenizer or metadata else None
