from __future__ import annotations

import json

import pytest
from tests.unit.hub.catalogue.opening import CARD, PUBLISHED, catalogue_of

from weighbridge.errors import HubChanged, HubUnreachable, NotFound
from weighbridge.testing.hub_server import Fault, HubServer


def test_an_entry_has_base_models_and_commit(hub: HubServer) -> None:
    """Three calls: the newer interface describes, the older one knows the base model, the files name the commit."""
    with catalogue_of(hub, "ms") as catalogue:
        entry = catalogue.entry("acme/tiny")
        assert catalogue.calls == 3
    assert entry.hub == "ms"
    assert entry.commit == hub.commit("acme/tiny")
    assert (entry.created_at, entry.modified_at) == (PUBLISHED, PUBLISHED)
    assert (entry.licence, entry.gated, entry.task) == ("other", "", "text-generation")
    assert entry.base_models == (("finetune", "acme/base"),)
    assert entry.id.isdigit()
    assert entry.downloads is None  # this hub counts since the beginning
    assert entry.downloads_all_time == 0


def test_a_publisher_is_listed_in_pages(hub: HubServer) -> None:
    """A server that refuses pages of 1,000 is asked for the pages that its own client asks for."""
    for number in range(60):
        hub.write(f"many/m{number:02}", {"README.md": b"# hi"})
    with catalogue_of(hub, "ms") as catalogue:
        some = catalogue.shelf("many")
        assert (len(some.entries), some.is_complete) == (50, False)
        whole = catalogue.shelf("many", most_calls=2)
        assert (len(whole.entries), whole.is_complete, whole.calls) == (60, True, 2)
        assert catalogue.shelf("acme").entries[0].repository == "acme/tiny"


def test_a_hub_that_gives_less_than_asked_is_followed(hub: HubServer) -> None:
    """Pages go on at the size that came first, and a listing that stops short of its own count is not complete."""
    row = {"id": "acme/one", "last_modified": "2026-01-01T00:00:00Z"}
    pages = [[row], [row | {"id": "acme/two"}], []]
    for number, rows in enumerate(pages, start=1):
        body = json.dumps({"data": {"models": rows, "total_count": 3}}).encode()
        hub.faults.append(Fault(f"page_number={number}&page_size={1 if number > 1 else 1000}$", body=body))
    with catalogue_of(hub, "ms") as catalogue:
        shelf = catalogue.shelf("acme", most_calls=9)
    assert [entry.repository for entry in shelf.entries] == ["acme/one", "acme/two"]
    assert (shelf.is_complete, shelf.calls) == (False, 3)


def test_a_revision_has_digests_and_its_commit(hub: HubServer) -> None:
    """Every file with a SHA-256, in one call; old commits by name, and a commit that is gone is gone."""
    old = hub.commit("acme/tiny")
    hub.write("acme/tiny", {"LICENSE": b"You may not."})
    with catalogue_of(hub, "ms") as catalogue:
        revision = catalogue.revision("acme/tiny", old)
        assert catalogue.calls == 1
        assert revision.commit == old
        head = catalogue.revision("acme/tiny", "")
        assert head.commit == hub.commit("acme/tiny")
        assert head.files["LICENSE"] != revision.files["LICENSE"]
        assert catalogue.read("acme/tiny", head.commit, head.files["LICENSE"], most_bytes=100) == b"You may not."
        hub.squash("acme/tiny")
        with pytest.raises(HubChanged, match="no commit"):
            catalogue.revision("acme/tiny", old)


def test_a_commit_known_by_its_short_id_alone_must_still_be_the_head(hub: HubServer) -> None:
    """After a squash no file names the head in full; then the short id pins, while the branch stands."""
    hub.write("acme/tiny", {"LICENSE": None, "NOTICE": b"x"})
    with catalogue_of(hub, "ms") as catalogue:
        hub.faults.append(Fault("/repo/files", body=_listing("c" * 8)))
        revision = catalogue.revision("acme/tiny", "")
        assert revision.commit == "c" * 8
        assert catalogue.revision("acme/tiny", "c" * 8).commit == "c" * 8
        hub.faults.clear()
        with pytest.raises(HubChanged, match="not at commit"):
            catalogue.revision("acme/tiny", "c" * 8)


def _listing(short: str) -> bytes:
    row = b'{"Type": "blob", "Path": "README.md", "Size": 5, "Sha256": "%s", "IsLFS": false}' % (b"a" * 64)
    return b'{"Data": {"Files": [%s], "LatestCommitter": {"ShortId": "%s"}}}' % (row, short.encode())


def test_a_spurious_refusal_is_asked_again(hub: HubServer) -> None:
    """The hub answers 403 now and then for files that can be read (its own client's comment)."""
    hub.faults.append(Fault("/repo/files", status=403, times=1))
    with catalogue_of(hub, "ms") as catalogue:
        assert catalogue.revision("acme/tiny", "").files


def test_a_commit_that_cannot_be_asked_for_is_an_error(hub: HubServer) -> None:
    """A hub that fails half-way gives no entry without a commit, which a watch would take for another state."""
    hub.faults.append(Fault("/repo/files", status=503))
    with catalogue_of(hub, "ms") as catalogue, pytest.raises(HubUnreachable):
        catalogue.entry("acme/tiny")


def test_a_gated_repository_is_described_without_its_commit(hub: HubServer) -> None:
    """Where the files are closed, the rest is known still."""
    hub.faults.append(Fault("/repo/files", status=403))
    with catalogue_of(hub, "ms") as catalogue:
        assert (catalogue.entry("acme/tiny").commit, catalogue.entry("acme/tiny").licence) == ("", "other")


def test_the_hub_keeps_no_history_and_no_marks(hub: HubServer) -> None:
    """What it does not say is empty or unknown, never made up."""
    with catalogue_of(hub, "ms") as catalogue:
        assert catalogue.history("acme/tiny") == ()
        publisher = catalogue.publisher("acme")
        assert (publisher.is_verified, publisher.models) == (None, 2)
        revision = catalogue.revision("acme/tiny", "")
        assert (revision.scans, revision.config, revision.chat_template) == ({}, None, None)


def test_a_missing_repository_is_not_found(hub: HubServer) -> None:
    """By itself, and its files."""
    with catalogue_of(hub, "ms") as catalogue:
        with pytest.raises(NotFound):
            catalogue.entry("acme/nothing")
        with pytest.raises(NotFound):
            catalogue.revision("acme/nothing", "")


def test_a_small_file_is_held_against_its_digest(hub: HubServer) -> None:
    """Damaged bytes are never given out."""
    with catalogue_of(hub, "ms") as catalogue:
        files = catalogue.revision("acme/tiny", "").files
        assert catalogue.read("acme/tiny", hub.commit("acme/tiny"), files["README.md"], most_bytes=1000) == CARD
        hub.faults.append(Fault("FilePath=README", flip=True))
        with pytest.raises(HubChanged, match="digest"):
            catalogue.read("acme/tiny", hub.commit("acme/tiny"), files["README.md"], most_bytes=1000)
