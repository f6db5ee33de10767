from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.unit.hub.catalogue.opening import CARD, PUBLISHED, catalogue_of

from weighbridge.errors import BadReference, HubChanged, HubUnreachable, NotFound, UsageError
from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.hub.remote.listing import RemoteFile
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.testing.hub_server import Fault, HubServer

if TYPE_CHECKING:
    from weighbridge.testing.hub.repositories import Repository


def _repository(hub: HubServer, name: str = "acme/tiny") -> Repository:
    found = hub.repository(name)
    assert found is not None
    return found


def test_an_entry_says_what_the_hub_says(hub: HubServer) -> None:
    """One call gives commit, dates, licence with name and link, gating, counts, task, languages and base model."""
    _repository(hub).facts |= {"gated": "manual", "downloads": 7, "downloadsAllTime": 99, "likes": 3}
    with catalogue_of(hub) as catalogue:
        entry = catalogue.entry("acme/tiny")
        assert catalogue.calls == 1
    assert entry.commit == hub.commit("acme/tiny")
    assert (entry.created_at, entry.modified_at) == (PUBLISHED, PUBLISHED)
    assert (entry.licence, entry.licence_name, entry.licence_link) == ("other", "acme-1.0", "LICENSE")
    assert (entry.gated, entry.is_private, entry.is_disabled) == ("manual", False, False)
    assert (entry.downloads, entry.downloads_all_time, entry.likes) == (7, 99, 3)
    assert (entry.task, entry.library, entry.languages) == ("text-generation", "transformers", ("en", "no"))
    assert entry.base_models == (("finetune", "acme/base"),)


def test_a_publisher_is_one_call(hub: HubServer) -> None:
    """Whatever fits a page; the last changed first; nobody else's; and the entries are those asked for one by one."""
    with catalogue_of(hub) as catalogue:
        shelf = catalogue.shelf("acme")
        assert len(hub.seen) == shelf.calls == 1
        assert [entry.repository for entry in shelf.entries] == ["acme/tiny", "acme/old"]
        assert shelf.is_complete
        assert shelf.entries[0] == catalogue.entry("acme/tiny")


def test_pages_are_followed_as_far_as_allowed(hub: HubServer) -> None:
    """Beyond the calls that are allowed the shelf says that it is not complete."""
    hub.page = 1
    with catalogue_of(hub) as catalogue:
        first = catalogue.shelf("acme")
        assert (len(first.entries), first.is_complete, first.calls) == (1, False, 1)
        whole = catalogue.shelf("acme", most_calls=5)
        assert (len(whole.entries), whole.is_complete, whole.calls) == (2, True, 2)


def test_a_server_without_expand_is_asked_for_less(hub: HubServer) -> None:
    """An older mirror costs one call more, once; what it does not say is unknown."""
    hub.knows_expand = False
    with catalogue_of(hub) as catalogue:
        shelf = catalogue.shelf("acme")
        assert shelf.calls == 2
        entry = shelf.entries[0]
        assert (entry.licence, entry.licence_name, entry.commit) == ("other", "acme-1.0", hub.commit("acme/tiny"))
        assert entry.base_models == (("finetune", "acme/base"),)  # by its tags
        assert entry.downloads_all_time is None
        assert catalogue.shelf("acme").calls == 1
        assert catalogue.revision("acme/tiny", entry.commit).config == {"model_type": "llama"}


def test_a_server_of_smaller_pages_is_asked_for_those(hub: HubServer) -> None:
    """One that refuses pages of 1,000 still lists its models."""
    hub.faults.append(Fault("limit=1000", status=400))
    with catalogue_of(hub) as catalogue:
        assert len(catalogue.shelf("acme").entries) == 2
        assert len(catalogue.shelf("acme").entries) == 2


def test_a_revision_is_read_without_a_download(hub: HubServer) -> None:
    """Two calls: files with digests, verdicts of scans, configuration and chat template in the hub's own reading."""
    _repository(hub).scans["pytorch_model.bin"] = "suspicious"
    with catalogue_of(hub) as catalogue:
        revision = catalogue.revision("acme/tiny", hub.commit("acme/tiny"))
        assert catalogue.calls == 2
    assert set(revision.files) == {
        "README.md", "LICENSE", "config.json", "tokenizer_config.json", "pytorch_model.bin"
    }  # fmt: skip
    assert revision.files["LICENSE"].git_oid == hub.oid("acme/tiny", "LICENSE")
    assert revision.files["pytorch_model.bin"].sha256 == hub.sha256("acme/tiny", "pytorch_model.bin")
    assert {name for name, verdict in revision.scans.items() if verdict != "safe"} == {"pytorch_model.bin"}
    assert revision.scans["pytorch_model.bin"] == "suspicious"
    assert revision.config == {"model_type": "llama"}
    assert revision.chat_template == "{{ messages }}"
    assert revision.is_complete
    assert not [seen for seen in hub.seen if "resolve" in seen.line]


