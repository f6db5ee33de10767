"""Models that lie in folders: weights, adapters, caches of hubs and programs, as their clients write them."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from typing import TYPE_CHECKING

import pytest
from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from weighbridge.core.finding import Confidence
from weighbridge.errors import NotFound
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.search import Search
from weighbridge.knowledge.load import load_knowledge
from weighbridge.testing.tiny_weights import gguf_bytes, safetensors_bytes

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "a" * 40


def put(path: Path, data: bytes | str = b"") -> Path:
    """Write a file with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def config(architecture: str = "Qwen3ForCausalLM", **more: object) -> str:
    """Return a config.json."""
    return json.dumps({"architectures": [architecture], "model_type": "qwen3", **more})


def weights() -> bytes:
    """Return a small sound safetensors file."""
    return safetensors_bytes({"w": ("F32", (2, 2), 16)})


def gguf(**metadata: object) -> bytes:
    """Return a small sound GGUF file; `_` in keys stands for a dot."""
    return gguf_bytes({key.replace("__", "."): value for key, value in metadata.items()})


def search(root: Path) -> tuple[list[Found], list[Unsearched]]:
    """Return all that a search of a folder yields."""
    found = list(Search(root, load_knowledge()))
    return [one for one in found if isinstance(one, Found)], [one for one in found if isinstance(one, Unsearched)]


def only(root: Path) -> Found:
    """Return the one model of a folder, where nothing was left unsearched."""
    found, unsearched = search(root)
    assert unsearched == []
    assert len(found) == 1, found
    return found[0]


def test_shards_beside_a_config_are_one_model(tmp_path: Path) -> None:
    """Weights in several files are one model, whose card gives bases and licence."""
    folder = tmp_path / "our-model"
    put(folder / "config.json", config())
    sizes = [len(weights())] * 3
    for number in range(1, 4):
        put(folder / f"model-{number:05d}-of-00003.safetensors", weights())
    put(folder / "README.md", "---\nlicense: other\nlicense_name: qwen\nbase_model:\n- Qwen/Qwen3-8B-Base\n---\n# x\n")
    one = only(tmp_path)
    assert (one.way, one.name, one.confidence) == ("weights", "our-model", Confidence.HIGH)
    assert (one.bases, one.licence, one.architecture) == (("Qwen/Qwen3-8B-Base",), "qwen", "Qwen3ForCausalLM")
    assert one.n_bytes == sum(sizes)
    assert one.folder == str(folder)


def test_folders_named_by_a_known_maker_give_the_reference(tmp_path: Path) -> None:
    """`Qwen/Qwen3-8B` and text-generation-webui's `Qwen_Qwen3-8B` are references; `data/stuff` is none."""
    for name in ("a/Qwen/Qwen3-8B", "b/Qwen_Qwen3-4B", "data/stuff"):
        put(tmp_path / name / "config.json", config())
        put(tmp_path / name / "model.safetensors", weights())
    found, _ = search(tmp_path)
    assert {one.reference for one in found} == {"hf:Qwen/Qwen3-8B", "hf:Qwen/Qwen3-4B", ""}


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    """An adapter is found with the base that it is for."""
    put(tmp_path / "lora" / "adapter_config.json", '{"base_model_name_or_path": "Qwen/Qwen3-8B", "peft_type": "LORA"}')
    put(tmp_path / "lora" / "adapter_model.safetensors", weights())
    one = only(tmp_path)
    assert one.bases == ("Qwen/Qwen3-8B",)
    assert "LORA" in one.detail


