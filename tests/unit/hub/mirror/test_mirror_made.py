from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.digest import canonical, digest_of
from weighbridge.core.progress import silent
from weighbridge.core.reference import Reference
from weighbridge.errors import DamagedFile, HubUnreachable, NotFound, UsageError
from weighbridge.hub.digest_cache import SQLiteDigestCache
from weighbridge.hub.mirror.check import check_mirror
from weighbridge.hub.mirror.choice import Wish
from weighbridge.hub.mirror.manifest import MANIFEST, read_manifest
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.provenance.origin import origin_of
from weighbridge.testing.hub_server import HubServer
from weighbridge.workflow.mirror import Asked, list_mirrors, mirror

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.workflow.mirror import Mirrored

BOTH = pytest.mark.parametrize("kind", ["hf", "ms"])


def _files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder but the manifest."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(MANIFEST, None)
    return found


@BOTH
def test_the_copy_is_the_repository(shelf: Path, fetch: Callable[..., Mirrored], kind: str) -> None:
    """Every byte, in a folder named by the commit, and a manifest that agrees with hashlib; nothing else is left."""
    with HubServer(shelf) as hub:
        done = fetch(hub, f"{kind}:acme/tiny")
        commit = hub.commit("acme/tiny")
    folder = Path(done.path)
    assert folder.parts[-4:] == (kind, "acme", "tiny", commit)
    assert _files(folder) == _files(shelf / "acme" / "tiny")
    assert sorted(path.name for path in folder.parent.iterdir()) == [commit]
    document = json.loads((folder / MANIFEST).read_bytes())
    assert {row["path"]: row["sha256"] for row in document["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in _files(folder).items()
    }
    assert (document["hub"], document["repository"], document["commit"]) == (kind, "acme/tiny", commit)
    assert document["licence"] == "mit"
    assert done.outcome == "mirrored"


def test_the_folder_is_the_artefact_of_its_manifest(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """Weighing the folder names the same digest, the model's own name, and where it came from."""
    with HubServer(shelf) as hub:
        done = fetch(hub)
        remote = resolve(Reference.parse("hf:acme/tiny"), None, silent)
    artefact = resolve(Reference.parse(done.path), None, silent)
    assert done.made
    assert artefact.digest == done.made.manifest.artefact
    assert artefact.name == "acme/tiny"
    origin = origin_of(artefact)
    assert (origin.hub, origin.repository, origin.commit) == ("hf", "acme/tiny", done.origin.commit)
    assert done.made.manifest.remote_digest == remote.digest != artefact.digest  # `empty.txt` has no SHA-256 afar
    (Path(done.path) / "config.json").write_text("{}")
    assert origin_of(resolve(Reference.parse(done.path), None, silent)).hub is None


def test_without_files_that_git_alone_names_both_digests_are_one(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """The evidence of a reading from afar fits the mirror."""
    (shelf / "acme" / "tiny" / "empty.txt").unlink()
    with HubServer(shelf) as hub:
        done = fetch(hub)
        remote = resolve(Reference.parse("hf:acme/tiny"), None, silent)
    assert done.made
    assert remote.digest == done.made.manifest.artefact == done.made.manifest.remote_digest


def test_what_is_here_is_not_fetched_again(shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path) -> None:
    """A second run asks for no file; one by the full commit asks nobody, and a vanished hub does not matter."""
    with HubServer(shelf) as hub:
        done = fetch(hub)
        before = (Path(done.path) / MANIFEST).read_bytes()
        seen = len(hub.seen)
        assert fetch(hub).outcome == "here"
        assert not [one for one in hub.seen[seen:] if "/resolve" in one.line or one.is_storage]
    commit = done.origin.commit
    assert mirror(Asked(f"hf:acme/tiny@{commit}", str(tmp_path / "mirror")), None, silent).outcome == "here"
    assert (Path(done.path) / MANIFEST).read_bytes() == before
    with pytest.raises(HubUnreachable) as error:
        mirror(Asked("hf:acme/tiny", str(tmp_path / "mirror")), None, silent)
    assert commit in (error.value.hint or "")


def test_a_revision_that_was_deleted_stays_usable(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """Its hub knows it no more, and the mirror is verified by the commit all the same."""
    with HubServer(shelf) as hub:
        done = fetch(hub)
        shutil.rmtree(shelf / "acme" / "tiny")
        assert fetch(hub, f"hf:acme/tiny@{done.origin.commit}").outcome == "here"
        with pytest.raises(NotFound) as error:
            fetch(hub)
    assert done.origin.commit in (error.value.hint or "")


def test_two_revisions_share_what_did_not_change(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """The weights lie on the disk once; what changed is each revision's own."""
    with HubServer(shelf) as hub:
        first = Path(fetch(hub).path)
        (shelf / "acme" / "tiny" / "config.json").write_text('{"model_type": "qwen3"}')
        done = fetch(hub)
        weights = [one for one in hub.seen if one.is_storage and "model.safetensors" in one.line]
    second = Path(done.path)
    assert first != second
    assert (first / "model.safetensors").stat().st_ino == (second / "model.safetensors").stat().st_ino
    assert (first / "config.json").read_text() != (second / "config.json").read_text()
    assert len({one.part for one in weights}) == len(weights)  # no part of it came twice
    assert done.made
    assert done.made.shared_files == 6
    assert check_mirror(first).holds
    assert check_mirror(second).holds
    assert len(list_mirrors(first.parents[3])) == 2


def test_some_files_now_and_the_others_later(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """Patterns choose; the manifest says what was left out, and grows; fewer files asked for take none away."""
    with HubServer(shelf) as hub:
        done = fetch(hub, wish=Wish(("*.json", "sub/"), ("*b.bin",)))
        assert sorted(_files(Path(done.path))) == ["config.json", "sub/a.bin"]
        left = {one.name: one.reason for one in read_manifest(Path(done.path, MANIFEST)).left_out}
        assert left["sub/b.bin"] == "--not *b.bin"
        assert left["model.safetensors"] == "not among --only"
        assert check_mirror(Path(done.path)).holds
        whole = fetch(hub)
        assert whole.made
        assert whole.made.manifest.is_whole
        assert whole.made.kept_files == 2
        again = fetch(hub, wish=Wish(("README.md",)))
        assert again.outcome == "here"
        assert len(read_manifest(Path(done.path, MANIFEST)).files) == 7
        with pytest.raises(NotFound, match="no file"):
            fetch(hub, wish=Wish(("*.gguf",)))


def test_a_mirror_that_was_changed_is_named_and_mended(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """Changed, missing and extra files are told apart; a new run brings the first two again."""
    with HubServer(shelf) as hub:
        folder = Path(fetch(hub).path)
        (folder / "model.safetensors").write_bytes(bytes((folder / "model.safetensors").stat().st_size))
        (folder / "sub" / "a.bin").unlink()
        check = check_mirror(folder)
        assert (check.changed, check.missing, check.extra) == (("model.safetensors",), ("sub/a.bin",), ())
        assert fetch(hub, f"hf:acme/tiny@{check.manifest.origin.commit}").outcome == "mirrored"
        assert check_mirror(folder).holds
        (folder / "pytorch_model.bin").write_bytes(b"evil")
        assert check_mirror(folder).extra == ("pytorch_model.bin",)
        with pytest.raises(UsageError, match=r"pytorch_model\.bin"):
            fetch(hub)


def test_a_manifest_is_believed_only_whole(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """Without one, there is no mirror; with a changed one, it contradicts itself; a new run writes it anew."""
    with HubServer(shelf) as hub:
        folder = Path(fetch(hub).path)
        text = (folder / MANIFEST).read_text()
        (folder / MANIFEST).write_text(text.replace('"licence":"mit"', '"licence":"apache-2.0"'))
        with pytest.raises(DamagedFile, match="contradicts"):
            check_mirror(folder)
        assert fetch(hub).made
        assert check_mirror(folder).manifest.origin.licence == "mit"
        (folder / MANIFEST).unlink()
        with pytest.raises(NotFound, match="no mirror"):
            check_mirror(folder)
        assert fetch(hub).made
        assert check_mirror(folder).holds


@pytest.mark.parametrize(
    ("field", "value"),
    [("repository", "../../evil"), ("commit", "../x"), ("hub", "..")],
)
def test_a_forged_manifest_leads_nowhere(
    shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path, field: str, value: str
) -> None:
    """A manifest that is consistent, and names a place outside: it is damaged, and no folder's origin."""
    with HubServer(shelf) as hub:
        folder = Path(fetch(hub).path)
    document = json.loads((folder / MANIFEST).read_bytes())
    del document["digest"]
    document[field] = value
    (folder / MANIFEST).write_bytes(canonical(document | {"digest": digest_of(document)}))
    with pytest.raises(DamagedFile, match="wrong or missing field"):
        read_manifest(folder / MANIFEST)
    carried = mirror(Asked(str(folder), str(tmp_path / "far")), None, silent)
    assert Path(carried.path).is_relative_to(tmp_path / "far" / "local")


def test_a_later_write_shows_in_spite_of_the_cache(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digests of a fresh mirror are remembered, and a write right after it is seen."""
    cache = SQLiteDigestCache(tmp_path / "cache.sqlite")
    with HubServer(shelf) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        done = mirror(Asked("hf:acme/tiny", str(tmp_path / "mirror"), is_read_only=True), cache, silent)
    weights = Path(done.path, "model.safetensors")
    status = weights.stat()
    assert status.st_mode & 0o222 == 0
    assert cache.get(str(weights), status.st_size, status.st_ctime_ns, status.st_ino)
    weights.chmod(0o644)
    with weights.open("r+b") as file:
        file.write(b"changed!")
    assert check_mirror(Path(done.path), cache).changed == ("model.safetensors",)
    cache.close()


def test_a_folder_and_a_mirror_can_be_mirrored(shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path) -> None:
    """A folder goes under its digest; a mirror keeps its origin, so that it can be carried where no hub is."""
    with HubServer(shelf) as hub:
        first = fetch(hub)
    carried = mirror(Asked(first.path, str(tmp_path / "far")), None, silent)
    assert Path(carried.path).relative_to(tmp_path / "far") == Path(first.path).relative_to(tmp_path / "mirror")
    assert check_mirror(Path(carried.path)).manifest.origin.commit == first.origin.commit
    plain = mirror(Asked(str(shelf / "acme" / "tiny"), str(tmp_path / "far")), None, silent)
    assert plain.made
    assert Path(plain.path).name == plain.made.manifest.artefact.removeprefix("sha256:")
    assert check_mirror(Path(plain.path)).holds
    with pytest.raises(UsageError, match="lies in the folder"):
        mirror(Asked(str(shelf / "acme" / "tiny"), str(shelf / "acme" / "tiny" / "x")), None, silent)


def test_a_dry_run_touches_nothing(shelf: Path, fetch: Callable[..., Mirrored], tmp_path: Path) -> None:
    """It says what would come, and from which commit."""
    with HubServer(shelf) as hub:
        done = fetch(hub, is_dry=True)
        assert done.origin.commit == hub.commit("acme/tiny")
        assert not [one for one in hub.seen if "/resolve" in one.line]
    assert (done.outcome, len(done.choice.files)) == ("planned", 7)
    assert not os.path.lexists(tmp_path / "mirror")


def test_nothing_beside_the_model_is_let_pass(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """A link whose target reads like our own words, and code below `.git`, are extra files."""
    with HubServer(shelf) as hub:
        place = Path(fetch(hub).path)
    (place / "modeling_evil.py").symlink_to("/nowhere, the manifest of a mirror, not part of the model")
    (place / "sub" / ".git").mkdir()
    (place / "sub" / ".git" / "__init__.py").write_text("import os\n")
    assert check_mirror(place).extra == ("modeling_evil.py", "sub/.git")


def test_a_download_log_on_the_hub_is_no_part_of_the_copy(shelf: Path, fetch: Callable[..., Mirrored]) -> None:
    """What a mirror would leave alone when it is checked is not fetched."""
    log = shelf / "acme" / "tiny" / ".cache" / "huggingface"
    log.mkdir(parents=True)
    (log / "y").write_text("left by a client")
    with HubServer(shelf) as hub:
        place = Path(fetch(hub).path)
    assert not (place / ".cache").exists()
    assert check_mirror(place).holds
