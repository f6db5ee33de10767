"""Mirrors: their manifest names the model, unless it speaks of other files."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.artefact import FileEntry
from weighbridge.hub.mirror.manifest import MANIFEST, Manifest, Origin
from weighbridge.workflow.inventory import Wanted, take_inventory

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.inventory.row import Model

COMMIT = "b968826d9c46dd6066d109eabc6255188de91218"
README = '---\nlicense: apache-2.0\n---\nm = AutoModel.from_pretrained("Qwen/Qwen3-8B")\n'


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Write a mirror of Qwen/Qwen3-8B under a folder's name that says nothing."""
    folder = tmp_path / "shelf" / "seven"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (folder / "config.json").write_text('{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}')
    (folder / "README.md").write_text(README)
    files = tuple(
        FileEntry(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.iterdir())
    )
    origin = Origin(f"hf:Qwen/Qwen3-8B@{COMMIT}", "hf", "https://huggingface.co", "Qwen/Qwen3-8B", COMMIT)
    manifest = Manifest(origin, files, {}, (), "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "weighbridge")
    (folder / MANIFEST).write_bytes(manifest.to_bytes())
    return tmp_path


def models(place: Path) -> list[Model]:
    """Return the rows of an inventory of one folder."""
    return list(take_inventory(Wanted((str(place),), date(2026, 11, 22))).models)


def test_mirror_is_one_row_with_its_commit(mirror: Path) -> None:
    """The manifest gives hub, repository, commit and the digest of the weights; the README makes no second row."""
    (row,) = models(mirror)
    assert (row.reference, row.revisions, row.maker) == ("hf:Qwen/Qwen3-8B", (COMMIT,), "Qwen")
    assert row.is_resolved
    assert row.confidence.value == "high"
    weights = (mirror / "shelf" / "seven" / "model.safetensors").read_bytes()
    assert row.to_json()["digests"] == [f"sha256:{hashlib.sha256(weights).hexdigest()}"]


@pytest.mark.parametrize("damage", ["other size", "missing", "no manifest"])
def test_manifest_of_other_files_names_nothing(damage: str, mirror: Path) -> None:
    """Where a file is missing or has another size, or the manifest is none, the files stay without a name."""
    folder = mirror / "shelf" / "seven"
    (folder / "README.md").unlink() if damage == "missing" else (folder / "README.md").write_text("")
    if damage == "no manifest":
        (folder / MANIFEST).write_text("{}")
    assert [row.reference for row in models(mirror)] == [str(folder)]
