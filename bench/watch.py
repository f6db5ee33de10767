"""What a watch of forty organisations costs: calls, seconds, memory.

    .venv/bin/python bench/watch.py [--organisations 40] [--changes 20]

Organisations of 30 to 500 models each are listed by a server of this script, which answers as Hugging Face does. Three
rounds: the first look, a quiet one, and one after `--changes` models have new weights. Printed: calls of the round (of
them listings), seconds, and the largest memory that the process has taken so far.

A hundred runs with faults at random: `WEIGHBRIDGE_WATCH_SEEDS=100 .venv/bin/pytest tests/unit/watch/test_faults.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import resource
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.knowledge.load import load_knowledge
from weighbridge.workflow.watch import Watcher, subscribe

_MODEL = re.compile(r"/api/models/([^/]+/[^/?]+)(?:/(revision|tree|commits)/([^/?]+))?")


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Hub:
    """Models by name, each with the number of its revision."""

    def __init__(self, organisations: int) -> None:
        dice = random.Random(7)  # noqa: S311 - a repeatable world, no secret
        self.models = {
            f"org{o:02d}/model-{m:03d}": 0 for o in range(organisations) for m in range(dice.randint(30, 500))
        }
        self.listings = 0

    def row(self, name: str, revision: int) -> dict[str, Any]:
        """Return what a listing says of a model."""
        return {
            "_id": _sha1(name)[:24], "id": name, "sha": _sha1(f"{name} {revision}"), "private": False, "gated": False,
            "disabled": False, "createdAt": "2026-01-01T00:00:00.000Z",
            "lastModified": f"2026-02-{1 + revision:02d}T00:00:00.000Z",
            "downloads": 1000, "downloadsAllTime": 9000, "likes": 3, "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "safetensors", "qwen3", "conversational", "license:apache-2.0", "region:us"],
            "cardData": {"license": "apache-2.0", "language": ["en", "zh"], "base_model": ["org00/model-000"]},
            "baseModels": {"relation": "finetune", "models": [{"id": "org00/model-000"}]},
            "safetensors": {"parameters": {"BF16": 751632384}, "total": 751632384},
        }  # fmt: skip

    def answer(self, path: str) -> Any:
        """Return the JSON of a call, None for what is not there."""
        parts = urlsplit(path)
        if parts.path == "/api/models":
            self.listings += 1
            maker = parse_qs(parts.query)["author"][0] + "/"
            rows = [self.row(name, revision) for name, revision in self.models.items() if name.startswith(maker)]
            return sorted(rows, key=lambda row: str(row["lastModified"]), reverse=True)
        found = _MODEL.fullmatch(parts.path)
        if not found or found[1] not in self.models:
            return None
        name, verb, commit = found[1], found[2], found[3]
        commits = [_sha1(f"{name} {number}") for number in range(self.models[name], -1, -1)]
        if verb == "commits":
            return [
                {"id": one, "title": "Upload", "date": "2026-02-01T00:00:00.000Z", "authors": []} for one in commits
            ]
        if verb == "tree":
            shards = [f"model-{n:05d}-of-00010.safetensors" for n in range(1, 11)]
            return [
                {"type": "file", "path": shard, "oid": "0" * 40, "size": 5_000_000_000,
                 "lfs": {"oid": hashlib.sha256(f"{commit} {shard}".encode()).hexdigest(), "size": 5_000_000_000}}
                for shard in shards
            ]  # fmt: skip
        row = self.row(name, self.models[name])
        row |= {"sha": commit or row["sha"], "config": {"model_type": "qwen3"}}
        return row | {"securityRepoStatus": {"scansDone": True, "filesWithIssues": []}}


def _serve(hub: Hub) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        """Answers with JSON."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Answer one call."""
            value = hub.answer(self.path)
            body = json.dumps(value).encode()
            self.send_response(404 if value is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Run three rounds and print what each cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organisations", type=int, default=40)
    parser.add_argument("--changes", type=int, default=20)
    wanted = parser.parse_args()
    hub = Hub(wanted.organisations)
    server = _serve(hub)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    known = load_knowledge()
    with tempfile.TemporaryDirectory() as folder:
        settings = RemoteSettings(url, cache=Path(folder))
        watcher = Watcher(Path(folder), known, open_hub=lambda kind: open_catalogue(kind, settings))
        subscribe(Path(folder), [f"hf:org{number:02d}" for number in range(wanted.organisations)], known)
        print(f"{wanted.organisations} organisations, {len(hub.models)} models")
        for label in ("first", "quiet", "changed"):
            if label == "changed":
                for name in sorted(hub.models, key=_sha1)[: wanted.changes]:
                    hub.models[name] += 1
            hub.listings, began = 0, time.monotonic()
            report = watcher.run()
            took, kib = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(
                f"{label:<8} {report.calls:>4} calls ({hub.listings} listings)  {took:6.2f} s  {kib / 1000:5.0f} MB"
                f"  {len(report.events)} events  whole: {report.is_whole}"
            )
    server.shutdown()


if __name__ == "__main__":
    main()
