"""Models in images of containers and other archives: layers, whiteouts, configurations, bombs and links."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
import zstandard

from weighbridge.inventory.bounds import Bounds
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.search import Search
from weighbridge.knowledge.load import load_knowledge
from weighbridge.testing.tiny_weights import gguf_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

APP = b'LLM(model="Qwen/Qwen3-8B")\n'
CONFIG = b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}'


def tar(files: Mapping[str, bytes | str]) -> bytes:
    """Return a tar archive as Python writes it; a text is the target of a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(data, str):
                member.type, member.linkname = tarfile.SYMTYPE, data
                archive.addfile(member)
            else:
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def digest(data: bytes) -> str:
    """Return the digest in the form of OCI."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def oci(layers: list[bytes], config: Mapping[str, object]) -> dict[str, bytes | str]:
    """Return the files of an OCI layout with one image."""
    raw = json.dumps({"config": config}).encode()
    manifest = json.dumps(
        {"schemaVersion": 2, "config": {"digest": digest(raw)}, "layers": [{"digest": digest(one)} for one in layers]}
    ).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": digest(manifest)}]}).encode()
    blobs = {f"blobs/{digest(one).replace(':', '/')}": one for one in (raw, manifest, *layers)}
    return {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index, **blobs}


def search(root: Path, bounds: Bounds | None = None) -> tuple[list[Found], list[str]]:
    """Return what a search finds, and the reasons of what it does not search."""
    all_of_it = list(Search(root, load_knowledge(), bounds=bounds))
    found = [one for one in all_of_it if isinstance(one, Found)]
    return found, [one.reason for one in all_of_it if isinstance(one, Unsearched)]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.zst": zstandard.compress,
}


@pytest.mark.parametrize("ending", PACKED)
def test_an_archive_is_searched_as_a_folder(tmp_path: Path, ending: str) -> None:
    """Code and weights in a tar file are found, with `!` before the member."""
    data = tar({"srv/app.py": APP, "srv/m/q.gguf": gguf_bytes({"general.name": "Qwen3 8B"})})
    (tmp_path / f"a.{ending}").write_bytes(PACKED[ending](data))
    found, unsearched = search(tmp_path)
    assert unsearched == []
    assert {one.name: one.place for one in found} == {
        "Qwen/Qwen3-8B": f"{tmp_path}/a.{ending}!srv/app.py:1",
        "Qwen3 8B": f"{tmp_path}/a.{ending}!srv/m/q.gguf",
    }
    assert {one.folder for one in found} == {""}


def test_a_zip_file_is_searched(tmp_path: Path) -> None:
    """ZIP archives too."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", APP)
    found, _ = search(tmp_path)
    assert [one.place for one in found] == [f"{tmp_path}/a.zip!app.py:1"]


@pytest.mark.parametrize("as_archive", [True, False])
def test_an_oci_image_is_read_layer_over_layer(tmp_path: Path, *, as_archive: bool) -> None:
    """An upper layer replaces and removes what lies below; the configuration names models too."""
    lower = tar(
        {
            "app/run.py": b'LLM(model="google/gemma-2-2b-it")',
            "gone/old.py": b'LLM(model="01-ai/Yi-34B")',
            "var/x/inner.py": b'LLM(model="tiiuae/falcon-7b")',
            "kept.py": b'LLM(model="microsoft/phi-4")',
        }
    )
    upper = gzip.compress(tar({"app/run.py": APP, "gone/.wh.old.py": b"", "var/x/.wh..wh..opq": b""}))
    config = {"Env": ["MODEL_ID=deepseek-ai/DeepSeek-V3"], "Cmd": ["vllm", "serve", "mistralai/Mistral-7B-v0.1"]}
    files = oci([lower, upper], config)
    if as_archive:
        (tmp_path / "image.tar").write_bytes(tar(files))
    else:
        for name, data in files.items():
            path = tmp_path / "image" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else b"")
    found, unsearched = search(tmp_path)
    assert unsearched == []
    assert {one.name for one in found} == {
        "Qwen/Qwen3-8B",
        "microsoft/phi-4",
        "deepseek-ai/DeepSeek-V3",
        "mistralai/Mistral-7B-v0.1",
    }


