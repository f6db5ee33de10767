"""Bills of materials: models of CycloneDX and SPDX documents, written here after the specifications' own fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weighbridge.core.finding import Confidence
from weighbridge.inventory.bill.read import is_bill, read_bill
from weighbridge.inventory.found import Found, Unsearched

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def read(value: Any) -> tuple[list[Found], list[Unsearched]]:
    """Return what a document names, and what of it was not read."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    rows = list(read_bill(data, "bom.json"))
    return [row for row in rows if isinstance(row, Found)], [row for row in rows if isinstance(row, Unsearched)]


def cyclonedx(*components: Any, version: str = "1.6") -> dict[str, Any]:
    """Return a CycloneDX bill."""
    return {"bomFormat": "CycloneDX", "specVersion": version, "components": list(components)}


def test_cyclonedx_model_with_purl_ancestors_licence_and_hash() -> None:
    """Purl, pedigree, licence, architecture and hash of a machine-learning component are all taken."""
    component = {
        "type": "machine-learning-model", "bom-ref": "m1", "group": "acme", "name": "assistant", "version": "2",
        "purl": f"pkg:huggingface/acme/assistant@{COMMIT}",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": [{"alg": "SHA-256", "content": "AB" * 32}],
        "pedigree": {"ancestors": [
            {"type": "machine-learning-model", "name": "x", "purl": "pkg:huggingface/Qwen/Qwen3-8B"},
            {"type": "machine-learning-model", "group": "mistralai", "name": "Mistral-7B-v0.1"},
        ]},
        "modelCard": {"modelParameters": {"modelArchitecture": "Qwen3ForCausalLM"}},
    }  # fmt: skip
    (found,), unread = read(cyclonedx(component))
    assert not unread
    assert found.reference == f"hf:acme/assistant@{COMMIT}"
    assert found.bases == ("Qwen/Qwen3-8B", "mistralai/Mistral-7B-v0.1")
    assert found.licence == "apache-2.0"
    assert found.digest == f"sha256:{'ab' * 32}"
    assert found.architecture == "Qwen3ForCausalLM"
    assert found.confidence is Confidence.HIGH


@pytest.mark.parametrize(
    ("component", "reference"),
    [
        ({"type": "library", "name": "x", "purl": "pkg:huggingface/Qwen/Qwen3-8B"}, "hf:Qwen/Qwen3-8B"),
        ({"type": "machine-learning-model", "name": "GLM-4.5", "externalReferences": [
            {"type": "website", "url": "https://example.org"},
            {"type": "distribution", "url": "https://modelscope.cn/models/ZhipuAI/GLM-4.5"}]}, "ms:ZhipuAI/GLM-4.5"),
        ({"type": "machine-learning-model", "name": "Qwen/Qwen3-8B", "version": COMMIT}, f"hf:Qwen/Qwen3-8B@{COMMIT}"),
        ({"type": "machine-learning-model", "name": "in-house"}, ""),
    ],
)  # fmt: skip
def test_cyclonedx_reference(component: dict[str, Any], reference: str) -> None:
    """A purl counts whatever the type; addresses and names count for machine-learning models alone."""
    (found,), _ = read(cyclonedx(component))
    assert found.reference == reference


def test_cyclonedx_nested_and_subject() -> None:
    """Components inside components, and the bill's own subject, are models too."""
    model = {"type": "machine-learning-model", "name": "openai/gpt-oss-20b"}
    bill = cyclonedx({"type": "application", "name": "app", "components": [model]})
    bill["metadata"] = {"component": {"type": "machine-learning-model", "name": "acme/product"}}
    assert {one.name for one in read(bill)[0]} == {"openai/gpt-oss-20b", "acme/product"}


def test_other_components_are_no_models() -> None:
    """Libraries, data sets and a purl of another type are left alone."""
    others = [{"type": "library", "name": "torch", "purl": "pkg:pypi/torch@2.9"}, {"type": "data", "name": "org/data"},
              {"type": "library", "name": "x", "externalReferences": [{"url": "https://huggingface.co/Qwen/Qwen3-8B"}]},
              "text", None, 5]  # fmt: skip
    assert read(cyclonedx(*others)) == ([], [])


