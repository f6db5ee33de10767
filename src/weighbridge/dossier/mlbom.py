"""The dossier as a bill of materials: CycloneDX 1.7 JSON with a model card, for procurement and scanners.

Written by us, because no library writes model cards; held to the official schema by tests. What CycloneDX has no field
for stands in properties of the namespace `weighbridge:`. The same dossier gives the same bytes: the serial number
(UUID version 5) is made from the digests, the timestamp is the day of the decision.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from weighbridge import __version__
from weighbridge.core.digest import digest_of
from weighbridge.dossier.bom.body import body_of
from weighbridge.dossier.bom.files import file_components, template_components
from weighbridge.dossier.bom.licences import licences_of
from weighbridge.dossier.bom.model_card import model_card
from weighbridge.dossier.bom.properties import properties_of, property_list
from weighbridge.dossier.locale import load_locale

if TYPE_CHECKING:
    from weighbridge.dossier.compose import Dossier

__all__ = ["as_bom", "render"]

_HUBS = {"hf": "huggingface", "ms": None}  # purl types (github.com/package-url/purl-spec); ModelScope has none
_TOOL = {"type": "application", "name": "weighbridge", "version": __version__, "bom-ref": "weighbridge"}
_SOURCE = {"name": "Weighbridge"}


def render(dossier: Dossier, language: str = "en") -> bytes:
    """Return the bill in UTF-8, keys sorted. It is language-neutral; an unknown language raises UsageError."""
    load_locale(language)
    return (json.dumps(as_bom(dossier), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def as_bom(dossier: Dossier) -> dict[str, Any]:
    """Return the bill as JSON values."""
    subject = dossier.decision["subject"]
    serial = uuid5(NAMESPACE_URL, f"https://weighbridge.dev/bom/{digest_of(dossier.decision)}")
    bom: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": f"{dossier.decision['on']}T00:00:00Z",
            "lifecycles": [{"phase": "pre-build"}],
            "tools": {
                "components": [
                    {"type": "application", "name": "weighbridge", "version": __version__, "bom-ref": "weighbridge"}
                ]
            },
            "component": _model(dossier, subject),
            "properties": property_list(_decided(dossier)),
        },
        "components": [*file_components(dossier), *template_components(dossier)],
        "vulnerabilities": _findings(dossier, subject),
    }
    refs = [one["bom-ref"] for one in bom["components"]]
    bom["dependencies"] = [{"ref": subject, "dependsOn": sorted(refs)}]
    return bom


def _model(dossier: Dossier, subject: str) -> dict[str, Any]:
    """Return the model itself."""
    provenance = body_of(dossier, "provenance/v1")
    commit, repository = provenance.get("commit"), provenance.get("repository")
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": subject,
        "name": dossier.name,
        "version": commit or subject,
        "modelCard": model_card(dossier),
        "properties": property_list(properties_of(dossier)),
    }
    if licences := licences_of(dossier):
        component["licenses"] = licences
    if repository and commit and (kind := _HUBS.get(str(provenance.get("hub")))):
        component["purl"] = f"pkg:{kind}/{repository}@{commit}"
    bases = dossier.card.body.base_models if dossier.card else []
    if bases:
        component["pedigree"] = {
            "ancestors": [{"type": "machine-learning-model", "name": base} for base in dict.fromkeys(bases)],
            "notes": "Base models as the publisher declares them; nothing here proves them.",
        }
    return component


def _decided(dossier: Dossier) -> dict[str, Any]:
    """Return what was decided, and what was not looked at: silence is no good answer."""
    decision = dossier.decision
    return {
        "decision:verdict": decision["verdict"],
        "decision:policy": f"{decision['policy_name']} {decision['policy_version']}",
        "decision:digest": digest_of(decision),
        "decision:expires_on": decision["expires_on"],
        "not_looked_at": [look.area for look in dossier.looks if not look.looked],
        "evidence": [source.id for source in dossier.sources if source.evidence],
    }


def _findings(dossier: Dossier, subject: str) -> list[dict[str, Any]]:
    """Return findings of file checks: weaknesses of these files that no public register knows."""
    if dossier.files is None:
        return []
    known = {one.name for one in dossier.files.body.files}
    rows = []
    for number, one in enumerate(dossier.files.body.findings):
        ref = f"file:{one.place}" if one.place in known else subject
        rows.append(
            {
                "bom-ref": f"finding:{number}",
                "id": f"weighbridge:{one.check}",
                "source": _SOURCE,
                "description": one.message,
                "ratings": [{"severity": one.severity, "method": "other", "source": _SOURCE}],
                "affects": [{"ref": ref}],
                "properties": property_list({"confidence": one.confidence, "place": one.place}),
            }
        )
    return rows
