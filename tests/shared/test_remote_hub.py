from __future__ import annotations

import csv
import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.progress import silent
from weighbridge.core.reference import Reference
from weighbridge.errors import NotFound, UsageError
from weighbridge.formats.safetensors import read_header
from weighbridge.hub.huggingface import HuggingFaceHub
from weighbridge.hub.modelscope import ModelScopeHub
from weighbridge.hub.remote.account import declared_bytes
from weighbridge.hub.remote.listing import Facts, RemoteFile
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.testing.tiny_weights import safetensors_raw

if TYPE_CHECKING:
    from weighbridge.core.artefact import Artefact

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
TOOLS, HUB = SHARED / "tools", SHARED / "data" / "hub"
SHARDS, EACH = 163, 4_200_000_000
HUBS: dict[str, type[HuggingFaceHub | ModelScopeHub]] = {"hf": HuggingFaceHub, "ms": ModelScopeHub}
BOTH = pytest.mark.parametrize("kind", HUBS)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (TOOLS / "stub_hub.py").is_file(), reason=f"{TOOLS} is absent"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the stub leaves its sockets to the collector
]


def _stub(root: Path, *faults: str, **options: Any) -> Any:
    """Start the shared stub of both hubs."""
    sys.path.insert(0, str(TOOLS))
    try:
        stub, web = importlib.import_module("stub_hub"), importlib.import_module("stub_web")
    finally:
        sys.path.remove(str(TOOLS))
    return stub.StubHub(root, faults=[web.Fault.parse(text) for text in faults], **options)


def _publish(root: Path, shards: int, tensors: int, info: dict[str, Any] | None = None) -> Path:
    """Write `acme/big`, whose shards of 4.2 GB are headers and holes."""
    folder = root / "acme" / "big"
    folder.mkdir(parents=True)
    sizes, size = {}, EACH // tensors
    for number in range(1, shards + 1):
        name = f"model-{number:05d}-of-{shards:06d}.safetensors"
        header = {
            f"model.layers.{number}.mlp.experts.{at}.down_proj.weight": {
                "dtype": "F8_E4M3", "shape": [size], "data_offsets": [at * size, (at + 1) * size]
            }
            for at in range(tensors)
        }  # fmt: skip
        data = safetensors_raw(json.dumps(header, separators=(",", ":")).encode())
        (folder / name).write_bytes(data)
        sizes[name] = {"size": len(data) + size * tensors, "sha256": f"{number:064x}"}
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / ".hub.json").write_text(json.dumps({"files": sizes, "info": info or {}}))
    return root


def _resolve(hub: Any, cache: Path, kind: str, token: str | None = None, revision: str = "") -> Artefact:
    settings = RemoteSettings(hub.url, token=token, cache=cache)
    return HUBS[kind](settings).resolve(Reference.parse(f"{kind}:acme/big{revision}"), None, silent)


def test_685_gigabytes_in_eight_megabytes_and_twenty_calls(tmp_path: Path) -> None:
    """163 shards: the exact bytes of all tensors, by the stub's own log of calls."""
    with _stub(_publish(tmp_path / "models", SHARDS, 300)) as hub:
        artefact = _resolve(hub, tmp_path / "cache", "hf")
        assert len(hub.requests) <= 20
    shadow = artefact.shadow
    assert shadow is not None
    assert artefact.total_bytes > 684_000_000_000
    assert shadow.wire_bytes <= 8_000_000
    names = [file.name for file in shadow.weights]
    assert (shadow.stored_bytes(names) or shadow.declared_bytes_of(names)) == SHARDS * EACH


@BOTH
def test_every_table_of_a_middling_model_is_read(tmp_path: Path, kind: str) -> None:
    """What fits into the budget is read whole, on both hubs, and no call to storage carries the token."""
    with _stub(_publish(tmp_path / "models", 12, 50)) as hub:
        artefact = _resolve(hub, tmp_path / "cache", kind, token="hf_stub")
        assert not any(call["authorized"] for call in hub.requests if call["host"] == "CdnHandler")
    assert artefact.shadow is not None
    assert all(file.is_table_read for file in artefact.shadow.weights)
    for file in artefact.shadow.weights:
        assert len(read_header(Path(str(artefact.root), file.name)).tensors) == 50


