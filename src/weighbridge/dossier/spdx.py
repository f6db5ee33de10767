"""The dossier as SPDX 3.0.1 (JSON-LD) with the AI and dataset profiles: the same facts as the CycloneDX bill, in brief.

Source of names: the SPDX 3.0.1 model (spdx.org/rdf/3.0.1/spdx-model.ttl). Fields that the AI profile asks for and that
nothing here knows (supplier, time of release) are left out, and the document does not claim conformance to that
profile then. The same dossier gives the same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge import __version__
from weighbridge.core.digest import digest_of
from weighbridge.dossier.bom.body import body_of
from weighbridge.dossier.bom.licences import licences_of
from weighbridge.dossier.bom.model_card import model_card
from weighbridge.dossier.bom.properties import properties_of
from weighbridge.dossier.locale import load_locale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.dossier.compose import Dossier

__all__ = ["as_spdx", "render"]

_CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_CREATION = "_:creation"
_ALGORITHM = "sha256"
_PROFILES = ["core", "software", "simpleLicensing", "dataset"]


def render(dossier: Dossier, language: str = "en") -> bytes:
    """Return the document in UTF-8, keys sorted. It is language-neutral; an unknown language raises UsageError."""
    load_locale(language)
    return (json.dumps(as_spdx(dossier), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def as_spdx(dossier: Dossier) -> dict[str, Any]:
    """Return the document as JSON values."""
    space = f"https://weighbridge.dev/spdx/{digest_of(dossier.decision).removeprefix('sha256:')}#"
    model, agent = f"{space}model", f"{space}agent"
    graph = [
        {
            "type": "CreationInfo",
            "@id": _CREATION,
            "specVersion": "3.0.1",
            "created": f"{dossier.decision['on']}T00:00:00Z",
            "createdBy": [agent],
        },
        _element("SoftwareAgent", agent, name=f"weighbridge {__version__}"),
        _model(dossier, model),
        *_files(dossier, space),
        *_datasets(dossier, space),
        *_bases(dossier, space),
        *_licences(dossier, space),
    ]
    elements = [one["spdxId"] for one in graph if "spdxId" in one]
    document = {"rootElement": [model], "element": elements, "profileConformance": _PROFILES}
    graph.append(_element("SpdxDocument", f"{space}document", name=dossier.name, **document))
    return {"@context": _CONTEXT, "@graph": graph}


def _element(kind: str, identity: str, **values: Any) -> dict[str, Any]:
    return {"type": kind, "spdxId": identity, "creationInfo": _CREATION, **values}


def _model(dossier: Dossier, identity: str) -> dict[str, Any]:
    """Return the model as an AI package."""
    provenance, card = body_of(dossier, "provenance/v1"), model_card(dossier)
    subject, parameters = dossier.decision["subject"], card["modelParameters"]
    kinds = [parameters[name] for name in ("architectureFamily", "modelArchitecture") if name in parameters]
    metrics = card.get("quantitativeAnalysis", {}).get("performanceMetrics", [])
    limits = card["considerations"].get("technicalLimitations", [])
    package = _element(
        "ai_AIPackage", identity, name=dossier.name, software_packageVersion=provenance.get("commit") or subject,
        software_primaryPurpose="model", ai_informationAboutApplication=str(dossier.decision["use"]["description"]),
        comment=f"Artefact {subject}; decision: {dossier.decision['verdict']}",
    )  # fmt: skip
    if kinds:
        package["ai_typeOfModel"] = kinds
    if limits:
        package["ai_limitation"] = "; ".join(limits)
    if metrics:
        package["ai_metric"] = [_pair(f"{one['type']} ({one['slice']})", _figure(one)) for one in metrics]
    figures = {name: value for name, value in properties_of(dossier).items() if isinstance(value, int | float | str)}
    if figures:
        package["ai_hyperparameter"] = [_pair(name, str(value)) for name, value in sorted(figures.items())]
    if provenance.get("hub") == "hf" and provenance.get("repository"):
        package["software_downloadLocation"] = f"https://huggingface.co/{provenance['repository']}"
    return package


def _figure(metric: dict[str, Any]) -> str:
    bounds = metric["confidenceInterval"]
    return f"{metric['value']} [{bounds['lowerBound']}, {bounds['upperBound']}]"


def _pair(key: str, value: str) -> dict[str, str]:
    return {"type": "DictionaryEntry", "key": key, "value": value}


def _files(dossier: Dossier, space: str) -> Iterator[dict[str, Any]]:
    """Yield the files with their digests, and that the model contains them."""
    files = dossier.files.body.files if dossier.files else []
    for number, one in enumerate(files):
        digest = {"type": "Hash", "algorithm": _ALGORITHM, "hashValue": one.sha256}
        yield _element("software_File", f"{space}file-{number}", name=one.name, verifiedUsing=[digest])
    if files:
        yield _relation(space, "files", "contains", [f"{space}file-{number}" for number in range(len(files))])


def _datasets(dossier: Dossier, space: str) -> Iterator[dict[str, Any]]:
    """Yield the data sets that the card declares; nothing here proves them."""
    names = body_of(dossier, "provenance/v1").get("datasets", [])
    for number, name in enumerate(names):
        yield _element(
            "dataset_DatasetPackage", f"{space}dataset-{number}", name=name, dataset_datasetType=["noAssertion"],
            software_primaryPurpose="data", comment="as the model card declares",
        )  # fmt: skip
    if names:
        yield _relation(space, "datasets", "trainedOn", [f"{space}dataset-{number}" for number in range(len(names))])


def _bases(dossier: Dossier, space: str) -> Iterator[dict[str, Any]]:
    """Yield the base models that the card declares."""
    names = list(dict.fromkeys(dossier.card.body.base_models)) if dossier.card else []
    for number, name in enumerate(names):
        yield _element(
            "ai_AIPackage", f"{space}base-{number}", name=name, software_primaryPurpose="model",
            comment="as the model card declares; nothing here proves it",
        )  # fmt: skip
    if names:
        yield _relation(space, "bases", "descendantOf", [f"{space}base-{number}" for number in range(len(names))])


def _licences(dossier: Dossier, space: str) -> Iterator[dict[str, Any]]:
    """Yield each licence, read (concluded) or said (declared)."""
    kinds = {"concluded": "hasConcludedLicense", "declared": "hasDeclaredLicense"}
    for number, row in enumerate(one["license"] for one in licences_of(dossier)):
        identity, text = f"{space}licence-{number}", row.get("text", {}).get("content")
        if "id" in row:
            yield _element("simplelicensing_LicenseExpression", identity, simplelicensing_licenseExpression=row["id"])
        else:
            yield _element(
                "simplelicensing_SimpleLicensingText", identity, name=row["name"],
                simplelicensing_licenseText=text or row["name"],
            )  # fmt: skip
        yield _relation(space, f"licence-{number}-of-model", kinds[row["acknowledgement"]], [identity])


def _relation(space: str, name: str, kind: str, to: list[str]) -> dict[str, Any]:
    source = {"from": f"{space}model", "to": to, "relationshipType": kind}
    return _element("Relationship", f"{space}relation-{name}", **source)
