"""Inspect the anatomy: what the model is made of, from tensor tables and declarations, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import AnatomyV2
from weighbridge.core.kinds.anatomy import DisagreementBody
from weighbridge.inspection.anatomy.build import Refusal
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.figures.disagreements import find_disagreements
from weighbridge.inspection.figures.parameters import parameter_figures
from weighbridge.inspection.figures.read import read_sources
from weighbridge.inspection.figures.sizes import cache_figures, weight_figures
from weighbridge.inspection.figures.stored import name_counts
from weighbridge.inspection.figures.vendor import vendor_figures
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.tables.weights import NO_WEIGHTS

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.kinds.anatomy import VendorBody
    from weighbridge.formats.gguf import Value

__all__ = ["inspect_anatomy"]

_KIND = "anatomy/v2"
_MOST_NOTES = 200
_GGUF_TEMPLATE = "tokenizer.chat_template"
_TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")
_TOKENIZER = "tokenizer_config.json"


def inspect_anatomy(artefact: Artefact, made_on: date) -> Evidence:
    """State what the model is made of (anatomy/v2); what the files do not say is None.

    Raises DamagedFile only where the artefact is one GGUF file whose header cannot be read.
    """
    folder = Folder(artefact)
    sources = read_sources(folder)
    weights, declared, outcome = sources.weights, sources.declared, sources.outcome
    notes = [*weights.notes, *declared.notes]
    if artefact.reference.kind == "config":
        notes = [note for note in notes if note != NO_WEIGHTS]  # none were promised
    if weights.is_whole and weights.tally.tensors and not weights.tally.is_believable:
        notes.append("the tensor tables claim more than 2**53 elements or bytes, so totals are not known")
        weights.is_whole = False
    parameters, differences = parameter_figures(sources)
    vendor = list(vendor_figures(artefact.name, "the name", parameters))
    parameters = parameters.model_copy(update={"vendor": vendor})
    differences += [_other_convention(one) for one in vendor if one.counts != "total" and one.quantity == "total"]
    if isinstance(outcome, Structure):
        notes.extend(outcome.notes)
    is_explained = weights.format == "safetensors" and parameters.status in {"exact", "estimated"}
    experts = declared.experts
    is_seen = weights.is_whole and weights.tally.tensors
    if experts is None and (isinstance(outcome, Structure) or (is_seen and not weights.tally.experts_seen)):
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
        attention=declared.attention or _attention(outcome),
        experts=experts,
        experts_used=declared.experts_used,
        context_length=declared.context_length,
        vocabulary=declared.vocabulary,
        chat_template=_has_chat_template(folder, weights.metadata, notes),
        parameters=parameters,
        kv_cache=cache_figures(outcome, declared.context_length),
        weights=weight_figures(sources, artefact.name),
        disagreements=[
            *differences,
            *name_counts(sources),
            *find_disagreements(weights, declared, is_explained=is_explained),
        ][:_MOST_NOTES],
        notes=notes[:_MOST_NOTES] + ([f"{more:,} more notes are not listed"] if more > 0 else []),
    )
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), (), OURS, made_on)


def _other_convention(said: VendorBody) -> DisagreementBody:
    """Name a published total that is not the total."""
    counts = f"counts the {said.counts}" if said.counts else "is none of our counts"
    return DisagreementBody(name="published-total", message=f"`{said.said}` in {said.source} {counts}")


def _attention(outcome: Structure | Refusal) -> str | None:
    """Return the kind of attention where the config leaves a count to its library; None where layers differ."""
    if isinstance(outcome, Refusal):
        return None
    pairs = {
        (attend.heads, cache.elements // (attend.qk + attend.v))
        for layer in outcome.layers
        for attend, cache in zip(layer.attend, layer.caches, strict=False)
        if cache.decompressed is None and not cache.is_index
    }
    if len(pairs) != 1:
        return None
    heads, kv_heads = pairs.pop()
    if heads == kv_heads:
        return "MHA"
    return "MQA" if kv_heads == 1 else "GQA"


def _has_chat_template(folder: Folder, metadata: dict[str, Value], notes: list[str]) -> bool | None:
    """Return whether a chat template is stored, or None where no file that could hold one was read."""
    if _GGUF_TEMPLATE in metadata or any(name in folder for name in _TEMPLATE_FILES):
        return True
    tokenizer = folder.read_object(_TOKENIZER, notes)
    if tokenizer.get("chat_template"):
        return True
    return False if tokenizer or metadata else None
