from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.artefact import Artefact
from weighbridge.core.progress import silent
from weighbridge.core.reference import Reference
from weighbridge.core.shadow import HubWord
from weighbridge.hub.huggingface import HuggingFaceHub
from weighbridge.hub.modelscope import ModelScopeHub
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.testing.hub_server import Fault, HubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = date(2026, 11, 22)
CARD = b"---\nlicense: mit\n---\n# A card that names no base\n"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """Serve a model with a pickle that the hub's scanners do not like, by a publisher named like a known one."""
    with HubServer(tmp_path / "hub") as server:
        files = {"README.md": CARD, "config.json": b'{"model_type": "llama"}', "pytorch_model.bin": b"\x80\x04."}
        for name in ("deepseek-a1/tiny", "acme/tiny"):
            server.write(name, files)
            found = server.repository(name)
            assert found is not None
            found.scans["pytorch_model.bin"] = "unsafe"
            found.facts["baseModels"] = {"relation": "quantized", "models": [{"id": "acme/base"}]}
            server.publishers[name.partition("/")[0]] = {"isVerified": False}
        yield server


def _inspect(hub: HubServer, cache: Path, text: str = "hf:acme/tiny") -> dict[str, Any]:
    """Return the bodies of an inspection by kind."""
    settings = RemoteSettings(hub.url, cache=cache)
    adapter = HuggingFaceHub(settings) if text.startswith("hf:") else ModelScopeHub(settings)
    artefact = adapter.resolve(Reference.parse(text), None, silent)
    return {one.kind: one.body for one in inspect_artefact(artefact, DAY)}


def test_the_hubs_word_is_stated(hub: HubServer, tmp_path: Path) -> None:
    """Scanners' verdicts, base models with their relation, the licence tag and the publisher's mark, as declared."""
    body = _inspect(hub, tmp_path)["hub/v1"]
    assert body["scan_issues"] == [{"file": "pytorch_model.bin", "verdict": "unsafe"}]
    assert body["is_scanned"] is True
    assert body["base_models"] == [{"name": "acme/base", "relation": "quantized"}]
    assert (body["licence"], body["publisher"], body["is_publisher_verified"]) == ("mit", "acme", False)
    assert body["created_at"] == "2026-01-01T00:00:00Z"
    assert body["looks_like"] is None
    assert body["commit"] == hub.commit("acme/tiny")


def test_a_base_that_only_the_hub_names_is_in_the_lineage(hub: HubServer, tmp_path: Path) -> None:
    """With its source; a card that names a base itself comes before the hub's table."""
    lineage = _inspect(hub, tmp_path)["lineage/v1"]
    assert (lineage["bases"], lineage["relation"]) == (["acme/base"], "quantized")
    assert "hub" in lineage["relation_source"]
    hub.write("acme/tiny", {"README.md": b"---\nbase_model: acme/other\n---\n"})
    assert _inspect(hub, tmp_path)["lineage/v1"]["bases"] == ["acme/other"]


def test_modelscopes_older_interface_names_the_base(hub: HubServer, tmp_path: Path) -> None:
    """Its relation is in no other answer; of scans and marks it says nothing."""
    hub.write("acme/tiny", {"README.md": b"---\nbase_model: acme/base\nbase_model_relation: merge\n---\n"})
    body = _inspect(hub, tmp_path, "ms:acme/tiny")["hub/v1"]
    assert body["base_models"] == [{"name": "acme/base", "relation": "merge"}]
    assert (body["is_scanned"], body["is_publisher_verified"]) == (None, None)


def test_a_name_like_a_known_publishers_is_noted(hub: HubServer, tmp_path: Path) -> None:
    """Unless the hub has verified the organisation."""
    body = _inspect(hub, tmp_path, "hf:deepseek-a1/tiny")["hub/v1"]
    assert body["looks_like"] == "deepseek-ai"
    assert any("could be taken for it" in note for note in body["notes"])
    hub.publishers["deepseek-a1"] = {"isVerified": True}
    assert _inspect(hub, tmp_path, "hf:deepseek-a1/tiny")["hub/v1"]["looks_like"] is None


