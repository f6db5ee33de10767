from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from weighbridge.core.progress import silent
from weighbridge.errors import HubChanged
from weighbridge.hub.mirror.check import check_mirror
from weighbridge.hub.remote.patience import Patience
from weighbridge.workflow.mirror import Asked, mirror

if TYPE_CHECKING:
    from weighbridge.workflow.mirror import Mirrored

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
TOOLS, HUB = SHARED / "tools", SHARED / "data" / "hub"
SIZE = 300_000
FAULTS = (
    "kind=429,arg=1,match=model.safetensors,count=2", "kind=503,count=3", "kind=reset,match=GET /[0-9a-f]{64},count=2",
    "kind=truncate,match=GET /[0-9a-f]{64},count=2", "kind=corrupt,match=GET /[0-9a-f]{64},count=1",
    "kind=html,match=model.safetensors,count=2", "kind=slow,arg=0.2,match=GET /[0-9a-f]{64},count=2",
)  # fmt: skip

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (TOOLS / "stub_hub.py").is_file(), reason=f"{TOOLS} is absent"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the stub leaves its sockets to the collector
]


def _stub(root: Path, *faults: str) -> Any:
    """Start the shared stub of both hubs."""
    sys.path.insert(0, str(TOOLS))
    try:
        stub, web = importlib.import_module("stub_hub"), importlib.import_module("stub_web")
    finally:
        sys.path.remove(str(TOOLS))
    return stub.StubHub(root, faults=[web.Fault.parse(text) for text in faults])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Publish `acme/tiny`, and wait for nobody."""
    folder = tmp_path / "hub" / "acme" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(np.random.default_rng(1).bytes(SIZE))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    monkeypatch.setattr(Patience, "_own_wait_s", lambda *_: 0.01)
    return tmp_path / "hub"


def _mirror(hub: Any, to: Path, monkeypatch: pytest.MonkeyPatch, kind: str = "hf") -> Mirrored:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
    return mirror(Asked(f"{kind}:acme/tiny", str(to)), None, silent)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["hf", "ms"])
def test_faults_of_the_stub_leave_the_same_copy(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, fault: str
) -> None:
    """Both hubs as the stub speaks them, with each fault that it knows: the bytes of the repository in the end."""
    with _stub(root, fault) as hub:
        done = _mirror(hub, tmp_path / "mirror", monkeypatch, kind)
    for path in (root / "acme" / "tiny").iterdir():
        assert Path(done.path, path.name).read_bytes() == path.read_bytes()
    assert check_mirror(Path(done.path)).holds


def test_the_hubs_own_client_takes_what_we_refuse(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Corrupted bytes of the right size: huggingface_hub keeps them without a word, and here is no mirror."""
    hub_client = pytest.importorskip("huggingface_hub")
    with _stub(root, "kind=corrupt,match=GET /[0-9a-f]{64}") as hub:
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        path = hub_client.hf_hub_download(
            "acme/tiny", "model.safetensors", endpoint=hub.url, local_dir=str(tmp_path / "theirs")
        )
        data = Path(path).read_bytes()
        assert len(data) == SIZE
        assert data != (root / "acme" / "tiny" / "model.safetensors").read_bytes()
        with pytest.raises(HubChanged, match=r"model\.safetensors"):
            _mirror(hub, tmp_path / "ours", monkeypatch)
    assert not list((tmp_path / "ours").rglob("model.safetensors"))
