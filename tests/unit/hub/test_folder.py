from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from weighbridge.core.artefact import Artefact, NotInspected
from weighbridge.core.reference import Reference
from weighbridge.errors import BadReference, NotFound
from weighbridge.hub import walk
from weighbridge.hub.protocol import resolve

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def _resolve(path: Path | str) -> Artefact:
    return resolve(Reference.parse(str(path)))


def _model(folder: Path) -> Path:
    """Make a folder with one file, whose digest is known."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(b"abc")
    return folder


def test_a_folder_is_pinned(tmp_path: Path) -> None:
    """Every file is there, hidden ones and those in subfolders too, with `/` in its name."""
    folder = _model(tmp_path / "model")
    (folder / ".gitattributes").write_bytes(b"abc")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "model.safetensors").write_bytes(b"abc")
    artefact = _resolve(folder)
    assert artefact.name == "model"
    assert artefact.root == str(folder)
    assert [file.name for file in artefact.files] == [".gitattributes", "a/b/model.safetensors", "config.json"]
    assert {(file.size, file.sha256) for file in artefact.files} == {(3, ABC)}
    assert artefact.left_alone == ()


def test_the_digest_is_independent_of_the_place(tmp_path: Path) -> None:
    """The same files under another path are the same artefact; another name of a file is another one."""
    first, second = _model(tmp_path / "one"), _model(tmp_path / "two")
    assert _resolve(first).digest == _resolve(second).digest
    (second / "config.json").rename(second / "other.json")
    assert _resolve(first).digest != _resolve(second).digest


def test_links_that_lead_out_are_left_alone(tmp_path: Path) -> None:
    """Nothing outside the folder is read, however the link is written."""
    folder = _model(tmp_path / "model")
    (tmp_path / "model-secret").write_bytes(b"secret")
    (folder / "absolute").symlink_to("/etc/passwd")
    (folder / "relative").symlink_to("../model-secret")
    (folder / "detour").symlink_to("hop")
    (folder / "hop").symlink_to(tmp_path / "model-secret")
    (folder / "folder").symlink_to("/etc")
    artefact = _resolve(folder)
    assert [file.name for file in artefact.files] == ["config.json"]
    out = "symbolic link leads out of the folder: -> "
    assert artefact.left_alone == (
        NotInspected("absolute", out + "`/etc/passwd`"),
        NotInspected("detour", out + "`hop`"),
        NotInspected("folder", out + "`/etc`"),
        NotInspected("hop", out + f"`{tmp_path / 'model-secret'}`"),
        NotInspected("relative", out + "`../model-secret`"),
    )


def test_a_folder_of_links_leading_out_is_refused(tmp_path: Path) -> None:
    """Where no file is left, there is nothing to pin; the hint says why."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").symlink_to("/etc/passwd")
    with pytest.raises(BadReference, match="holds no file that can be read") as caught:
        _resolve(folder)
    assert caught.value.hint == "`model.safetensors`: symbolic link leads out of the folder: -> `/etc/passwd`"


def test_links_inside_are_read_as_files(tmp_path: Path) -> None:
    """A link to a file of the same folder is a file; loops, broken links and links to folders are left alone."""
    folder = _model(tmp_path / "model")
    (folder / "copy.json").symlink_to("config.json")
    (folder / "broken").symlink_to("nowhere")
    (folder / "circle").symlink_to("circle")
    (folder / "self").symlink_to(".")
    artefact = _resolve(folder)
    assert [(file.name, file.sha256) for file in artefact.files] == [("config.json", ABC), ("copy.json", ABC)]
    assert [left.name for left in artefact.left_alone] == ["broken", "circle", "self"]
    assert artefact.left_alone[0].reason == "symbolic link leads nowhere: -> `nowhere`"
    assert artefact.left_alone[1].reason == "symbolic link runs in a circle: -> `circle`"
    assert artefact.left_alone[2].reason.startswith("symbolic link to a folder")