def test_a_renamed_repository_is_noted(hub: HubServer, tmp_path: Path) -> None:
    """The old reference works still, and the person hears the new name."""
    hub.rename("acme/tiny", "acme/little")
    body = _inspect(hub, tmp_path)["hub/v1"]
    assert body["repository"] == "acme/little"
    assert any("now called `acme/little`" in note for note in body["notes"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/api/organizations", status=404),
        Fault("/api/organizations", body=b'{"isVerified": "yes"}'),
        Fault("/api/organizations", body=b"[]"),
        Fault("securityStatus", status=400),
    ],
)
def test_a_hub_that_says_less_is_inspected_all_the_same(hub: HubServer, tmp_path: Path, fault: Fault) -> None:
    """What it does not say is unknown, and nothing else is missing."""
    hub.faults.append(fault)
    bodies = _inspect(hub, tmp_path)
    body = bodies["hub/v1"]
    assert body["licence"] == "mit"
    assert None in (body["is_publisher_verified"], body["is_scanned"])
    assert bodies["files/v1"]["count"] == 3


@pytest.mark.parametrize(
    "said",
    [
        b'{"gated": []}', b'{"gated": {}}', b'{"tags": 5}', b'{"tags": [["license:mit"]]}', b'{"baseModels": [NaN]}',
        b'{"securityRepoStatus": {"scansDone": 1, "filesWithIssues": {"path": "a", "level": "unsafe"}}}',
        b'{"createdAt": 99999999999999999999}', b'{"safetensors": {"parameters": {"BF16": -1}, "total": "x"}}',
    ],
)  # fmt: skip
def test_a_hostile_word_harms_no_inspection(hub: HubServer, tmp_path: Path, said: bytes) -> None:
    """Wrong types leave their own field out."""
    commit = hub.commit("acme/tiny").encode()
    body = said[:-1] + b', "sha": "' + commit + b'", "id": "acme/tiny"}'
    hub.faults.append(Fault(r"GET /api/models/acme/tiny\?", body=body))
    found = _inspect(hub, tmp_path)["hub/v1"]
    assert found["scan_issues"] == []
    assert found["base_models"] == []
    assert found["created_at"] is None


def test_an_issue_that_cannot_be_read_is_an_issue_still(hub: HubServer, tmp_path: Path) -> None:
    """Names that cannot be printed are escaped, and a verdict of another type does not pass for none."""
    issues: list[Any] = [5, {"path": "a\x1b[2J", "level": "unsafe"}, {"path": "b", "level": {}}]
    status = {"scansDone": True, "filesWithIssues": [*issues, {"path": "c", "level": "safe"}]}
    info = {"id": "acme/tiny", "sha": hub.commit("acme/tiny"), "securityRepoStatus": status}
    hub.faults.append(Fault(r"GET /api/models/acme/tiny\?", body=json.dumps(info).encode()))
    found = _inspect(hub, tmp_path)["hub/v1"]["scan_issues"]
    assert {(one["file"], one["verdict"]) for one in found} == {
        ("(no name)", "unreadable"), ("a\\x1b[2J", "unsafe"), ("b", "unreadable")
    }  # fmt: skip


def test_an_organisation_page_that_leads_astray_ends_nothing(hub: HubServer, tmp_path: Path) -> None:
    """The mark is the only thing lost."""
    hub.faults.append(Fault("/api/organizations", status=302, headers={"Location": "file:///etc/passwd"}))
    assert _inspect(hub, tmp_path)["hub/v1"]["is_publisher_verified"] is None


def test_a_model_on_disk_has_no_hubs_word() -> None:
    """Nothing is said where nobody was asked; a hub that says nothing has an empty word."""
    from weighbridge.inspection.hub_word import inspect_hub_word

    artefact = Artefact(Reference.parse("./model"), "model", "sha256:" + "0" * 64)
    assert inspect_hub_word(artefact, DAY) is None
    assert HubWord() == HubWord("", "", "", (), None, (), None)