def test_a_gguf_file_says_what_it_is(tmp_path: Path) -> None:
    """The head of a GGUF file gives name, base, architecture and licence; parts are one, a projector is a companion."""
    head = {
        "general__architecture": "qwen2",
        "general__name": "DeepSeek R1 Distill",
        "general__license": "mit",
        "general__base_model__count": 1,
        "general__base_model__0__name": "DeepSeek R1 Distill Qwen 7B",
        "general__base_model__0__repo_url": "https://huggingface.co/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
    }
    for part in (1, 2):
        put(tmp_path / f"r1-q4-{part:05d}-of-00002.gguf", gguf(**head))
    put(tmp_path / "mmproj-r1.gguf", gguf(general__architecture="clip"))
    one = only(tmp_path)
    assert (one.name, one.architecture, one.licence) == ("DeepSeek R1 Distill", "qwen2", "mit")
    assert one.bases == ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",)
    assert "2 parts" in one.detail
    assert "mmproj-r1.gguf" in one.detail


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": config()}, "without weights"),
        ({"tokenizer.json": "{}", "tokenizer_config.json": "{}"}, "tokenizer"),
        ({"net.onnx": b"\x08\x07\x12\x00\0"}, "possibly"),
        ({"llm.engine": b"\0\1\2"}, "possibly"),
        ({"weird.gguf": b"not a header"}, "cannot be read"),
        ({"mmproj-x.gguf": gguf(general__architecture="clip")}, "companion"),
    ],
)
def test_what_may_be_a_model_is_said_with_low_confidence(tmp_path: Path, files: dict[str, str], said: str) -> None:
    """A bare config, a tokenizer, ONNX, TensorRT, a damaged file: possible, never sure."""
    for name, data in files.items():
        put(tmp_path / "x" / name, data)
    one = only(tmp_path)
    assert one.confidence is Confidence.LOW
    assert said in one.detail


@pytest.mark.parametrize("name", ["package.json", "config.json", "data.bin", "easy-install.pth", "photo.npz"])
def test_other_files_are_no_models(tmp_path: Path, name: str) -> None:
    """A config of another program, path files of Python and any `.bin` are nothing."""
    put(tmp_path / name, '{"name": "x", "version": "1"}')
    assert search(tmp_path) == ([], [])


