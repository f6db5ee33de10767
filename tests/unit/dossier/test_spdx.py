"""The SPDX document: held to SPDX's own model of 3.0.1, the same for the same dossier, and true to the evidence."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from weighbridge.core.kinds import LicenceTextBody, ProvenanceV1
from weighbridge.dossier.compose import Dossier, compose
from weighbridge.dossier.spdx import render

v3 = pytest.importorskip("spdx_python_model").v3_0_1
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def _objects(dossier: Dossier) -> Any:
    """Read with the classes that SPDX generates from its model: a wrong name, type or enumeration raises."""
    objects = v3.SHACLObjectSet()
    v3.JSONLDDeserializer().read(io.BytesIO(render(dossier)), objects)
    v3.JSONLDSerializer().write(objects, io.BytesIO())  # holds every object to its required properties
    return objects


@pytest.fixture
def full(weighed: Any) -> Dossier:
    """Return a dossier with an origin, a data set and a licence text."""
    body = ProvenanceV1(
        hub="hf", repository="org/name", commit=COMMIT, datasets=["org/data"],
        licence_texts=[LicenceTextBody(place="LICENSE", text="Permission is granted")],
    )  # fmt: skip
    statement = weighed.stated("provenance/v1", body.model_dump(mode="json"))
    return compose(weighed.decision(), [*weighed.evidence(), statement])


def test_the_document_is_of_the_model_of_spdx(dossier: Dossier, full: Dossier) -> None:
    """With and without provenance; every reference inside it leads to an element of it."""
    for one in (dossier, full):
        objects = _objects(one)
        assert not objects.missing_ids
        (document,) = objects.foreach_type(v3.SpdxDocument)
        assert [type(root).__name__ for root in document.rootElement] == ["ai_AIPackage"]


def test_what_is_known_stands_in_it(full: Dossier) -> None:
    """Version, place, files with their digests, the data set and the licence text."""
    objects = _objects(full)
    (model,) = (one for one in objects.foreach_type(v3.ai_AIPackage) if str(one._id).endswith("#model"))
    assert (model.software_packageVersion, model.software_downloadLocation) == (
        COMMIT,
        "https://huggingface.co/org/name",
    )
    assert full.files is not None
    stated = {one.name: one.verifiedUsing[0].hashValue for one in objects.foreach_type(v3.software_File)}
    assert stated == {one.name: one.sha256 for one in full.files.body.files}
    assert [one.name for one in objects.foreach_type(v3.dataset_DatasetPackage)] == ["org/data"]
    texts = [one.simplelicensing_licenseText for one in objects.foreach_type(v3.simplelicensing_SimpleLicensingText)]
    assert "Permission is granted" in texts


def test_no_conformance_is_claimed_that_is_not_there(full: Dossier) -> None:
    """The AI profile asks for supplier and time of release, which nothing here knows."""
    (document,) = (one for one in json.loads(render(full))["@graph"] if one["type"] == "SpdxDocument")
    assert "ai" not in document["profileConformance"]
    assert render(full) == render(full)
