"""The inventory as one call: places of every kind, absence shown and not shown, hubs only when asked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import HubUnreachable, NotFound, UsageError
from weighbridge.testing.hub_server import HubServer
from weighbridge.workflow.inventory import Inventory, Wanted, take_inventory

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 22)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Write a small stack: one line of code, one bill of materials."""
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "serve.py").write_text('m = AutoModel.from_pretrained("mistralai/Mistral-7B-Instruct-v0.2")\n')
    (folder / "bom.json").write_text(
        '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "machine-learning-model",'
        ' "name": "openai/gpt-oss-20b"}]}'
    )
    return folder


def take(*places: object, deny: tuple[str, ...] = (), **more: Any) -> Inventory:
    """Take an inventory without a workspace."""
    return take_inventory(Wanted(tuple(map(str, places)), DAY, deny, **more))


def test_absence_is_shown_where_everything_is_known(stack: Path) -> None:
    """Code and a bill whose models are all closed show that a maker is absent, with what was searched."""
    found = take(stack, deny=("maker:moonshotai",))
    assert {model.reference for model in found.models} == {
        "hf:mistralai/Mistral-7B-Instruct-v0.2", "hf:openai/gpt-oss-20b"}  # fmt: skip
    assert (found.absence.outcome, found.absence.exit_code) == ("shown", 0)
    assert [(root.kind, root.files) for root in found.roots] == [("folder", 2)]


def test_unknown_model_and_unread_bill_leave_it_open(stack: Path) -> None:
    """One model that nobody can place, or one bill that is not read, and absence is not shown."""
    (stack / "other.py").write_text('m = AutoModel.from_pretrained("acme-labs/assistant-7b")\n')
    unclear = take(stack, deny=("maker:moonshotai",))
    assert unclear.absence.exit_code == 11
    assert [model.reference for model in unclear.unresolved] == ["hf:acme-labs/assistant-7b"]
    (stack / "other.py").unlink()
    (stack / "sbom.xml").write_text('<bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>')
    unread = take(stack, deny=("maker:moonshotai",))
    assert unread.absence.exit_code == 11
    assert "XML" in unread.unsearched[0].reason


def test_same_report_from_the_same_places(stack: Path) -> None:
    """Two runs on one day give one digest; another denial gives another."""
    first, second, other = take(stack), take(stack), take(stack, deny=("country:CN",))
    assert first.to_json() == second.to_json()
    assert first.to_json()["digest"] != other.to_json()["digest"]


def test_list_names_places_of_every_kind(stack: Path, tmp_path: Path) -> None:
    """A list may name references, folders and addresses; what is not there was not searched."""
    (tmp_path / "places.txt").write_text(
        f"# ours\nhf:Qwen/Qwen3-8B@abc\n{stack}\nhttp://127.0.0.1:9/v1\n/not/there\nwhat is this?\n"
    )
    found = take(tmp_path / "places.txt")
    assert {model.reference for model in found.models} == {
        "hf:Qwen/Qwen3-8B", "hf:mistralai/Mistral-7B-Instruct-v0.2", "hf:openai/gpt-oss-20b"}  # fmt: skip
    assert len(found.unsearched) == 3


def test_hub_is_followed_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Online, declared bases are followed by the hub's entries; offline nobody is asked, and no config is ever read."""
    card = "---\nbase_model: {}\nlicense: mit\n---\n"
    with HubServer(tmp_path / "hub") as hub:
        hub.write("acme-labs/assistant", {"README.md": card.format("acme-labs/middle").encode(), "config.json": b"{}"})
        hub.write("acme-labs/middle", {"README.md": card.format("moonshotai/Kimi-K2.5").encode()})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert take("hf:acme-labs/assistant").models[0].maker == ""
        assert not hub.seen
        (row,) = take("hf:acme-labs/assistant", is_online=True).models
        assert not [seen.line for seen in hub.seen if "config.json" in seen.line]  # it would count as a download
    assert [step.repository for step in row.chain.steps] == [
        "acme-labs/assistant", "acme-labs/middle", "moonshotai/Kimi-K2.5"]  # fmt: skip
    assert row.maker == "moonshotai"


def test_wrong_places_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that is not there, a password in an address, and a hub that may not be asked are errors with a hint."""
    with pytest.raises(NotFound):
        take("/not/there")
    with pytest.raises(UsageError) as error:
        take("http://me:hunter2@127.0.0.1:9/v1")
    assert "hunter2" not in error.value.message
    monkeypatch.setenv("WEIGHBRIDGE_OFFLINE", "1")
    with pytest.raises(HubUnreachable):
        take("hf:Qwen/Qwen3-8B", is_online=True)


def test_key_in_an_address_is_not_in_the_report() -> None:
    """The query of an address may hold a key: the report names the address without it."""
    found = take("http://127.0.0.1:9/v1?api-key=hunter2")
    assert "hunter2" not in str(found.to_json())
    assert found.unsearched[0].place == "http://127.0.0.1:9/v1"


def test_ids_of_services_in_a_list(tmp_path: Path) -> None:
    """In a list a bare router's id is a service's, and one that says `hf:` is the hub's."""
    (tmp_path / "ids.txt").write_text("openai/gpt-4o\nmoonshotai/kimi-k2\nhf:moonshotai/kimi-k3\n")
    assert [model.reference for model in take(tmp_path / "ids.txt").models] == [
        "hf:moonshotai/Kimi-K3", "service:moonshotai/kimi-k2", "service:openai/gpt-4o"]  # fmt: skip