def test_git_lfs_pointers_give_digest_and_size(tmp_path: Path) -> None:
    """A clone without its large files still says which weights it stands for, and which commit it is."""
    folder = tmp_path / "clone"
    digest = hashlib.sha256(b"x").hexdigest()
    put(folder / "config.json", config())
    put(folder / "model.safetensors", f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 99\n")
    put(folder / ".git/config", '[remote "origin"]\n\turl = https://huggingface.co/Qwen/Qwen3-8B\n')
    put(folder / ".git/HEAD", "ref: refs/heads/main\n")
    put(folder / ".git/refs/heads/main", f"{COMMIT}\n")
    one = only(tmp_path)
    assert (one.digest, one.n_bytes, one.confidence) == (f"sha256:{digest}", 99, Confidence.MEDIUM)
    assert one.reference == f"hf:Qwen/Qwen3-8B@{COMMIT}"


def hub_cache(root: Path, model: str, *, commit: str = COMMIT, with_blob: bool = True) -> Path:
    """Lay out a model as huggingface_hub does: blobs by digest, snapshots of links, refs."""
    folder = root / repo_folder_name(repo_id=model, repo_type="model")
    digest = hashlib.sha256(weights()).hexdigest()
    if with_blob:
        put(folder / "blobs" / digest, weights())
    put(folder / "blobs" / ("c" * 40), config())
    snapshot = folder / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to(f"../../blobs/{digest}")
    (snapshot / "config.json").symlink_to(f"../../blobs/{'c' * 40}")
    put(folder / "refs" / "main", commit)
    return folder


def test_a_hugging_face_cache_gives_commit_and_digest(tmp_path: Path) -> None:
    """A snapshot is a reference pinned to its commit, and the name of its blob is the digest."""
    assert constants.REPO_ID_SEPARATOR == "--"
    hub_cache(tmp_path / "hub", "Qwen/Qwen3-8B")
    one = only(tmp_path)
    assert (one.way, one.name, one.reference) == ("cache", "Qwen/Qwen3-8B", f"hf:Qwen/Qwen3-8B@{COMMIT}")
    assert one.digest == f"sha256:{hashlib.sha256(weights()).hexdigest()}"
    assert (one.confidence, one.architecture, one.n_bytes) == (Confidence.HIGH, "Qwen3ForCausalLM", len(weights()))


def test_a_snapshot_itself_may_be_searched(tmp_path: Path) -> None:
    """The files of a snapshot are links to blobs above it, which belong to the same model."""
    one = only(hub_cache(tmp_path / "hub", "Qwen/Qwen3-8B") / "snapshots" / COMMIT)
    assert (one.reference, one.n_bytes) == (f"hf:Qwen/Qwen3-8B@{COMMIT}", len(weights()))


def test_every_revision_in_a_cache_is_found(tmp_path: Path) -> None:
    """Two commits are two findings; data sets in the same cache are none."""
    hub_cache(tmp_path, "Qwen/Qwen3-8B")
    hub_cache(tmp_path, "Qwen/Qwen3-8B", commit="b" * 40)
    put(tmp_path / "datasets--openai--gsm8k" / "refs" / "main", "d" * 40)
    found, _ = search(tmp_path)
    assert {one.reference[-1] for one in found} == {"a", "b"}


def test_a_half_download_is_said(tmp_path: Path) -> None:
    """Broken links and `.incomplete` blobs are a model that was meant to be here, with low confidence."""
    folder = hub_cache(tmp_path, "Qwen/Qwen3-8B", with_blob=False)
    put(folder / "blobs" / "x.incomplete", b"\0" * 100)
    one = only(tmp_path)
    assert one.confidence is Confidence.LOW
    assert "half downloaded" in one.detail
    assert "1 links lead nowhere" in one.detail


@pytest.mark.parametrize(
    ("folder", "reference"),
    [
        ("modelscope/models/Qwen--Qwen3-8B/snapshots/master", "ms:Qwen/Qwen3-8B@master"),
        ("modelscope/hub/models/Qwen/Qwen3___5-0___8B", "ms:Qwen/Qwen3.5-0.8B"),
        (".lmstudio/models/lmstudio-community/Qwen3-8B-Instruct", "hf:lmstudio-community/Qwen3-8B-Instruct"),
        (".cache/lm-studio/models/acme/Own-7B", "hf:acme/Own-7B"),
    ],
)
def test_stores_name_models_by_their_folders(tmp_path: Path, folder: str, reference: str) -> None:
    """ModelScope's old and new layouts (modelscope_hub 0.5.1, `_download.py`) and LM Studio's are read."""
    put(tmp_path / folder / "config.json", config())
    put(tmp_path / folder / "model.safetensors", weights())
    one = only(tmp_path)
    assert (one.way, one.reference) == ("cache", reference)


def test_llama_cpp_names_models_by_their_files(tmp_path: Path) -> None:
    """`MAKER_REPOSITORY_FILE.gguf` in llama.cpp's cache gives the repository."""
    name = "ggml-org_gemma-3-4b-it-GGUF_gemma-3-4b-it-Q4_K_M.gguf"
    put(tmp_path / ".cache/llama.cpp" / name, gguf(general__architecture="gemma3"))
    assert only(tmp_path).reference == "hf:ggml-org/gemma-3-4b-it-GGUF"


def ollama(root: Path, path: str, head: bytes, licence: str = "MIT License\n...") -> str:
    """Lay out a model as Ollama does; return the digest of its weights."""
    layers = []
    for kind, data in (("model", head), ("license", licence.encode())):
        digest = hashlib.sha256(data).hexdigest()
        put(root / "blobs" / f"sha256-{digest}", data)
        layers.append(
            {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}
        )
    put(root / "manifests" / path, json.dumps({"schemaVersion": 2, "layers": layers}))
    return str(layers[0]["digest"])


def test_an_ollama_store_is_read_through_its_manifests(tmp_path: Path) -> None:
    """Name and tag, digest of the weights, licence layer, and what the weights call themselves."""
    root = tmp_path / ".ollama/models"
    head = gguf(general__architecture="qwen2", general__name="DeepSeek R1 Distill Qwen 7B")
    digest = ollama(root, "registry.ollama.ai/library/deepseek-r1/7b", head)
    one = only(tmp_path)
    assert (one.way, one.name, one.digest) == ("cache", "deepseek-r1:7b", digest)
    assert (one.licence, one.architecture, one.n_bytes) == ("MIT License", "qwen2", len(head))
    assert "DeepSeek R1 Distill Qwen 7B" in one.detail


def test_ollama_models_from_a_hub_keep_their_reference(tmp_path: Path) -> None:
    """`ollama pull hf.co/maker/name:quant` is a reference; a private registry is part of the name."""
    root = tmp_path / "models"
    ollama(root, "hf.co/bartowski/Qwen3-8B-GGUF/Q4_K_M", gguf(general__name="a"))
    ollama(root, "registry.acme.example/team/own/latest", gguf(general__name="b"))
    found, _ = search(tmp_path)
    assert {(one.name, one.reference) for one in found} == {
        ("hf.co/bartowski/Qwen3-8B-GGUF:Q4_K_M", "hf:bartowski/Qwen3-8B-GGUF:Q4_K_M"),
        ("registry.acme.example/team/own:latest", ""),
    }


def test_blobs_that_no_manifest_names_are_found(tmp_path: Path) -> None:
    """Weights that `ollama rm` left are still weights."""
    root = tmp_path / "models"
    ollama(root, "registry.ollama.ai/library/qwen3/8b", gguf(general__name="Qwen3 8B"))
    stray = gguf(general__name="Left behind")
    put(root / "blobs" / f"sha256-{hashlib.sha256(stray).hexdigest()}", stray)
    found, _ = search(tmp_path)
    assert {one.name for one in found} == {"qwen3:8b", "Left behind"}


def test_texts_beside_a_model_speak_of_it(tmp_path: Path) -> None:
    """A card names other models in its examples: with low confidence; its config is no configuration of ours."""
    folder = tmp_path / "m"
    put(folder / "config.json", config(_name_or_path="meta-llama/Llama-3.1-8B"))
    put(folder / "model.safetensors", weights())
    put(folder / "README.md", '```\nAutoModel.from_pretrained("google/gemma-2b")\n```\n')
    put(tmp_path / "app.py", 'LLM(model="Qwen/Qwen3-8B")')
    found, _ = search(tmp_path)
    sure = {one.name: one.confidence for one in found}
    assert sure == {"m": Confidence.HIGH, "google/gemma-2b": Confidence.LOW, "Qwen/Qwen3-8B": Confidence.HIGH}


def test_installed_packages_are_searched_for_weights_only(tmp_path: Path) -> None:
    """Libraries name models in examples; what was not read is said."""
    put(tmp_path / "lib/site-packages/x/m.py", 'from_pretrained("google/gemma-2b")')
    put(tmp_path / "lib/site-packages/x/w.gguf", gguf(general__name="Shipped"))
    found, unsearched = search(tmp_path)
    assert [one.name for one in found] == ["Shipped"]
    assert [one.reason for one in unsearched] == ["holds installed packages, whose texts are not read"]


def test_archives_in_packages_are_counted_a_folder(tmp_path: Path) -> None:
    """An archive among installed packages may hold anything: one line a folder says how many were not opened."""
    for name in ("a/data.zip", "a/b/more.tar.gz"):
        put(tmp_path / "web/node_modules" / name)
    put(tmp_path / "go/vendor/one.7z")
    _, unsearched = search(tmp_path)
    said = {one.place: one.reason for one in unsearched if "opened" in one.reason}
    assert said == {
        str(tmp_path / "web/node_modules"): "holds installed packages with 2 archives that were not opened",
        str(tmp_path / "go/vendor"): "holds installed packages with an archive that was not opened",
    }


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Pipes, sockets, links that leave or turn in a circle, odd names, a file of a terabyte: none stops the search."""
    root = tmp_path / "root"
    put(tmp_path / "outside/secret.py", 'LLM(model="Qwen/Qwen3-8B")')
    put(root / "a/b.txt", "x")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    (root / "up").symlink_to("..", target_is_directory=True)
    os.mkfifo(root / "pipe.py")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(root / "s.json"))
    (root / os.fsdecode(b"caf\xe9.py")).write_bytes(b'LLM(model="Qwen/Qwen3-4B")')
    with (root / "huge.json").open("wb") as file:
        file.truncate(1 << 40)
    found, unsearched = search(root)
    assert [(one.name, one.place.rsplit("/", 1)[1]) for one in found] == [("Qwen/Qwen3-4B", "caf\\xe9.py:1")]
    said = {one.place.rsplit("/", 1)[1]: one.reason for one in unsearched}
    assert "leads out" in said["out"]
    assert "circle" in said["loop"]
    assert "pipe" in said["pipe.py"]
    assert "socket" in said["s.json"]
    assert "no text" in said["huge.json"]


def test_folders_may_lie_deeper_than_a_path_is_long(tmp_path: Path) -> None:
    """A tree deeper than the bound ends there, and says so."""
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("deep-folder", dir_fd=at)
        at, before = os.open("deep-folder", os.O_RDONLY, dir_fd=at), at
        os.close(before)
    os.close(at)
    found, unsearched = search(tmp_path)
    assert found == []
    assert len(unsearched) == 1
    assert "deeper" in unsearched[0].reason


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A wrong path is told before anything is searched."""
    with pytest.raises(NotFound):
        Search(tmp_path / "nowhere", load_knowledge())
