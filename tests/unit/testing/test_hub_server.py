"""The hub of our tests, held against Hugging Face's own client: what that client reads must be what was published."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub import errors as hub_errors

from weighbridge.testing.hub_server import Fault, HubServer, RandomFaults
from weighbridge.testing.tiny_weights import safetensors_raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEADER = json.dumps({"w": {"dtype": "BF16", "shape": [64, 32], "data_offsets": [0, 4096]}}).encode()
_WEIGHTS = safetensors_raw(_HEADER, bytes(4096))
_CARD = "---\nlicense: {}\nlibrary_name: transformers\npipeline_tag: text-generation\nbase_model: acme/base\n---\n"
_OLD, _NEW = datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 2, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """Serve three models, one of two revisions, in pages of two."""
    with HubServer(tmp_path / "hub", page=2) as server:
        files = {"README.md": _CARD.format("apache-2.0").encode(), "config.json": b'{"model_type": "llama"}'}
        server.write("acme/tiny", files | {"model.safetensors": _WEIGHTS}, title="initial commit", date=_OLD)
        server.write("acme/tiny", {"README.md": _CARD.format("acme-1.0").encode()}, title="New licence", date=_NEW)
        for name in ("acme/one", "acme/two", "other/three"):
            server.write(name, {"README.md": b"# hello"})
        yield server


def _api(hub: HubServer, token: str | bool = False) -> HfApi:
    return HfApi(endpoint=hub.url, token=token)


def test_the_client_reads_a_description(hub: HubServer) -> None:
    """Commit, dates, card, counts and digests come through huggingface_hub's own types."""
    info = _api(hub).model_info("acme/tiny", files_metadata=True)
    weights = next(sibling for sibling in info.siblings or () if sibling.rfilename == "model.safetensors")
    assert info.sha == hub.commit("acme/tiny")
    assert (info.created_at, info.last_modified) == (_OLD, _NEW)
    assert info.card_data is not None
    assert (info.card_data.license, info.library_name, info.pipeline_tag) == (
        "acme-1.0", "transformers", "text-generation",
    )  # fmt: skip
    assert info.safetensors is not None
    assert info.safetensors.parameters == {"BF16": 2048}
    assert weights.lfs is not None
    assert weights.lfs.sha256 == hashlib.sha256(_WEIGHTS).hexdigest()
    assert weights.lfs.size == len(_WEIGHTS)


def test_the_client_asks_for_more(hub: HubServer) -> None:
    """`expand` gives what it names, and a name that is none is refused."""
    found = hub.repository("acme/tiny")
    assert found is not None
    found.facts["downloadsAllTime"] = 99
    info = _api(hub).model_info("acme/tiny", expand=["downloadsAllTime", "baseModels", "sha"])
    assert info.downloads_all_time == 99
    related: Any = info.base_models  # the client's type says a list; the hub sends an object
    assert related["models"][0]["id"] == "acme/base"
    assert info.tags is None
    with pytest.raises(hub_errors.BadRequestError):
        _api(hub).model_info("acme/tiny", expand=["nonsense"])  # type: ignore[list-item]


def test_the_client_lists_a_maker_page_after_page(hub: HubServer) -> None:
    """Three models in pages of two, those of another maker left out, the last changed first."""
    models = list(_api(hub).list_models(author="acme", sort="last_modified", expand=["sha", "lastModified"]))
    assert models[0].id == "acme/tiny"
    assert {model.id for model in models} == {"acme/tiny", "acme/one", "acme/two"}
    assert models[0].sha == hub.commit("acme/tiny")
    assert len([seen for seen in hub.seen if "GET /api/models?" in seen.line]) == 2


def test_the_client_reads_history_refs_and_files(hub: HubServer) -> None:
    """Two commits, newest first; each addressable; a file knows which of them changed it."""
    api = _api(hub)
    log = api.list_repo_commits("acme/tiny")
    assert [(commit.title, commit.created_at) for commit in log] == [("New licence", _NEW), ("initial commit", _OLD)]
    old = api.model_info("acme/tiny", revision=log[1].commit_id)
    assert old.card_data is not None
    assert old.card_data.license == "apache-2.0"
    assert api.list_repo_refs("acme/tiny").branches[0].target_commit == log[0].commit_id
    files = {file.path: file for file in api.list_repo_tree("acme/tiny", expand=True)}
    changed = {path for path, file in files.items() if file.last_commit.title == "New licence"}  # type: ignore[union-attr]
    assert changed == {"README.md"}
    data = b"# hello"
    blob = next(iter(api.list_repo_tree("acme/one")))
    assert blob.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # type: ignore[union-attr]  # noqa: S324 - Git's


def test_the_client_reads_verdicts_of_scans(hub: HubServer) -> None:
    """Files with issues, for the repository and for each file."""
    found = hub.repository("acme/tiny")
    assert found is not None
    found.scans["config.json"] = "unsafe"
    info = _api(hub).model_info("acme/tiny", securityStatus=True)
    assert info.security_repo_status == {
        "scansDone": True, "filesWithIssues": [{"path": "config.json", "level": "unsafe"}]
    }  # fmt: skip
    [file] = _api(hub).get_paths_info("acme/tiny", "config.json", expand=True)
    assert file.security.status == "unsafe"  # type: ignore[union-attr]