def _cache(folder: Path) -> Path:
    """Lay out a Hugging Face cache; return the revision's folder."""
    repository = folder / "models--maker--name"
    (repository / "blobs").mkdir(parents=True)
    (repository / "blobs" / ABC).write_bytes(b"abc")
    revision = repository / "snapshots" / ("0" * 40)
    (revision / "deep").mkdir(parents=True)
    (revision / "config.json").symlink_to(f"../../blobs/{ABC}")
    (revision / "deep" / "model.safetensors").symlink_to(f"../../../blobs/{ABC}")
    return revision


def test_the_hugging_face_cache_is_read_through_its_links(tmp_path: Path) -> None:
    """Links into the repository's own `blobs` are followed, also from a subfolder of the revision."""
    revision = _cache(tmp_path)
    assert [(file.name, file.sha256) for file in _resolve(revision).files] == [
        ("config.json", ABC),
        ("deep/model.safetensors", ABC),
    ]
    assert [file.name for file in _resolve(revision / "deep").files] == ["model.safetensors"]


def test_only_the_own_blobs_are_followed(tmp_path: Path) -> None:
    """The layout is no way out: not to another repository, and not through a `blobs` that is a link."""
    revision = _cache(tmp_path)
    (tmp_path / "models--other--name" / "blobs").mkdir(parents=True)
    (tmp_path / "models--other--name" / "blobs" / "secret").write_bytes(b"secret")
    (revision / "other").symlink_to("../../../models--other--name/blobs/secret")
    assert [left.name for left in _resolve(revision).left_alone] == ["other"]
    blobs = revision.parent.parent / "blobs"
    blobs.rename(tmp_path / "elsewhere")
    blobs.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadReference, match="holds no file"):
        _resolve(revision)


def test_a_whole_cached_repository_is_refused(tmp_path: Path) -> None:
    """It holds every file twice and perhaps several revisions; the hint names one."""
    revision = _cache(tmp_path)
    with pytest.raises(BadReference, match="not one revision") as caught:
        _resolve(revision.parent.parent)
    assert caught.value.hint == f"give the revision: `{revision}`"


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    """Pipes and sockets are never opened; version control and download logs are one entry each."""
    folder = _model(tmp_path / "model")
    os.mkfifo(folder / "pipe")
    (folder / ".git" / "objects").mkdir(parents=True)
    (folder / ".git" / "objects" / "pack").write_bytes(b"abc")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "log").write_bytes(b"abc")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        artefact = _resolve(folder)
    assert [file.name for file in artefact.files] == ["config.json"]
    assert [left.name for left in artefact.left_alone] == [".cache/huggingface", ".git", "pipe", "socket"]
    assert artefact.left_alone[2].reason == "is a named pipe, not a file"
    assert artefact.left_alone[3].reason == "is a socket, not a file"


def test_a_name_that_is_not_utf8_is_left_alone(tmp_path: Path) -> None:
    """Such a name can be in no digest; it is recorded in escapes."""
    folder = _model(tmp_path / "model")
    Path(os.fsdecode(bytes(folder) + b"/\xff.bin")).write_bytes(b"abc")
    assert _resolve(folder).left_alone == (NotInspected("\\xff.bin", "its name is not valid UTF-8"),)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped folder is refused before an hour of hashing; the limit is lowered for the test."""
    folder = _model(tmp_path / "model")
    for number in range(20):
        (folder / f"{number}").touch()
    monkeypatch.setattr(walk, "MAX_ENTRIES", 20)
    with pytest.raises(BadReference, match="holds more than 20 files and folders"):
        _resolve(folder)


def test_names_that_fill_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long paths and long targets of links count, and text outside ASCII as four bytes; the limit is lowered."""
    monkeypatch.setattr(walk, "MAX_NAME_BYTES", 500)
    kinds = {"ascii": ("x" * 240, None), "wide": ("模" * 60, None), "links": ("x", "y" * 240)}
    for kind, (stem, target) in kinds.items():
        folder = _model(tmp_path / kind)
        assert _resolve(folder).files
        for number in range(3):
            path = folder / f"{stem}{number}"
            path.symlink_to(target) if target else path.touch()
        with pytest.raises(BadReference, match=r"the names of the files in .* take more than"):
            _resolve(folder)


