"""A small world of two publishers, changed step by step, and a watch that never waits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import pytest

from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.hub.remote.patience import Patience
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.knowledge.load import load_knowledge
from weighbridge.testing.hub_server import HubServer
from weighbridge.testing.tiny_weights import safetensors_raw
from weighbridge.workflow.watch import Watcher, subscribe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.hub.catalogue.protocol import Catalogue

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def weights(last: int) -> bytes:
    """Return a safetensors file of four elements; files of another `last` have the same size."""
    header = json.dumps({"a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}})
    return safetensors_raw(header.encode()) + bytes([last]) * 8


def model(last: int = 0, card: str = "license: mit") -> dict[str, bytes | None]:
    """Return the files of a model."""
    return {
        "README.md": f"---\n{card}\n---\nA model".encode(),
        "config.json": b'{"model_type": "llama"}',
        "model.safetensors": weights(last),
        "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
        "LICENSE": b"MIT License",
    }


class World:
    """A hub, a workspace that follows it, and how they meet."""

    def __init__(self, hub: HubServer, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        self.known = load_knowledge()
        self.tries = 3

    def open(self, kind: Literal["hf", "ms"]) -> AbstractContextManager[Catalogue]:
        """Open a catalogue of the hub that never sleeps."""
        settings = RemoteSettings(self.hub.url, cache=self.folder / "cache")
        return open_catalogue(kind, settings, Patience(tries=self.tries, sleep=lambda _seconds: None))

    @property
    def watcher(self) -> Watcher:
        """Return what runs rounds here."""
        return Watcher(self.folder, self.known, open_hub=self.open, clock=lambda: NOW)

    def follow(self, *references: str) -> None:
        """Follow something."""
        subscribe(self.folder, references, self.known)

    def events(self) -> list[ReleaseEvent]:
        """Run a round that must miss nothing, and return its events."""
        report = self.watcher.run()
        assert report.is_whole, report.unknown
        return report.events

    def kinds(self) -> list[tuple[str, str]]:
        """Run a round and return its events in brief."""
        return [(event.kind, event.subject) for event in self.events()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return an empty world."""
    (tmp_path / "hub").mkdir()
    with HubServer(tmp_path / "hub") as hub:
        yield World(hub, tmp_path / "work")