def test_the_client_downloads_a_snapshot(hub: HubServer, tmp_path: Path) -> None:
    """All files, at their right bytes, and no token ever goes to storage."""
    folder = _api(hub, "hf_test").snapshot_download("acme/tiny", local_dir=tmp_path / "copy")
    assert Path(folder, "model.safetensors").read_bytes() == _WEIGHTS
    assert {seen.authorization for seen in hub.seen if seen.is_storage} == {""}


def test_the_client_finds_an_organisation(hub: HubServer) -> None:
    """Whether it is verified, and how many models it has."""
    hub.publishers["acme"] = {"isVerified": False}
    overview = _api(hub).get_organization_overview("acme")
    assert (overview.name, overview.is_verified, overview.num_models) == ("acme", False, 3)


def _renamed(hub: HubServer) -> None:
    hub.rename("acme/tiny", "acme/little")


def _fact(name: str, value: object) -> Callable[[HubServer], None]:
    def change(hub: HubServer) -> None:
        found = hub.repository("acme/tiny")
        assert found is not None
        found.facts[name] = value

    return change


def test_the_client_follows_a_rename(hub: HubServer) -> None:
    """The old name leads to the new one; commits and the hub's id stay."""
    before = _api(hub).model_info("acme/tiny")
    _renamed(hub)
    after = _api(hub).model_info("acme/tiny")
    assert after.id == "acme/little"
    assert (after.sha, after._id) == (before.sha, before._id)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "token", "error"),
    [
        (lambda hub: hub.delete("acme/tiny"), False, hub_errors.RepositoryNotFoundError),
        (lambda hub: hub.delete("acme/tiny"), "hf_test", hub_errors.RepositoryNotFoundError),
        (_fact("private", True), False, hub_errors.RepositoryNotFoundError),
        (_fact("private", True), "hf_test", None),
        (_fact("disabled", True), False, hub_errors.DisabledRepoError),
        (_fact("gated", "manual"), False, None),
    ],
)
def test_the_client_tells_why_a_model_is_not_there(
    hub: HubServer, change: Callable[[HubServer], None], token: str | bool, error: type[Exception] | None
) -> None:
    """Deleted, private and disabled repositories fail as the client knows it; a gated one is described still."""
    change(hub)
    if error is None:
        assert _api(hub, token).model_info("acme/tiny").id == "acme/tiny"
    else:
        with pytest.raises(error):
            _api(hub, token).model_info("acme/tiny")


def test_the_client_is_refused_files_of_a_gated_model(hub: HubServer, tmp_path: Path) -> None:
    """Without access they stay closed, with it they open."""
    _fact("gated", "auto")(hub)
    with pytest.raises(hub_errors.GatedRepoError):
        _api(hub).hf_hub_download("acme/tiny", "README.md", local_dir=tmp_path)
    assert _api(hub, "hf_test").hf_hub_download("acme/tiny", "README.md", local_dir=tmp_path)


def test_a_squashed_history_forgets_its_commits(hub: HubServer) -> None:
    """The files stay, under a commit of its own; the client finds no revision at the old ones."""
    old = hub.commit("acme/tiny")
    new = hub.squash("acme/tiny")
    assert [commit.commit_id for commit in _api(hub).list_repo_commits("acme/tiny")] == [new]
    assert new != old
    with pytest.raises(hub_errors.RevisionNotFoundError):
        _api(hub).model_info("acme/tiny", revision=old)


def test_a_file_changed_back_is_a_third_commit(hub: HubServer) -> None:
    """As in Git, a commit is not its files alone."""
    first = hub.write("acme/one", {"README.md": b"# other"})
    assert hub.write("acme/one", {"README.md": b"# hello"}) not in {first, ""}
    assert len(_api(hub).list_repo_commits("acme/one")) == 3


@pytest.mark.parametrize("seed", range(3))
def test_random_faults_follow_their_seed_and_pass(seed: int) -> None:
    """The same seed makes the same faults; of one address no two requests fail in a row."""
    made: list[list[int | None]] = []
    for _ in range(2):
        faults = RandomFaults(seed, 0.5)
        drawn = [faults.next("/api/models") for _ in range(200)]
        made.append([None if fault is None else fault.status for fault in drawn])
    assert made[0] == made[1]
    assert 30 < sum(one is not None for one in made[0]) < 100
    assert all(None in made[0][at : at + 2] for at in range(199))


def test_faults_by_hand_count_down(hub: HubServer) -> None:
    """A fault happens as often as it says, where it says."""
    hub.faults.append(Fault("/api/models/acme/one", status=500, times=1))
    with pytest.raises(hub_errors.HfHubHTTPError):
        _api(hub).model_info("acme/one")
    assert _api(hub).model_info("acme/two").id == "acme/two"
    assert _api(hub).model_info("acme/one").id == "acme/one"