def test_a_folder_of_models_is_refused(tmp_path: Path) -> None:
    """Weighed together they would be one digest of several models; the hint names the first."""
    _model(tmp_path / "all" / "model-b")
    _model(tmp_path / "all" / "model-a")
    (tmp_path / "all" / "index.csv").touch()
    with pytest.raises(BadReference, match="is a folder of models, not a model") as caught:
        _resolve(tmp_path / "all")
    assert caught.value.hint == f"weigh one of them, for example `{tmp_path}/all/model-a`"


@pytest.mark.parametrize("other", ["config.json", "model_index.json", "model.gguf", "tokenizer/vocab.txt"])
def test_a_model_with_parts_is_no_folder_of_models(tmp_path: Path, other: str) -> None:
    """A pooling layer or a text encoder has a `config.json` of its own below the model's."""
    folder = tmp_path / "model"
    _model(folder / "1_Pooling")
    (folder / other).parent.mkdir(exist_ok=True)
    (folder / other).touch()
    assert len(_resolve(folder).files) == 2


def test_a_missing_folder_names_its_neighbour(tmp_path: Path) -> None:
    """A typing error costs one look."""
    _model(tmp_path / "qwen3-8b")
    with pytest.raises(NotFound, match="was not found") as caught:
        _resolve(tmp_path / "qwen3-8")
    assert caught.value.hint == "did you mean `qwen3-8b`?"
    with pytest.raises(NotFound) as caught:
        _resolve(tmp_path / "no" / "such" / "place")
    assert caught.value.hint is not None


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """The digest of nothing names nothing."""
    with pytest.raises(BadReference, match="holds no file that can be read"):
        _resolve(tmp_path)


def test_a_file_of_another_kind_is_no_folder(tmp_path: Path) -> None:
    """A single file of a model is pinned as one, whatever its format; bytes that say nothing under such a name not."""
    (tmp_path / "model.safetensors").write_bytes(b"abc")
    artefact = _resolve(tmp_path / "model.safetensors")
    assert (artefact.reference.kind, [file.name for file in artefact.files]) == ("file", ["model.safetensors"])
    (tmp_path / "blob").write_bytes(bytes(range(256)))
    with pytest.raises(BadReference, match="is of no format that is read here"):
        _resolve(tmp_path / "blob")


def test_a_gguf_file_is_pinned(tmp_path: Path) -> None:
    """One file, named by its stem; the weights beside it do not count. A link that was typed is followed."""
    (tmp_path / "tiny.Q4_1.gguf").write_bytes(b"GGUF\x03")
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "tiny.Q4_1.gguf").symlink_to("../tiny.Q4_1.gguf")
    artefact = _resolve(tmp_path / "tiny.Q4_1.gguf")
    assert artefact.name == "tiny.Q4_1"
    assert artefact.root == str(tmp_path)
    assert [(file.name, file.size) for file in artefact.files] == [("tiny.Q4_1.gguf", 5)]
    assert _resolve(tmp_path / "links" / "tiny.Q4_1.gguf").digest == artefact.digest


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer", "git lfs pull"),
        (b"<!DOCTYPE html>", "looks like a web page", "download the file again"),
    ],
)
def test_what_is_no_file_of_a_model_is_refused(tmp_path: Path, data: bytes, message: str, hint: str) -> None:
    """The first bytes decide, before anything is hashed; the hint says what it may be."""
    (tmp_path / "model.gguf").write_bytes(data)
    with pytest.raises(BadReference, match=message) as caught:
        _resolve(tmp_path / "model.gguf")
    assert hint in (caught.value.hint or "")


def test_a_pipe_or_a_folder_named_gguf_is_refused(tmp_path: Path) -> None:
    """Neither is opened and waited for."""
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(BadReference, match="cannot be read: not a regular file"):
        _resolve(tmp_path / "pipe.gguf")
    (tmp_path / "folder.gguf").mkdir()
    with pytest.raises(BadReference, match="is a folder"):
        _resolve(tmp_path / "folder.gguf")
