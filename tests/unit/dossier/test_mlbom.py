"""The bill of materials: held to CycloneDX's own schema, the same for the same dossier, and true to the evidence."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from weighbridge.core.kinds import LicenceTextBody, ProvenanceV1, TemplateBody
from weighbridge.dossier.compose import Dossier, compose
from weighbridge.dossier.mlbom import render

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def provenance(weighed: Any) -> Evidence:
    """Return where the model comes from, with two templates and a licence text."""
    digest = hashlib.sha256(b"{{ messages }}").hexdigest()
    body = ProvenanceV1(
        hub="hf",
        repository="org/name",
        commit=COMMIT,
        task="text-generation",
        datasets=["org/data"],
        templates=[
            TemplateBody(place="tokenizer_config.json", name=name, characters=14, sha256=digest)
            for name in ("default", "tool_use")
        ],
        licence_texts=[LicenceTextBody(place="LICENSE", text="Permission is granted"), LicenceTextBody(place="N")],
    )
    statement: Evidence = weighed.stated("provenance/v1", body.model_dump(mode="json"))
    return statement


def bill(dossier: Dossier) -> dict[str, Any]:
    """Render, hold to the official schema, and read."""
    data = render(dossier)
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(data.decode()) is None
    document: dict[str, Any] = json.loads(data)
    return document


def properties(component: dict[str, Any]) -> dict[str, str]:
    """Return the properties by name."""
    return {one["name"]: one["value"] for one in component["properties"]}


def test_the_bill_is_valid_with_and_without_provenance(weighed: Any, dossier: Dossier, provenance: Evidence) -> None:
    """The schema of CycloneDX 1.7 with all formats, as its own library validates."""
    assert bill(dossier)["specVersion"] == "1.7"
    assert bill(compose(weighed.decision(), [*weighed.evidence(), provenance]))


def test_an_endpoint_without_files_has_a_bill(weighed: Any) -> None:
    """What is not known is left out, and the bill stays valid."""
    document = bill(compose(weighed.decision(), [weighed.latency()]))
    assert document["components"] == []
    assert "licenses" not in document["metadata"]["component"]


def test_the_same_dossier_gives_the_same_bytes(weighed: Any, dossier: Dossier) -> None:
    """The serial number comes from the digests and the timestamp from the decision's day."""
    assert render(dossier) == render(dossier, "zh")
    other = compose(weighed.decision(policy_version="2"), weighed.evidence())
    first, second = bill(dossier), bill(other)
    assert first["metadata"]["timestamp"] == "2026-11-21T00:00:00Z"
    assert first["serialNumber"] != second["serialNumber"]


def test_every_file_has_its_digest(weighed: Any, dossier: Dossier) -> None:
    """Name and SHA-256 as the evidence states them."""
    files = {one["name"]: one["hashes"] for one in bill(dossier)["components"] if one["type"] == "file"}
    stated = weighed.files().body["files"]
    assert files == {one["name"]: [{"alg": "SHA-256", "content": one["sha256"]}] for one in stated}


def test_measurements_carry_interval_and_count(dossier: Dossier) -> None:
    """Every share with an estimate is a metric with its bounds; 46 of 150 right is 0.30666..."""
    metrics = bill(dossier)["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    (english,) = [one for one in metrics if one["type"] == "accuracy" and one["slice"].startswith("knowledge-en")]
    assert float(english["value"]) == pytest.approx(46 / 150)
    # Wilson's interval of 46 in 150 at 95%, computed by hand: 0.2385 to 0.3845
    bounds = english["confidenceInterval"]
    assert [float(bounds[end]) for end in ("lowerBound", "upperBound")] == pytest.approx([0.2385, 0.3845], abs=2e-4)
    assert "n=150, 2 unscored" in english["slice"]
    assert all(one["confidenceInterval"] for one in metrics)
    assert {one["type"] for one in metrics} >= {"over_refusal", "ttft_median_s", "difference of accuracy"}


def test_origin_templates_texts_and_bases_stand_in_their_places(weighed: Any, provenance: Evidence) -> None:
    """Purl with commit, templates as components of their own, licence text, ancestors, data sets, task."""
    document = bill(compose(weighed.decision(), [*weighed.evidence(), provenance]))
    model = document["metadata"]["component"]
    assert model["purl"] == f"pkg:huggingface/org/name@{COMMIT}"
    assert [one["name"] for one in model["pedigree"]["ancestors"]] == ["HuggingFaceTB/SmolLM2-135M"]
    parameters = model["modelCard"]["modelParameters"]
    assert (parameters["task"], parameters["modelArchitecture"]) == ("text-generation", "llama")
    assert [one["name"] for one in parameters["datasets"]] == ["org/data"]
    templates = [one for one in document["components"] if one["type"] == "data"]
    assert [one["name"] for one in templates] == [
        "chat template of tokenizer_config.json", "chat template of tokenizer_config.json: tool_use",
    ]  # fmt: skip
    licences = [one["license"] for one in model["licenses"]]
    assert licences[0] == {"id": "Apache-2.0", "acknowledgement": "declared"}
    assert licences[1]["text"]["content"] == "Permission is granted"


def test_anatomy_stands_in_properties(dossier: Dossier) -> None:
    """Figures that CycloneDX has no field for, each as the evidence has it."""
    found = properties(bill(dossier)["metadata"]["component"])
    assert found["weighbridge:parameters:total"] == "134515008"
    assert found["weighbridge:quantization"] == "Q4_1"
    assert found["weighbridge:context_length"] == "8192"
    assert "weighbridge:parameters:active:all" not in found


def test_findings_are_listed_with_their_severity(dossier: Dossier) -> None:
    """What a check found is a weakness of the bill's model, by our own id."""
    (found,) = bill(dossier)["vulnerabilities"]
    assert (found["id"], found["ratings"][0]["severity"]) == ("weighbridge:no-licence-file", "low")


def test_a_licence_that_no_list_knows_is_a_name(weighed: Any) -> None:
    """An id that is not SPDX would make the bill invalid; it stands as a name."""
    made = compose(weighed.decision(), [weighed.files(), weighed.card(licence="other", licence_name="my-own-1.0")])
    (row,) = bill(made)["metadata"]["component"]["licenses"]
    assert row["license"]["name"] == "my-own-1.0"
