"""A hub with one publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.hub.catalogue.opening import CARD, PUBLISHED

from weighbridge.testing.hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """Serve two models of `acme`, and one of somebody else."""
    with HubServer(tmp_path / "hub") as server:
        files = {"README.md": CARD, "LICENSE": b"You may.", "config.json": b'{"model_type": "llama"}'}
        tokenizer = {"tokenizer_config.json": b'{"chat_template": "{{ messages }}"}', "pytorch_model.bin": b"\x80\x04."}
        server.write("acme/tiny", files | tokenizer, title="First", date=PUBLISHED)
        server.write("acme/old", {"README.md": b"# old"})
        server.write("other/thing", {"README.md": b"# thing"})
        yield server
