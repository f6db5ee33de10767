"""A small model on a hub of our own, and a mirror of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from weighbridge.core.progress import silent
from weighbridge.hub.mirror import part
from weighbridge.hub.remote.patience import Patience
from weighbridge.workflow.mirror import Asked, Mirrored, mirror

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.testing.hub_server import HubServer

PIECE = 64 << 10
SIZE = 10 * PIECE + 123


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for small pieces, and wait for nothing."""
    monkeypatch.setattr(part, "PIECE_BYTES", PIECE)
    monkeypatch.setattr(Patience, "_own_wait_s", lambda *_: 0.001)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Publish `acme/tiny`: weights of eleven pieces, small files, an empty one, one content under two names."""
    folder = tmp_path / "hub" / "acme" / "tiny"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(np.random.default_rng(7).bytes(SIZE))
    (folder / "other.safetensors").write_bytes(np.random.default_rng(8).bytes(SIZE // 2))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# tiny\n")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "sub" / "a.bin").write_bytes(b"the same" * 99)
    (folder / "sub" / "b.bin").write_bytes(b"the same" * 99)
    return tmp_path / "hub"


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mirrored]:
    """Return a function that mirrors from a hub into `tmp_path/mirror`."""

    def run(hub: HubServer, reference: str = "hf:acme/tiny", **asked: object) -> Mirrored:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
        wanted = Asked(reference, str(asked.pop("to", tmp_path / "mirror")), **asked)  # type: ignore[arg-type]
        return mirror(wanted, None, silent)

    return run