def test_spdx_2_package_with_relationship() -> None:
    """A package of SPDX 2.3 with a hub's address is a model; DESCENDANT_OF and ANCESTOR_OF are its bases."""
    document = {
        "spdxVersion": "SPDX-2.3",
        "packages": [
            {"SPDXID": "SPDXRef-a", "name": "assistant", "versionInfo": COMMIT, "licenseConcluded": "NOASSERTION",
             "licenseDeclared": "MIT", "downloadLocation": "https://huggingface.co/acme/assistant"},
            {"SPDXID": "SPDXRef-b", "name": "base", "downloadLocation": "NOASSERTION", "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                 "referenceLocator": "pkg:huggingface/deepseek-ai/DeepSeek-V3"}]},
            {"SPDXID": "SPDXRef-c", "name": "numpy", "downloadLocation": "https://pypi.org/numpy"},
        ],
        "relationships": [{"spdxElementId": "SPDXRef-b", "relationshipType": "ANCESTOR_OF",
                           "relatedSpdxElement": "SPDXRef-a"}],
    }  # fmt: skip
    found, _ = read(document)
    assert [one.reference for one in found] == [f"hf:acme/assistant@{COMMIT}", "hf:deepseek-ai/DeepSeek-V3"]
    assert found[0].bases == ("deepseek-ai/DeepSeek-V3",)
    assert found[0].licence == "mit"


def test_spdx_3_ai_package() -> None:
    """An AI package of SPDX 3.0.1 is a model, with descent, licence and type."""
    document = {
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            {"type": "ai_AIPackage", "spdxId": "urn:a", "name": "assistant", "ai_typeOfModel": ["transformer"],
             "software_downloadLocation": f"https://huggingface.co/acme/assistant/tree/{COMMIT}"},
            {"type": "ai_AIPackage", "spdxId": "urn:b", "name": "moonshotai/Kimi-K2.5"},
            {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:l",
             "simplelicensing_licenseExpression": "Apache-2.0"},
            {"type": "Relationship", "spdxId": "urn:r1", "from": "urn:a", "relationshipType": "descendantOf",
             "to": ["urn:b"]},
            {"type": "Relationship", "spdxId": "urn:r2", "from": "urn:a", "relationshipType": "hasDeclaredLicense",
             "to": ["urn:l"]},
        ],
    }  # fmt: skip
    found, _ = read(document)
    assert found[0].reference == f"hf:acme/assistant@{COMMIT}"
    assert found[0].bases == ("moonshotai/Kimi-K2.5",)
    assert found[0].licence == "apache-2.0"
    assert found[0].architecture == "transformer"
    assert found[1].name == "moonshotai/Kimi-K2.5"


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>',
        b"SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n",
        b'{"bomFormat": "CycloneDX", "components": [',
        b'{"bomFormat": "CycloneDX", "bomFormat": "x"}',
        b'{"bomFormat": ' + b"[" * 100_000,
        b'["\\"bomFormat\\""]',
    ],
)
def test_bill_that_is_not_read_is_said(data: bytes) -> None:
    """XML, tags and values, and damaged JSON are places that were not searched; nothing is raised."""
    assert is_bill(data) or data.startswith(b"[")
    found, unread = read(data)
    assert not found
    assert len(unread) == 1


def test_unknown_version_is_read_and_said() -> None:
    """A CycloneDX of the future is read as far as its fields are known, with the doubt."""
    found, unread = read(cyclonedx({"type": "machine-learning-model", "name": "a/b"}, version="2.0"))
    assert len(found) == len(unread) == 1


def test_other_json_is_no_bill() -> None:
    """A config is not taken for a bill."""
    assert not is_bill(b'{"model_type": "qwen3"}')
