"""The watch against the shared stub of both hubs, whose older revisions stand in `.history`."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.knowledge.load import load_knowledge
from weighbridge.workflow.watch import Watcher, subscribe

if TYPE_CHECKING:
    from weighbridge.core.event import ReleaseEvent

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
TOOLS, REAL = SHARED / "tools", SHARED / "data" / "hub"
REPOSITORIES = sorted(path for path in REAL.iterdir() if (path / "README.md").is_file()) if REAL.is_dir() else []

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (TOOLS / "stub_hub.py").is_file() or not REPOSITORIES, reason=f"{TOOLS} is absent"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the stub leaves its sockets to the collector
]


def _stub(root: Path) -> Any:
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module("stub_hub").StubHub(root)
    finally:
        sys.path.remove(str(TOOLS))


def _keep_history(repository: Path) -> None:
    """Put the head into the history, as the stub wants it."""
    old = repository / ".history" / f"{len(list(repository.glob('.history/*'))):02d}"
    shutil.copytree(repository, old, ignore=shutil.ignore_patterns(".history"))


def _round(url: str, folder: Path) -> tuple[list[ReleaseEvent], int]:
    settings = RemoteSettings(url, cache=folder)
    watcher = Watcher(folder, load_knowledge(), open_hub=lambda hub: open_catalogue(hub, settings))
    report = watcher.run()
    assert report.is_whole, report.unknown
    return report.events, report.calls


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return real repositories, without their weights, as those of one publisher."""
    root = tmp_path / "models"
    for path in REPOSITORIES[:8]:
        shutil.copytree(path, root / "acme" / path.name.replace("__", "-"), ignore=shutil.ignore_patterns(".history"))
    return root


@pytest.mark.parametrize("hub", ["hf", "ms"])
def test_real_repositories_change_and_the_stub_sees_no_counted_call(models: Path, tmp_path: Path, hub: str) -> None:
    """Real cards, templates and licences: each change is told as what it is, without fetching `config.json`."""
    work = tmp_path / "work"
    names = sorted(path.name for path in (models / "acme").iterdir())
    tagged, changed = names[0], names[1]
    subscribe(work, [f"{hub}:acme", f"{hub}:acme/{tagged}", f"{hub}:acme/{changed}"], load_knowledge())
    with _stub(models) as stub:
        assert _round(stub.url, work)[0] == []
        assert _round(stub.url, work) == ([], 1)
        for name in (tagged, changed):
            _keep_history(models / "acme" / name)
        card = models / "acme" / tagged / "README.md"
        body = card.read_text("utf-8").split("---", 2)[-1]
        card.write_text(f"---\nlicense: acme-own\n---\n{body}", "utf-8")
        (models / "acme" / changed / "chat_template.jinja").write_text("{% if tools %}{{ tools }}{% endif %}")
        (models / "acme" / changed / "LICENSE").write_text("All rights reserved. No use without our written leave.")
        found = {(event.kind, event.subject.rpartition("/")[2]) for event in _round(stub.url, work)[0]}
        assert ("licence-tag", tagged) in found
        assert {("chat-template", changed), ("licence-text", changed)} <= found
        assert {name for _, name in found} == {tagged, changed}
        asked = [f"{one}" for one in stub.requests]
    assert not [line for line in asked if "/config.json" in line or "FilePath=config.json" in line]


def test_a_silent_replacement_of_shards_is_critical(tmp_path: Path) -> None:
    """Nine of eleven shards of declared size change and the old commit is gone, as in club-3090's issue 319."""
    folder, work = tmp_path / "models" / "acme" / "m", tmp_path / "work"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")

    def publish(changed: int) -> None:
        sizes = {}
        for number in range(1, 12):
            name = f"model-{number:05d}-of-00011.safetensors"
            (folder / name).write_bytes((2).to_bytes(8, "little") + b"{}")
            sizes[name] = {"size": 5_000_000_000, "sha256": f"{number + (100 if number <= changed else 0):064x}"}
        (folder / ".hub.json").write_text(json.dumps({"files": sizes}))

    publish(0)
    subscribe(work, ["hf:acme/m"], load_knowledge())
    with _stub(tmp_path / "models") as stub:
        _round(stub.url, work)
        publish(9)
        events, _ = _round(stub.url, work)
    assert [(event.kind, event.severity) for event in events] == [
        ("weights", "critical"),
        ("history-rewritten", "high"),
    ]
    assert (events[0].before["files"], events[0].before["differing"]) == (11, 9)
    assert events[0].seen_at <= datetime.now(UTC)