def test_scans_that_are_not_through_are_queued(hub: HubServer) -> None:
    """A file without a verdict yet is not safe."""
    hub.is_scanned = False
    with catalogue_of(hub) as catalogue:
        assert set(catalogue.revision("acme/old", "").scans.values()) == {"queued"}


def test_an_old_revision_is_read_as_it_was(hub: HubServer) -> None:
    """Commit, files, template and verdicts are those of the commit that was asked for."""
    old = hub.commit("acme/tiny")
    hub.write("acme/tiny", {"chat_template.jinja": b"{{ new }}", "LICENSE": None})
    with catalogue_of(hub) as catalogue:
        assert catalogue.revision("acme/tiny", old).chat_template == "{{ messages }}"
        assert "LICENSE" in catalogue.revision("acme/tiny", old).files
        head = catalogue.revision("acme/tiny", "")
        assert head.commit == hub.commit("acme/tiny")
        assert head.chat_template == "{{ new }}"
        assert "LICENSE" not in head.files


def test_a_commit_that_was_written_over_is_gone(hub: HubServer) -> None:
    """After a squash of the history the pinned commit is no more, and the history is one commit."""
    old = hub.commit("acme/tiny")
    new = hub.squash("acme/tiny")
    with catalogue_of(hub) as catalogue:
        with pytest.raises(HubChanged, match="no commit"):
            catalogue.revision("acme/tiny", old)
        assert [commit.id for commit in catalogue.history("acme/tiny")] == [new]


def test_the_history_is_newest_first(hub: HubServer) -> None:
    """Titles and dates of commits, page after page, as many as wanted."""
    for number in range(3):
        hub.write("acme/tiny", {"note.txt": b"%d" % number}, title=f"Note {number}")
    hub.page = 2
    with catalogue_of(hub) as catalogue:
        history = catalogue.history("acme/tiny")
        assert [commit.title for commit in history] == ["Note 2", "Note 1", "Note 0", "First"]
        assert history[-1].made_at == PUBLISHED
        assert len(catalogue.history("acme/tiny", most=3)) == 3


def test_a_renamed_repository_has_its_new_name(hub: HubServer) -> None:
    """The redirect on the hub's own origin is followed; id and commit stay, so that a watch knows it again."""
    with catalogue_of(hub) as catalogue:
        before = catalogue.entry("acme/tiny")
        hub.rename("acme/tiny", "acme/little")
        after = catalogue.entry("acme/tiny")
    assert after.repository == "acme/little"
    assert (after.id, after.commit) == (before.id, before.commit)
    assert after.id


def test_an_answer_about_another_repository_is_refused(hub: HubServer) -> None:
    """Without a redirect nobody may answer under another name."""
    hub.faults.append(Fault("/api/models/acme/tiny", body=b'{"id": "evil/tiny", "sha": "' + b"0" * 40 + b'"}'))
    with catalogue_of(hub) as catalogue, pytest.raises(HubUnreachable, match="answers for `acme/tiny`"):
        catalogue.entry("acme/tiny")


def test_the_interface_is_not_followed_to_another_host(hub: HubServer) -> None:
    """A redirect of the interface to another origin is no answer of this hub, even with the right content."""
    with HubServer(hub.root) as other:
        there = {"Location": f"{other.url}/api/models/acme/tiny"}
        hub.faults.append(Fault("/api/models/acme/tiny", status=307, headers=there))
        with catalogue_of(hub, token="secret") as catalogue, pytest.raises(HubUnreachable, match="another host"):
            catalogue.entry("acme/tiny")
        assert {seen.authorization for seen in other.seen} == {""}


def test_what_is_gone_is_not_found_in_one_call(hub: HubServer) -> None:
    """No names like it are looked for: a watch asks for many."""
    hub.delete("acme/tiny")
    with catalogue_of(hub) as catalogue:
        with pytest.raises(NotFound, match="was not found"):
            catalogue.entry("acme/tiny")
        assert catalogue.calls == 1


def test_a_disabled_repository_is_said_to_be(hub: HubServer) -> None:
    """The hub refuses to describe it: that alone is known."""
    _repository(hub).facts["disabled"] = True
    with catalogue_of(hub) as catalogue:
        entry = catalogue.entry("acme/tiny")
        assert (entry.is_disabled, entry.commit, entry.licence) == (True, "", "")
        assert catalogue.shelf("acme").entries[0].is_disabled is True


def test_a_private_repository_opens_to_its_token(hub: HubServer) -> None:
    """Without the token it is not there, neither by itself nor in the list."""
    _repository(hub).facts["private"] = True
    with catalogue_of(hub) as catalogue:
        with pytest.raises(NotFound):
            catalogue.entry("acme/tiny")
        assert [entry.repository for entry in catalogue.shelf("acme").entries] == ["acme/old"]
    with catalogue_of(hub, token="hf_test") as catalogue:
        assert catalogue.entry("acme/tiny").is_private is True


