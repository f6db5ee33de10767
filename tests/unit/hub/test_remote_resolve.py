from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.progress import silent
from weighbridge.core.reference import Reference
from weighbridge.errors import BadReference, HubUnreachable, NotFound, UsageError
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.safetensors import read_header
from weighbridge.hub.folder import FolderHub
from weighbridge.hub.huggingface import HuggingFaceHub
from weighbridge.hub.modelscope import ModelScopeHub
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.testing.hub_laws import CountingProgress
from weighbridge.testing.hub_server import Fault, HubServer
from weighbridge.testing.tiny_weights import Row, gguf_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.core.artefact import Artefact

GIGABYTE = 1_000_000_000
HUBS: dict[str, type[HuggingFaceHub | ModelScopeHub]] = {"hf": HuggingFaceHub, "ms": ModelScopeHub}
BOTH = pytest.mark.parametrize("kind", ["hf", "ms"])


def _resolve(hub: HubServer, cache: Path, kind: str = "hf", *, budget: int = 8_000_000, token: str = "") -> Artefact:
    settings = RemoteSettings(hub.url, token=token or None, cache=cache, budget_bytes=budget)
    return HUBS[kind](settings).resolve(Reference.parse(f"{kind}:acme/big"), None, silent)


@BOTH
def test_a_model_of_gigabytes_is_read_from_its_headers(publish: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    """The stand-ins have the true size and the true header, and take no room; the bytes of all tensors are exact."""
    with HubServer(publish(shards=2)) as hub:
        artefact = _resolve(hub, tmp_path / "cache", kind)
    assert artefact.is_partial
    assert artefact.shadow is not None
    names = [file.name for file in artefact.shadow.weights]
    assert names == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert artefact.shadow.stored_bytes(names) == 2 * GIGABYTE
    assert artefact.shadow.wire_bytes < 100_000
    for name in names:
        path = tmp_path / "cache" / str(artefact.root) / name
        assert path.stat().st_size > GIGABYTE
        assert path.stat().st_blocks * 512 < 100_000
        assert [tensor.n_bytes for tensor in read_header(path).tensors] == [GIGABYTE // 2] * 2


@BOTH
def test_small_files_are_whole_and_hashed_here(publish: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    """What is fetched has the SHA-256 of its bytes, computed here where the hub states none."""
    with HubServer(publish()) as hub:
        artefact = _resolve(hub, tmp_path / "cache", kind)
    known = {file.name: file.sha256 for file in artefact.files}
    assert known["config.json"] == hashlib.sha256(b'{"model_type": "llama"}').hexdigest()
    assert (tmp_path / str(artefact.root) / "LICENSE").read_bytes() == b"MIT"


def test_the_digest_is_that_of_a_local_copy(publish: Callable[..., Path], tmp_path: Path) -> None:
    """Where every file's SHA-256 is known, a model has one identity, on its hub and in a folder."""
    root = publish(shards=1)
    (root / "acme/big/sizes.json").unlink()
    with HubServer(root) as hub:
        artefact = _resolve(hub, tmp_path / "cache")
    local = FolderHub().resolve(Reference.parse(str(root / "acme/big")), None, silent)
    assert artefact.files == local.files
    assert artefact.digest == local.digest


def test_what_stays_on_the_hub_is_named(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A file without a SHA-256 is left alone under its git id; one with it is pinned, and said to be unread."""
    with HubServer(publish(others={"tokenizer.json": b"{}", "pytorch_model.bin": b"\x80\x04."})) as hub:
        artefact = _resolve(hub, tmp_path / "cache")
        left = {entry.name: entry.reason for entry in artefact.left_alone}
        assert left == {
            "tokenizer.json": f"stays on the hub: 2 bytes, git blob {hub.oid('acme/big', 'tokenizer.json')}"
        }
    assert artefact.shadow is not None
    assert artefact.shadow.unread == ("pytorch_model.bin",)
    assert "pytorch_model.bin" in {file.name for file in artefact.files}


@BOTH
def test_a_second_run_asks_for_the_listing_alone(publish: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    """What an earlier run read of a commit is not read again, and the artefact is the same."""
    with HubServer(publish()) as hub:
        first = _resolve(hub, tmp_path / "cache", kind)
        hub.seen.clear()
        second = _resolve(hub, tmp_path / "cache", kind)
        of_interfaces = ("/api/models", "/v1/models", "/api/organizations")
        assert all(any(path in seen.line for path in of_interfaces) for seen in hub.seen)
        assert not [seen for seen in hub.seen if seen.part or "/repo?" in seen.line]
    assert first == second


def test_a_killed_run_goes_on_where_it_was(publish: Callable[..., Path], tmp_path: Path) -> None:
    """After a storage that broke down half-way, only what is missing is read."""
    with HubServer(publish(shards=3), Fault("GET /acme/big/model-00003", status=404)) as hub:
        with pytest.raises(NotFound):
            _resolve(hub, tmp_path / "cache")
        hub.faults.clear()
        hub.seen.clear()
        artefact = _resolve(hub, tmp_path / "cache")
        assert not [seen for seen in hub.seen if "config.json" in seen.line]
    assert artefact.shadow is not None
    assert all(file.is_table_read for file in artefact.shadow.weights)


def test_two_processes_at_once_do_no_harm(publish: Callable[..., Path], tmp_path: Path) -> None:
    """Readings of one revision into one cache at the same time all come to the same."""
    found: list[Artefact] = []
    with HubServer(publish(shards=4)) as hub:
        threads = [threading.Thread(target=lambda: found.append(_resolve(hub, tmp_path / "cache"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 4
    assert all(artefact == found[0] for artefact in found)
    assert not list((tmp_path / "cache").rglob(".part-*"))


def test_of_many_shards_the_hubs_copy_of_the_headers_is_taken(publish: Callable[..., Path], tmp_path: Path) -> None:
    """One call gives all tables; they are marked as the hub's word, and tell the same sizes as the files do."""
    with HubServer(publish(shards=20), packs=True) as hub:
        artefact = _resolve(hub, tmp_path / "cache")
        assert not [seen for seen in hub.seen if seen.part]
        assert len(hub.seen) <= 12
    assert artefact.shadow is not None
    assert {file.source for file in artefact.shadow.weights} == {"hub"}
    names = [file.name for file in artefact.shadow.weights]
    assert artefact.shadow.stored_bytes(names) == 20 * GIGABYTE
    assert len(read_header(tmp_path / str(artefact.root) / names[7]).tensors) == 2


def test_a_copy_that_contradicts_a_files_size_is_not_taken(publish: Callable[..., Path], tmp_path: Path) -> None:
    """The hub's copy must leave room for just the header; else the file itself is asked."""
    root = publish(shards=8)
    lie = b'{"index": {}, "headers": {"model-00001-of-00008.safetensors": {"w": {"dtype": "U8", "shape": [9], '
    lie += b'"data_offsets": [0, 2000000000]}}}}'
    with HubServer(root, Fault("GET /api/models/acme/big/safetensors-metadata", body=lie)) as hub:
        artefact = _resolve(hub, tmp_path / "cache")
    assert artefact.shadow is not None
    assert {file.source for file in artefact.shadow.weights} == {"bytes"}
    assert artefact.shadow.stored_bytes(file.name for file in artefact.shadow.weights) == 8 * GIGABYTE


def test_where_tables_do_not_fit_the_bytes_are_exact_still(publish: Callable[..., Path], tmp_path: Path) -> None:
    """With a budget smaller than the headers each length is read: size - 8 - length, summed, is what is stored."""
    with HubServer(publish(shards=10, tensors=500)) as hub:
        artefact = _resolve(hub, tmp_path / "cache", "ms", budget=620_000)
    assert artefact.shadow is not None
    weights = artefact.shadow.weights
    assert 0 < sum(file.is_table_read for file in weights) < 10
    assert artefact.shadow.wire_bytes <= 620_000
    assert artefact.shadow.stored_bytes(file.name for file in weights) == 10 * GIGABYTE


def test_where_tables_do_not_fit_the_hubs_count_is_enough(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A count of elements that the sizes of the files agree with saves a call for each file."""
    with HubServer(publish(shards=30, tensors=500)) as hub:
        counting = CountingProgress()
        settings = RemoteSettings(hub.url, cache=tmp_path / "cache", budget_bytes=500_000)
        artefact = HuggingFaceHub(settings).resolve(Reference.parse("hf:acme/big"), None, counting)
        assert len(hub.seen) <= 20
    assert counting.done == counting.total == 30 + 4
    assert artefact.shadow is not None
    names = [file.name for file in artefact.shadow.weights]
    assert artefact.shadow.declared_bytes_of(names) == 30 * GIGABYTE
    assert artefact.shadow.stored_bytes(names) is None


def test_a_count_that_the_sizes_contradict_is_not_believed(publish: Callable[..., Path], tmp_path: Path) -> None:
    """Elements of packed or of other files do not add up; then nothing is declared."""
    root = publish(shards=8)
    with HubServer(root) as hub:
        info = f'{{"sha": "{hub.commit("acme/big")}", "safetensors": {{"parameters": {{"U8": 4000000000}}}}}}'
        hub.faults.append(Fault("GET /api/models/acme/big/?(\\?|revision)", body=info.encode()))
        artefact = _resolve(hub, tmp_path / "cache")
    assert artefact.shadow is not None
    assert artefact.shadow.declared_bytes is None


def test_a_gguf_table_behind_a_long_vocabulary_is_read(publish: Callable[..., Path], tmp_path: Path) -> None:
    """The header is read piece after piece until the table is whole, and no further than the next piece."""
    words = [f"word-{number:08d}" for number in range(60_000)]
    data = gguf_bytes({"general.architecture": "llama", "tokenizer.ggml.tokens": words}, [Row("w", (32,), 0, 128)])
    root = publish(shards=1)
    folder = root / "acme/big"
    for path in folder.glob("*.safetensors"):
        path.unlink()
    (folder / "model-Q8_0.gguf").write_bytes(data)
    (folder / "sizes.json").write_text('{"model-Q8_0.gguf": 5000000000}')
    with HubServer(root) as hub:
        artefact = _resolve(hub, tmp_path / "cache")
    header = read_gguf(tmp_path / str(artefact.root) / "model-Q8_0.gguf")
    assert [tensor.name for tensor in header.tensors] == ["w"]
    assert artefact.shadow is not None
    assert len(data) <= artefact.shadow.wire_bytes < len(data) + 2_500_000


def test_of_several_quantizations_none_is_chosen(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A folder of GGUF models is many models: their headers are not read, and all are pinned."""
    files = {f"model-Q{bits}_0.gguf": gguf_bytes({}, []) for bits in (4, 5, 8)}
    with HubServer(publish(shards=1, others=files)) as hub:
        artefact = _resolve(hub, tmp_path / "cache")
    assert artefact.shadow is not None
    assert set(artefact.shadow.unread) == set(files)


@pytest.mark.parametrize("part", ["Q8_0", "q8_0", "big-Q8_0.gguf"])
def test_one_of_several_quantizations_can_be_named(publish: Callable[..., Path], tmp_path: Path, part: str) -> None:
    """By its label or its file: its table is read, and the others are left alone."""
    files = {f"big-{label}.gguf": gguf_bytes({}, [Row("w", (32,), 0, 128)]) for label in ("Q4_K_M", "Q4_K_S", "Q8_0")}
    files["mmproj-big-f16.gguf"] = gguf_bytes({}, [])
    root = publish(shards=1, others=files)
    (root / "acme/big/model.safetensors").unlink()
    with HubServer(root) as hub:
        given = RemoteSettings(hub.url, cache=tmp_path)
        artefact = HuggingFaceHub(given).resolve(Reference.parse(f"hf:acme/big:{part}"), None, silent)
        for wrong, kind in (("Q5_0", NotFound), ("K_M", NotFound), ("Q", NotFound)):
            with pytest.raises(kind, match="has no GGUF model"):
                HuggingFaceHub(given).resolve(Reference.parse(f"hf:acme/big:{wrong}"), None, silent)
    assert artefact.shadow is not None
    assert [file.name for file in artefact.shadow.weights] == ["big-Q8_0.gguf"]
    assert [tensor.name for tensor in read_gguf(tmp_path / str(artefact.root) / "big-Q8_0.gguf").tensors] == ["w"]
    assert [left.name for left in artefact.left_alone] == ["big-Q4_K_M.gguf", "big-Q4_K_S.gguf"]


def test_the_next_page_is_asked_of_the_hub_itself(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A listing goes on by its cursor, at the endpoint that was given, whatever host the link names."""
    with HubServer(publish(others={f"extra/{number}.txt": b"x" for number in range(25)}), page=7) as hub:
        hub.link_host = "https://elsewhere.example"
        artefact = _resolve(hub, tmp_path / "cache", token="secret")
        assert len([seen for seen in hub.seen if "/tree/" in seen.line]) == 5
    assert len(artefact.left_alone) == 25


def test_the_token_stays_with_the_hub(publish: Callable[..., Path], tmp_path: Path) -> None:
    """Every call to the hub carries it, no call to its storage does, and no file of the cache holds it."""
    with HubServer(publish()) as hub:
        _resolve(hub, tmp_path / "cache", token="hf_secret")
        assert {seen.authorization for seen in hub.seen if seen.is_storage} == {""}
        assert {seen.authorization for seen in hub.seen if not seen.is_storage} == {"Bearer hf_secret"}
    texts = [
        path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size < 1e6
    ]
    assert texts
    assert not any(b"hf_secret" in text for text in texts)


def test_no_answer_about_files_is_packed(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A hub that packs its own answers is read as one that does not."""
    with HubServer(publish(), packs=True) as packing, HubServer(packing.root) as plain:
        assert _resolve(packing, tmp_path / "one").digest == _resolve(plain, tmp_path / "two").digest


@BOTH
def test_a_missing_model_is_not_found(publish: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    """The error names it; Hugging Face is asked what the same maker has."""
    with HubServer(publish()) as hub:
        settings = RemoteSettings(hub.url, cache=tmp_path)
        with pytest.raises(NotFound, match="was not found") as caught:
            HUBS[kind](settings).resolve(Reference.parse(f"{kind}:acme/bigg"), None, silent)
    assert "TOKEN" in (caught.value.hint or "")
    assert kind == "ms" or "did you mean `hf:acme/big`?" in (caught.value.hint or "")


def test_a_missing_revision_is_not_found(publish: Callable[..., Path], tmp_path: Path) -> None:
    """A revision that is not there is told from a model that is not there."""
    with HubServer(publish()) as hub, pytest.raises(NotFound, match="has no revision `v9`"):
        HuggingFaceHub(RemoteSettings(hub.url, cache=tmp_path)).resolve(Reference.parse("hf:acme/big@v9"), None, silent)


@pytest.mark.parametrize(("status", "have"), [(401, ""), (403, "hf_weak")])
def test_a_gated_model_says_what_to_do(publish: Callable[..., Path], tmp_path: Path, status: int, have: str) -> None:
    """Without a token, and with one that has no access: accept the terms, set the token."""
    gate = Fault("/resolve/", status=status, headers={"X-Error-Code": "GatedRepo"})
    with HubServer(publish(), gate) as hub, pytest.raises(UsageError, match="is gated") as caught:
        _resolve(hub, tmp_path, token=have)
    assert "HF_TOKEN" in (caught.value.hint or "")
    assert ("has no access" in caught.value.message) == bool(have)
    assert "hf_weak" not in f"{caught.value.message} {caught.value.hint}"


def test_offline_nobody_is_asked(publish: Callable[..., Path], tmp_path: Path) -> None:
    """The switch ends it before the first call."""
    with HubServer(publish()) as hub:
        settings = RemoteSettings(hub.url, cache=tmp_path, is_offline=True)
        with pytest.raises(HubUnreachable, match="offline"):
            HuggingFaceHub(settings).resolve(Reference.parse("hf:acme/big"), None, silent)
        assert not hub.seen


@pytest.mark.parametrize("text", ["hf:../..", "hf:acme/..", "ms:./x", "hf:acme/big@../../api", "hf:\u0430cme/big"])
def test_a_name_that_is_a_path_is_refused(publish: Callable[..., Path], tmp_path: Path, text: str) -> None:
    """Nobody is asked for it, and nothing is written for it."""
    with HubServer(publish()) as hub:
        settings = RemoteSettings(hub.url, cache=tmp_path / "cache")
        with pytest.raises(BadReference):
            HUBS[text[:2]](settings).resolve(Reference.parse(text), None, silent)
        assert not hub.seen
    assert not (tmp_path / "cache").exists()
