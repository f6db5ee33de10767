"""Properties of a bill: what CycloneDX has no field for, in the namespace `weighbridge:`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.bom.body import body_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.dossier.compose import Dossier

__all__ = ["properties_of", "property_list"]

_PREFIX = "weighbridge:"


def property_list(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return properties in the order given: a list is one property an entry, what is not known is left out."""
    pairs = [(name, one) for name, value in values.items() for one in (value if isinstance(value, list) else [value])]
    return [{"name": _PREFIX + name, "value": _text(one)} for name, one in pairs if one is not None]


def _text(value: Any) -> str:
    """Return a value as JSON writes it, texts without quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def properties_of(dossier: Dossier) -> dict[str, Any]:
    """Return the figures of anatomy, file safety, openness and origin; each says how it was got where that differs."""
    found: dict[str, Any] = {}
    if dossier.anatomy:
        body = dossier.anatomy.body
        active = body.parameters.active
        found |= {
            "parameters:total": body.parameters.total,
            "parameters:total:status": body.parameters.status,
            "parameters:stored": body.parameters.stored,
            "parameters:active:all": active.all if active else None,
            "parameters:active:without_input_embedding": active.without_input_embedding if active else None,
            "parameters:active:without_embeddings": active.without_embeddings if active else None,
            "layers": body.layers,
            "experts": body.experts,
            "experts_used": body.experts_used,
            "attention": body.attention,
            "context_length": body.context_length,
            "vocabulary": body.vocabulary,
            "quantization": body.weights.quantization,
            "weights:bytes": body.weights.bytes,
            "weights:bits_per_weight": body.weights.bits_per_weight,
            "kv_cache:bytes_per_token": body.kv_cache.bytes_per_token,
            "chat_template": body.chat_template,
        }
    provenance = body_of(dossier, "provenance/v1")
    found |= {
        "digest": dossier.decision["subject"],
        "origin:hub": provenance.get("hub"),
        "origin:repository": provenance.get("repository"),
        "origin:commit": provenance.get("commit"),
        "signature": [f"{one['place']}: {one['signs']} (not verified)" for one in provenance.get("signatures", [])],
        "safety:verdict": body_of(dossier, "safety/v1").get("verdict"),
        "openness": body_of(dossier, "openness/v1").get("standing"),
        "lineage:agreement": body_of(dossier, "lineage/v1").get("agreement"),
    }
    return found
