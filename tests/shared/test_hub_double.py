"""The small hub of our tests against the shared stub, which was checked with both real clients."""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.testing.hub_server import HubServer
from weighbridge.testing.tiny_weights import safetensors_raw

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "tools"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (TOOLS / "stub_hub.py").is_file(), reason=f"{TOOLS} is absent"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the stub leaves its sockets to the collector
]


def _stub(root: Path, **options: Any) -> Any:
    sys.path.insert(0, str(TOOLS))
    try:
        stub = importlib.import_module("stub_hub")
    finally:
        sys.path.remove(str(TOOLS))
    return stub.StubHub(root, **options)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write three models of two makers."""
    header = json.dumps({"w": {"dtype": "BF16", "shape": [8, 8], "data_offsets": [0, 128]}}).encode()
    for number, name in enumerate(("acme/tiny", "acme/tiny-GGUF", "other/big")):
        folder = tmp_path / "models" / name
        (folder / "assets").mkdir(parents=True)
        card = f"license: other\nlicense_name: acme-{number}\nbase_model: acme/base\nlanguage:\n- en\n- zh\n"
        (folder / "README.md").write_text(f"---\n{card}library_name: transformers\n---\n# Card")
        (folder / "LICENSE").write_text("You may.")
        (folder / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
        (folder / "assets" / "note.txt").write_text("note")
        (folder / "model.safetensors").write_bytes(safetensors_raw(header, bytes(128)))
    return tmp_path / "models"


def _answers(url: str, kind: Literal["hf", "ms"]) -> dict[str, Any]:
    """Return what a catalogue reads, without what follows from the servers' own clocks and commit ids."""
    with open_catalogue(kind, RemoteSettings(url)) as catalogue:
        shelf = catalogue.shelf("acme")
        entry = catalogue.entry("acme/tiny")
        revision = catalogue.revision("acme/tiny", entry.commit)
        assert revision.commit == entry.commit
        text = catalogue.read("acme/tiny", entry.commit, revision.files["LICENSE"], most_bytes=100)
        own: dict[str, Any] = {"commit": "", "id": "", "created_at": None, "modified_at": None}
        entries = sorted((replace(one, **own) for one in (*shelf.entries, entry)), key=lambda one: one.repository)
        # the tags of ModelScope are its own: the stub takes those of Hugging Face
        entries = [replace(one, tags=()) if kind == "ms" else one for one in entries]
        return {
            "entries": entries,
            "is_complete": shelf.is_complete,
            "files": revision.files,
            "config": revision.config,
            "scans": revision.scans,
            "publisher": catalogue.publisher("acme"),
            "commits": len(catalogue.history("acme/tiny")),
            "text": text,
        }


@pytest.mark.parametrize("kind", ["hf", "ms"])
def test_both_doubles_answer_alike(root: Path, kind: Literal["hf", "ms"]) -> None:
    """Descriptions, listings, digests, verdicts and texts are the same."""
    with _stub(root) as stub:
        expected = _answers(stub.url, kind)
    with HubServer(root) as hub:
        assert _answers(hub.url, kind) == expected
    assert len(expected["files"]) == 5


def test_a_poll_is_one_call_and_counts_no_download(root: Path) -> None:
    """By the stub's own log: a listing is one call; a look at a revision asks for no `config.json` and no weights."""
    with _stub(root) as stub:
        with open_catalogue("hf", RemoteSettings(stub.url)) as catalogue:
            shelf = catalogue.shelf("acme")
            assert len(stub.requests) == 1
            assert shelf.is_complete
            for entry in shelf.entries:
                revision = catalogue.revision(entry.repository, entry.commit)
                catalogue.read(entry.repository, entry.commit, revision.files["README.md"], most_bytes=10_000)
        asked = [call["line"] for call in stub.requests]
    assert not [line for line in asked if "config.json" in line or "safetensors" in line.partition("?")[0]]