@pytest.mark.parametrize("as_archive", [False, True])
def test_weights_that_are_layers_are_read(tmp_path: Path, *, as_archive: bool) -> None:
    """An artefact of Docker Model Runner: a GGUF file and a licence are its layers, and no file system."""
    weights, text = gguf_bytes({"general.name": "Qwen3 8B", "general.architecture": "qwen3"}), b"Apache License"
    rows = [("vnd.docker.ai.gguf.v3", weights), ("vnd.docker.ai.license", text), ("vnd.docker.ai.gguf.v3", b"gone")]
    layers = [{"mediaType": f"application/{kind}", "digest": digest(data)} for kind, data in rows]
    manifest = json.dumps({"schemaVersion": 2, "layers": layers}).encode()
    named = {"org.opencontainers.image.ref.name": "ai/qwen3:8b"}
    index = {"manifests": [{"digest": digest(manifest), "annotations": named}]}
    files: dict[str, bytes | str] = {
        f"blobs/{digest(data).replace(':', '/')}": data for data in (weights, text, manifest)
    }
    files |= {"oci-layout": b"{}", "index.json": json.dumps(index).encode()}
    if as_archive:
        (tmp_path / "model.tar").write_bytes(tar(files))
    for name, data in () if as_archive else files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    (found,), unsearched = search(tmp_path)
    assert (found.name, found.architecture, found.n_bytes) == ("Qwen3 8B", "qwen3", len(weights))
    assert found.digest == digest(weights)
    assert "ai/qwen3:8b" in found.detail
    assert unsearched == ["is a layer of weights that is not there"]


@pytest.mark.parametrize("name", ["manifest.json", "index.json"])
@pytest.mark.parametrize("as_archive", [False, True])
def test_an_image_hides_nothing_beside_it(tmp_path: Path, name: str, *, as_archive: bool) -> None:
    """A manifest without layers, in a folder or an archive, does not keep the rest from being searched."""
    empty = json.dumps([{"Config": "c", "Layers": []}] if name == "manifest.json" else {"manifests": []}).encode()
    files = {name: empty, "blobs/x": b"", "sub/app.py": APP}
    for path, data in {"a.tar": tar(files)}.items() if as_archive else files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    found, _ = search(tmp_path)
    assert len(found) == 1


def test_ends_of_archives(tmp_path: Path) -> None:
    """What is cut short is said; what stands behind the end of a first archive is read (`cat a.tar b.tar`)."""
    one, two = tar({"a.txt": b"hi"}), tar({"b.txt": b"x" * 5000, "app.py": APP})
    (tmp_path / "both.tar").write_bytes(one + two)
    (tmp_path / "cut.tar").write_bytes(two[:3000])
    found, unsearched = search(tmp_path)
    assert len(found) == 1
    assert unsearched == ["is cut short: the mark of its end is missing"]


def test_weights_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    """GGUF and safetensors under names that say nothing are found, on disk and in an archive; Git LFS keeps some."""
    weights = gguf_bytes({"general.name": "Qwen3 8B"})
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "weights.dat").write_bytes(weights)
    (tmp_path / "blob").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (tmp_path / "a.tar").write_bytes(tar({"srv/data": weights}))
    (tmp_path / ".git/lfs/objects/aa").mkdir(parents=True)
    (tmp_path / ".git/lfs/objects/aa/aabb").write_bytes(weights)
    found, unsearched = search(tmp_path)
    assert sorted(one.name for one in found) == ["Qwen3 8B", "Qwen3 8B", "Qwen3 8B", "blob"]
    assert unsearched == []


