"""Turn structure and tensor tables into figures, each labelled with what it rests on; tables are trusted first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.anatomy import ActiveBody, DisagreementBody, ParametersBody
from weighbridge.inspection.anatomy.build import Refusal
from weighbridge.inspection.figures.stored import compositions_of, explained, stored_beside

if TYPE_CHECKING:
    from weighbridge.core.kinds.anatomy import Status
    from weighbridge.inspection.anatomy.structure import Structure
    from weighbridge.inspection.figures.declared import Architecture
    from weighbridge.inspection.figures.read import Sources
    from weighbridge.inspection.tables.weights import Weights

__all__ = ["parameter_figures"]

_PART_UNKNOWN = "a part of the model is not known"


def parameter_figures(sources: Sources) -> tuple[ParametersBody, list[DisagreementBody]]:
    """Return the parameters, and by name how the stored elements differ from the model's own."""
    weights, declared, outcome = sources.weights, sources.declared, sources.outcome
    stored = _stored(weights)
    if isinstance(outcome, Refusal):
        return _of_tables(weights, declared, stored, outcome.reason), []
    if outcome.total is None and stored is not None:
        return _of_tables(weights, declared, stored, _PART_UNKNOWN), []
    known = _of_structure(outcome, stored, weights)
    if stored is None or outcome.total == stored:
        return known, []
    # tables set integers apart; buffers of routers may be such
    if ways := compositions_of(sources, stored) or compositions_of(sources, stored + weights.tally.buffers):
        return known, list(explained("the files hold", ways))
    if beside := list(stored_beside(sources, stored)):
        return known, beside
    said = (
        f"the config describes {outcome.total or 0:,} parameters, the files hold {stored:,}, "
        "and no known way of storing explains the difference"
    )
    found = _of_tables(weights, declared, stored, None)
    return found, [DisagreementBody(name="unexplained-difference", message=said)]


def _stored(weights: Weights) -> int | None:
    """Return the elements of all stored weights; None where a table is absent, or weights are packed."""
    tally = weights.tally
    return tally.weights if weights.is_whole and tally.tensors and not tally.packed else None


def _of_structure(structure: Structure, stored: int | None, weights: Weights) -> ParametersBody:
    touched, without_input, without_both = structure.active()
    beside = {
        "mtp": structure.mtp_total,
        "mtp_copies": structure.mtp_copies,
        "buffers": structure.buffers,
        "scales": weights.tally.scales if weights.is_whole else 0,  # those of some tables are not the model's
    }
    return ParametersBody(
        total=structure.total,
        status="unknown" if structure.total is None else _status(structure),
        text=structure.text_total,
        active=ActiveBody(all=touched, without_input_embedding=without_input, without_embeddings=without_both),
        parts={part.value: count for part, count in structure.parts().items()}
        | {name: count for name, count in beside.items() if count},
        stored=stored,
        reason=_PART_UNKNOWN if structure.total is None else None,
    )


def _of_tables(weights: Weights, declared: Architecture, stored: int | None, reason: str | None) -> ParametersBody:
    """Return what the tables alone say: all that is stored, less scales and what is named as MTP."""
    if stored is None:
        return ParametersBody(reason=reason)
    tally = weights.tally
    scales = tally.scales if declared.quantization or "F8_E4M3" in tally.dtypes else 0
    drafts = tally.draft_elements(declared.layers, declared.drafts)
    beside = {"mtp": drafts, "scales": scales}
    return ParametersBody(
        total=stored - scales - drafts,
        status="from checkpoint",
        parts={name: count for name, count in beside.items() if count},
        stored=stored,
        reason=reason,
    )


def _status(structure: Structure) -> Status:
    return "exact" if structure.is_verified else "estimated"
