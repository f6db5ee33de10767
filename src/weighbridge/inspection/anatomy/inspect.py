"""Inspect the anatomy: what the model is made of, from tensor tables and declarations, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import AnatomyV1
from weighbridge.inspection.anatomy.declared import from_config, from_gguf
from weighbridge.inspection.anatomy.disagreements import find_disagreements
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.tables.weights import find_weights

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.formats.gguf import Value
    from weighbridge.inspection.tables.weights import Weights

__all__ = ["inspect_anatomy"]

_KIND = "anatomy/v1"
_MOST_NOTES = 200
_GGUF_TEMPLATE = "tokenizer.chat_template"
_TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")
_TOKENIZER = "tokenizer_config.json"
_MODELOPT = "hf_quant_config.json"


def inspect_anatomy(artefact: Artefact, made_on: date) -> Evidence:
    """State what the model is made of (anatomy/v1); what the files do not say is None.

    Raises DamagedFile only where the artefact is one GGUF file whose header cannot be read.
    """
    folder = Folder(artefact)
    weights = find_weights(folder)
    notes = weights.notes
    if weights.format == "gguf" and weights.metadata:
        declared = from_gguf(weights.metadata)
    else:
        config = folder.read_object("config.json", notes)
        modelopt = folder.read_object(_MODELOPT, notes).get("quantization")
        declared = from_config({"compression_config": modelopt, **config})
    notes.extend(declared.notes)
    totals = _totals(weights)
    experts = declared.experts
    if experts is None and weights.is_whole and weights.tally.tensors and not weights.tally.experts_seen:
        experts = declared.experts_used = 0
    template = _has_chat_template(folder, weights.metadata, notes)
    notes.extend(find_disagreements(weights, declared))
    more = len(notes) - _MOST_NOTES
    body = AnatomyV1(
        format=weights.format,
        architecture=declared.name,
        **totals,
        layers=declared.layers,
        hidden_size=declared.hidden_size,
        heads=declared.heads,
        kv_heads=declared.kv_heads,
        attention=declared.attention,
        experts=experts,
        experts_used=declared.experts_used,
        context_length=declared.context_length,
        vocabulary=declared.vocabulary,
        chat_template=template,
        quantization=declared.quantization,
        notes=notes[:_MOST_NOTES] + ([f"{more:,} more notes are not listed"] if more > 0 else []),
    )
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), OURS, made_on)


def _totals(weights: Weights) -> dict[str, Any]:
    """Return the totals that may be called the model's; none where a part is missing or unbelievable."""
    tally = weights.tally
    if not weights.is_whole or not tally.tensors:
        return {}
    if not tally.is_believable:
        weights.notes.append("the tensor tables claim more than 2**53 elements or bytes, so totals are not known")
        weights.is_whole = False
        return {}
    parameters = tally.weights if not tally.packed else None
    bits = 8 * tally.n_bytes / parameters if parameters and tally.n_bytes is not None else None
    return {
        "parameters": parameters,
        "weight_bytes": tally.n_bytes,
        "bits_per_weight": bits,
        "tensors": tally.tensors,
        "dtypes": dict(sorted(tally.dtypes.items())),
    }


def _has_chat_template(folder: Folder, metadata: dict[str, Value], notes: list[str]) -> bool | None:
    """Return whether a chat template is stored, or None where no file that could hold one was read."""
    if _GGUF_TEMPLATE in metadata or any(name in folder for name in _TEMPLATE_FILES):
        return True
    tokenizer = folder.read_object(_TOKENIZER, notes)
    if tokenizer.get("chat_template"):
        return True
    return False if tokenizer or metadata else None
