"""The inventory as a bill of materials: CycloneDX 1.7 JSON, one component a model, its bases as ancestors.

The same report gives the same bytes: the serial number (UUID version 5) is made from the report's digest.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from weighbridge import __version__
from weighbridge.dossier.bom.licences import spdx_id
from weighbridge.dossier.bom.properties import property_list

__all__ = ["as_cyclonedx", "purl_of"]

_HOMES = {"hf": "https://huggingface.co/", "ms": "https://modelscope.cn/models/"}
_MOST_PLACES = 200


def as_cyclonedx(report: dict[str, Any]) -> dict[str, Any]:
    """Return the bill of a report (`Inventory.to_json`) as JSON values."""
    components = [_component(model, number) for number, model in enumerate(report["models"])]
    serial = uuid5(NAMESPACE_URL, f"https://weighbridge.dev/inventory/{report['digest']}")
    absence = report["absence"]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": f"{report['on']}T00:00:00Z",
            "lifecycles": [{"phase": "discovery"}],
            "tools": {
                "components": [
                    {"type": "application", "name": "weighbridge", "version": __version__, "bom-ref": "weighbridge"}
                ]
            },
            "properties": property_list(
                {
                    "inventory:digest": report["digest"],
                    "inventory:claim": absence["claim"],
                    "inventory:limit": absence["limits"],
                    "inventory:searched": [f"{one['kind']} {one['place']}" for one in absence["searched"]],
                    "inventory:unsearched": [
                        f"{one['place']}: {one['reason']}" for one in report["unsearched"][:_MOST_PLACES]
                    ],
                }
            ),
        },
        "components": components,
        "compositions": [{"aggregate": "incomplete" if report["unsearched"] or report["unresolved"] else "unknown"}],
    }


def purl_of(reference: str, revision: str = "") -> str | None:
    """Return the package URL of a model on Hugging Face (purl-spec, type `huggingface`); ModelScope has no type."""
    kind, _, name = reference.partition("@")[0].partition(":")
    if kind != "hf" or name.count("/") != 1:
        return None
    path = "/".join(quote(part, safe="-._~") for part in name.split("/"))
    return f"pkg:huggingface/{path}" + (f"@{quote(revision.lower(), safe='-._~')}" if revision else "")


def _component(model: dict[str, Any], number: int) -> dict[str, Any]:
    """Return one model."""
    revisions = model["revisions"]
    chain = model["base_chain"]
    one: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{number}:{model['reference']}",
        "name": model["name"],
        "properties": property_list(
            {
                "reference": model["reference"], "maker": model["maker"], "maker:country": model["maker_country"],
                "makers": model["makers"], "chain:closed": model["chain_is_closed"],
                "chain:open_end": model["open_ends"], "licence:complete": model["licence_is_complete"],
                "licence:conflict": [row["message"] for row in model["licence_conflicts"]],
                "decision": model["decision"]["state"], "confidence": model["confidence"],
                "contradiction": model["contradictions"], "note": model["notes"],
            }
        ),
        "evidence": {
            "occurrences": [{"location": row["place"]} for row in model["places"][:_MOST_PLACES] if row["place"]]
        },
    }  # fmt: skip
    if model["publisher"]:
        one["publisher"] = model["publisher"]
    if revisions:
        one["version"] = revisions[0]
    if model["licence"]:
        spdx = spdx_id(model["licence"])
        one["licenses"] = [{"license": {"id": spdx} if spdx else {"name": model["licence"]}}]
    if purl := purl_of(model["reference"], revisions[0] if len(revisions) == 1 else ""):
        one["purl"] = purl
    kind, _, name = model["reference"].partition(":")
    if kind in _HOMES:
        one["externalReferences"] = [{"type": "distribution", "url": _HOMES[kind] + quote(name, safe="/-._~")}]
    hashes = [digest.removeprefix("sha256:") for digest in model["digests"]]
    hashes = [digest for digest in hashes if len(digest) == 64 and set(digest) <= set("0123456789abcdef")]  # noqa: PLR2004 - SHA-256
    if len(hashes) == 1:
        one["hashes"] = [{"alg": "SHA-256", "content": hashes[0]}]
    if len(chain) > 1:
        one["pedigree"] = {
            "ancestors": [_ancestor(step) for step in chain[1:]],
            "notes": "; ".join(f"{step['name']}: {step['how'] or step['known_by']}" for step in chain[1:])[:4000],
        }
    return one


def _ancestor(step: dict[str, Any]) -> dict[str, Any]:
    """Return one base."""
    one: dict[str, Any] = {"type": "machine-learning-model", "name": step["name"]}
    if step["maker"]:
        one["publisher"] = step["maker"]
    if step["reference"] and (purl := purl_of(f"hf:{step['reference']}")):
        one["purl"] = purl
    return one