def test_a_publisher_is_verified_or_not(hub: HubServer) -> None:
    """The mark that a namespace of a like name does not have."""
    hub.publishers["acme"] = {"isVerified": False, "fullname": "Acme Corporation"}
    with catalogue_of(hub) as catalogue:
        found = catalogue.publisher("acme")
        assert (found.full_name, found.is_verified, found.models) == ("Acme Corporation", False, 2)
        with pytest.raises(NotFound, match="no such name"):
            catalogue.publisher("nobody")


def test_small_files_are_read_and_held_against_their_digest(hub: HubServer) -> None:
    """Right bytes pass; bytes damaged on the way are asked for again, and never given out."""
    with catalogue_of(hub) as catalogue:
        commit = hub.commit("acme/tiny")
        files = catalogue.revision("acme/tiny", commit).files
        assert catalogue.read("acme/tiny", commit, files["README.md"], most_bytes=1000) == CARD
        hub.faults.append(Fault("resolve-cache", flip=True))
        with pytest.raises(HubChanged, match="digest"):
            catalogue.read("acme/tiny", commit, files["LICENSE"], most_bytes=1000)
        with pytest.raises(UsageError, match="at most 5"):
            catalogue.read("acme/tiny", commit, files["README.md"], most_bytes=5)


# as https://huggingface.co/docs/hub/models-download-stats names them
@pytest.mark.parametrize(
    "name",
    ["config.json", "config.yaml", "hyperparams.yaml", "params.json", "meta.yaml", "adapter_config.json",
     "pytorch_model.bin", "model-Q4_0.gguf", "model.safetensors", "CONFIG.JSON", "sub/config.json", "m.nemo"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["hf", "ms"])
def test_what_counts_as_a_download_is_never_asked_for(hub: HubServer, kind: str, name: str) -> None:
    """Neither GET nor HEAD, on either hub: no call is made at all."""
    with catalogue_of(hub, "hf" if kind == "hf" else "ms") as catalogue:
        with pytest.raises(UsageError, match="download"):
            catalogue.read("acme/tiny", "a" * 40, RemoteFile(name, 5, git_oid="a" * 40), most_bytes=100)
        assert catalogue.calls == 0


def test_what_counts_depends_on_the_library(hub: HubServer) -> None:
    """NeMo's repositories count every JSON file; others do not count the tokenizer's configuration."""
    hub.write("acme/nemo", {"README.md": b"---\nlibrary_name: nemo\n---\n", "tokenizer_config.json": b"{}"})
    with catalogue_of(hub) as catalogue:
        for name, is_read in (("acme/tiny", True), ("acme/nemo", False)):
            file = RemoteFile(
                "tokenizer_config.json", 35 if is_read else 2, git_oid=hub.oid(name, "tokenizer_config.json")
            )
            if is_read:
                assert catalogue.read(name, hub.commit(name), file, most_bytes=100)
            else:
                with pytest.raises(UsageError, match="download"):
                    catalogue.read(name, hub.commit(name), file, most_bytes=100)


@pytest.mark.parametrize("name", ["..", "a/b", "", "acme/../x", "a b", "acme\n"])
def test_names_that_lead_elsewhere_are_refused(hub: HubServer, name: str) -> None:
    """No request is made of them."""
    with catalogue_of(hub) as catalogue:
        for call in (catalogue.shelf, catalogue.publisher):
            with pytest.raises(BadReference):
                call(name)
        with pytest.raises(BadReference):
            catalogue.entry(f"{name}/..")
        assert catalogue.calls == 0


def test_offline_nobody_is_asked() -> None:
    """The switch is honoured before a connection is made."""
    settings = RemoteSettings("http://127.0.0.1:9", is_offline=True)
    with pytest.raises(HubUnreachable, match="offline"), open_catalogue("hf", settings):
        pass


def test_the_environment_names_hub_and_token(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """`HF_ENDPOINT` and `HF_TOKEN` count, as for Hugging Face's own client."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    with open_catalogue("hf") as catalogue:
        assert catalogue.entry("acme/tiny").repository == "acme/tiny"
    assert {seen.authorization for seen in hub.seen} == {"Bearer hf_test"}


def test_dates_of_the_hub_are_moments_in_utc(hub: HubServer) -> None:
    """Whatever offset they are written with."""
    _repository(hub).facts["lastModified"] = "2026-03-01T08:00:00+08:00"
    with catalogue_of(hub) as catalogue:
        assert catalogue.entry("acme/tiny").modified_at == datetime(2026, 3, 1, tzinfo=UTC)