def test_docker_save_is_read_by_its_manifest(tmp_path: Path) -> None:
    """The older layout of `docker save`: `manifest.json`, `<id>/layer.tar`, a configuration by its name."""
    layer = tar(
        {"models/llama/config.json": CONFIG, "models/llama/model.safetensors": b"\x08" + b"\0" * 7 + b"{}      "}
    )
    manifest = [{"Config": "c.json", "RepoTags": ["acme/app:1"], "Layers": ["aa/layer.tar"]}]
    config = {"config": {"Labels": {"org.acme.model": "Qwen/Qwen3-4B"}}}
    files = {
        "aa/layer.tar": layer,
        "c.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    (tmp_path / "saved.tar").write_bytes(tar(files))
    found, _ = search(tmp_path)
    assert {(one.name, one.way) for one in found} == {("llama", "weights"), ("Qwen/Qwen3-4B", "configuration")}


def test_a_cache_in_an_image_is_read_through_its_links(tmp_path: Path) -> None:
    """The cache of a hub, baked into an image, gives its commit and digest."""
    base = "root/.cache/huggingface/hub/models--Qwen--Qwen3-8B"
    commit, blob = "a" * 40, "b" * 64
    files: dict[str, bytes | str] = {
        f"{base}/refs/main": commit.encode(),
        f"{base}/blobs/{blob}": b"\x08" + b"\0" * 7 + b"{}      ",
        f"{base}/blobs/{'c' * 40}": CONFIG,
        f"{base}/snapshots/{commit}/config.json": f"../../blobs/{'c' * 40}",
        f"{base}/snapshots/{commit}/model.safetensors": f"../../blobs/{blob}",
    }
    (tmp_path / "i.tar").write_bytes(tar(files))
    (one,), unsearched = search(tmp_path)
    assert unsearched == []
    assert (one.reference, one.digest) == (f"hf:Qwen/Qwen3-8B@{commit}", f"sha256:{blob}")


def test_members_that_leave_the_archive_are_left_out(tmp_path: Path) -> None:
    """`../`, absolute names and links out of the image read nothing of this machine."""
    (tmp_path / "secret.py").write_bytes(b"")
    files: dict[str, bytes | str] = {
        "../up.py": APP,
        "/etc/abs.py": APP,
        "link.py": "../../../../../../etc/passwd",
        "l2": "l2",
    }
    (tmp_path / "a.tar").write_bytes(tar(files))
    found, unsearched = search(tmp_path)
    assert [one.place.rpartition("!")[2] for one in found] == ["etc/abs.py:1"]
    assert any("outside" in reason for reason in unsearched)
    assert any("circle" in reason for reason in unsearched)


def test_a_bomb_ends_at_the_bound(tmp_path: Path) -> None:
    """What unpacks to more than is allowed is read so far, and said."""
    (tmp_path / "bomb.tar.gz").write_bytes(gzip.compress(tar({"app.py": APP, "zeros.bin": b"\0" * (8 << 20)})))
    found, unsearched = search(tmp_path, Bounds(archive_bytes=1 << 20))
    assert [one.name for one in found] == ["Qwen/Qwen3-8B"]
    assert unsearched == ["unpacks to more than is searched"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("cut.tar.gz", gzip.compress(tar({"a.py": APP}), mtime=0)[:-30], "ends before"),
        ("bad.tar.gz", gzip.compress(b"x" * 2000, mtime=0), "no tar"),
        ("text.tar", b"hello" * 200, "no tar"),
        ("x.7z", b"7z\xbc\xaf\x27\x1c", "not searched"),
        ("disk.qcow2", b"QFI\xfb", "not searched"),
        ("cut.zip", b"PK\x03\x04" + b"\0" * 50, "directory"),
    ],
)
def test_archives_that_cannot_be_read_are_said(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    """Damaged, foreign and unknown archives are places that were not searched."""
    (tmp_path / name).write_bytes(data)
    found, unsearched = search(tmp_path)
    assert found == []
    assert any(reason in one for one in unsearched), unsearched


def test_packages_and_archives_in_an_image_are_said(tmp_path: Path) -> None:
    """What a layer holds and a search does not read is named as on disk: texts of packages, archives, by place."""
    layer = tar(dict.fromkeys(("site-packages/x.py", "site-packages/y.zip", "srv/data.zip"), b"PK"))
    (tmp_path / "layer.tar").write_bytes(layer)
    _, unsearched = search(tmp_path / "layer.tar")
    for said in ("texts are not read", "an archive that was not opened", "a kind that is not searched"):
        assert sum(said in one for one in unsearched) == 1, unsearched


def test_an_archive_in_an_archive_is_searched(tmp_path: Path) -> None:
    """Names nest with `!`."""
    (tmp_path / "outer.tar").write_bytes(tar({"in/inner.tar.gz": gzip.compress(tar({"app.py": APP}))}))
    (one,), _ = search(tmp_path)
    assert one.place == f"{tmp_path}/outer.tar!in/inner.tar.gz!app.py:1"
