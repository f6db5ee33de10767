"""The model card of a bill: parameters, measurements with their intervals, and what the use has to consider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.bom.body import body_of
from weighbridge.dossier.bom.properties import property_list

if TYPE_CHECKING:
    from weighbridge.core.kinds import EstimateBody
    from weighbridge.dossier.compose import Dossier

__all__ = ["model_card"]

_LATENCIES = ("ttft_median_s", "ttft_p90_s", "tpot_median_s")


def model_card(dossier: Dossier) -> dict[str, Any]:
    """Return the card; what nothing here knows is left out."""
    card: dict[str, Any] = {
        "modelParameters": _parameters(dossier),
        "considerations": _considerations(dossier),
        "properties": property_list({"note": "made from evidence; the publisher's own card lies with the model"}),
    }
    if metrics := _metrics(dossier):
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return card


def _parameters(dossier: Dossier) -> dict[str, Any]:
    """Return architecture, task and data sets as the files have them.

    The approach is that of pre-training, which every generative language model shares; what came after is not known.
    """
    provenance = body_of(dossier, "provenance/v1")
    found: dict[str, Any] = {"approach": {"type": "self-supervised"}} if dossier.anatomy else {}
    if task := provenance.get("task"):
        found["task"] = task
    if dossier.anatomy:
        body = dossier.anatomy.body
        found["architectureFamily"] = _family(body.kv_cache.layers, body.experts)
        if body.architecture:
            found["modelArchitecture"] = body.architecture
    if datasets := provenance.get("datasets"):
        found["datasets"] = [{"type": "dataset", "name": name, "description": "as declared"} for name in datasets]
    multimodal = body_of(dossier, "licence/v1").get("multimodal")
    found["inputs"] = [{"format": "string"}] + ([{"format": "image, audio or video"}] if multimodal else [])
    found["outputs"] = [{"format": "string"}]
    return found


def _family(layers: dict[str, int], experts: int | None) -> str:
    """Name the family by the kinds of its layers, as far as they are known."""
    attends = any(name in {"full", "sliding", "chunked"} for name in layers)
    family = "transformer" if attends or not layers else "recurrent or state-space network"
    if attends and any(name not in {"full", "sliding", "chunked"} for name in layers):
        family = "hybrid of transformer and recurrent or state-space layers"
    return f"{family}, mixture of experts" if experts else family


def _metrics(dossier: Dossier) -> list[dict[str, Any]]:
    """Return every measurement that has an interval; one that could not be marked is no metric."""
    rows = [_metric(one.measure, one.title, one.estimate) for one in dossier.shares if one.estimate]
    for record in dossier.latencies:
        estimates = [(name, getattr(record.body, name)) for name in _LATENCIES]
        rows += [_metric(name, dossier.titles[record.id], estimate) for name, estimate in estimates if estimate]
    for compared in dossier.comparisons:
        title = f"{dossier.titles[compared.id]} against {compared.body.baseline_name}"
        rows.append(_metric("difference of accuracy", title, compared.body.difference))
    return rows


def _metric(kind: str, title: str, estimate: EstimateBody) -> dict[str, Any]:
    """Return one metric; count and method stand in the slice, for which CycloneDX has no field."""
    unscored = f", {estimate.unscored} unscored" if estimate.unscored else ""
    return {
        "type": kind,
        "value": str(estimate.value),
        "slice": f"{title}: n={estimate.n}{unscored}, {estimate.level:.0%} interval by {estimate.method}",
        "confidenceInterval": {"lowerBound": str(estimate.low), "upperBound": str(estimate.high)},
    }


def _considerations(dossier: Dossier) -> dict[str, Any]:
    """Return intended use, limits found, and conditions, as the decision states them."""
    use = dossier.decision["use"]
    found: dict[str, Any] = {"useCases": [str(use["description"])], "users": [str(use["audience"])]}
    limits = [f"{one['rule']}: {one['because']}" for one in dossier.rulings if one["outcome"] != "pass"]
    limits += [f"not looked at: {look.area}" for look in dossier.looks if not look.looked]
    if limits:
        found["technicalLimitations"] = limits
    if conditions := dossier.decision["conditions"]:
        found["ethicalConsiderations"] = [{"name": "condition of use", "mitigationStrategy": one} for one in conditions]
    return found