@BOTH
@pytest.mark.parametrize("fault", ["429,arg=1", "503", "reset", "truncate", "slow,arg=0.2"])
@pytest.mark.parametrize("where", [r"^GET /[0-9a-f]{64}", r"/api/", r"config\.json"])
def test_a_passing_fault_changes_nothing(tmp_path: Path, kind: str, fault: str, where: str) -> None:
    """The stub's faults, once each on storage, interface and small files: the artefact of a clean reading."""
    root = _publish(tmp_path / "models", 2, 5)
    with _stub(root) as hub:
        clean = _resolve(hub, tmp_path / "clean", kind)
    with _stub(root, f"kind={fault},match={where},count=1") as hub:
        assert _resolve(hub, tmp_path / "faulty", kind).digest == clean.digest


def test_corrupted_bytes_are_not_kept(tmp_path: Path) -> None:
    """A small file is checked against its digest, a header against its form; once damaged, both are read again."""
    root = _publish(tmp_path / "models", 2, 5)
    with _stub(
        root, "kind=corrupt,match=resolve-cache,count=1", "kind=corrupt,match=^GET /[0-9a-f]{64},count=1"
    ) as hub:
        artefact = _resolve(hub, tmp_path / "cache", "hf")
    assert Path(str(artefact.root), "config.json").read_text() == '{"model_type": "llama"}'
    assert artefact.shadow is not None
    assert artefact.shadow.stored_bytes(file.name for file in artefact.shadow.weights) == 2 * EACH


def test_a_branch_that_moves_midway_is_pinned(tmp_path: Path) -> None:
    """The commit that `main` named at first is the one that is read, to the end."""
    root = _publish(tmp_path / "models", 1, 5)
    old = root / "acme" / "big" / ".history" / "01"
    old.mkdir(parents=True)
    (old / "config.json").write_text('{"model_type": "old"}')
    with _stub(root, move_main_after=1) as hub:
        artefact = _resolve(hub, tmp_path / "cache", "hf")
    assert [file.name for file in artefact.files] == ["config.json"]
    assert Path(str(artefact.root), "config.json").read_text() == '{"model_type": "old"}'


def test_gated_private_and_missing(tmp_path: Path) -> None:
    """Without a token: what to do. With it: the model."""
    with _stub(_publish(tmp_path / "gated", 1, 5, {"gated": "manual"})) as hub:
        with pytest.raises(UsageError, match="is gated"):
            _resolve(hub, tmp_path / "one", "hf")
        shadow = _resolve(hub, tmp_path / "two", "hf", token="hf_stub").shadow
        assert shadow is not None
        assert shadow.gated == "manual"
    with _stub(_publish(tmp_path / "private", 1, 5, {"private": True})) as hub:
        with pytest.raises(NotFound, match="was not found"):
            _resolve(hub, tmp_path / "three", "hf")
        with pytest.raises(NotFound, match="was not found"):
            _resolve(hub, tmp_path / "three", "ms")
        shadow = _resolve(hub, tmp_path / "four", "hf", token="hf_stub").shadow
        assert shadow is not None
        assert shadow.is_private
    with (
        _stub(_publish(tmp_path / "disabled", 1, 5, {"disabled": True})) as hub,
        pytest.raises(NotFound, match="disabled"),
    ):
        _resolve(hub, tmp_path / "five", "hf")


def test_the_real_sizes_of_deepseek_r1_agree_with_the_hubs_count() -> None:
    """163 real files (Git LFS pointers of deepseek-ai/DeepSeek-R1), and the elements that the hub counts by type.

    R1 has the tensors of V3: 91,991, 684,531,386,000 elements in all. What the sizes leave for headers is some 120
    bytes a tensor, as an entry of a header takes.
    """
    with (HUB / "deepseek-ai__DeepSeek-R1" / "lfs_pointers.csv").open(encoding="utf-8") as text:
        rows = [row for row in csv.DictReader(text) if row["path"].endswith(".safetensors")]
    files = [RemoteFile(row["path"], int(row["size_bytes"]), row["sha256"]) for row in rows]
    counts = (("BF16", 3_918_786_560), ("F32", 41_555_600), ("F8_E4M3", 680_571_043_840))
    declared = declared_bytes(Facts(elements_by_dtype=counts), files)
    assert declared is not None
    assert 100 < (sum(file.size for file in files) - declared) / 91_991 < 150
