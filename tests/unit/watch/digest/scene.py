"""A workspace as a team has it: one adopted model, pinned and copied nowhere, and a log of what its hub did since."""

from __future__ import annotations

import runpy
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from weighbridge.core.digest import digest_of
from weighbridge.core.event import ReleaseEvent
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.finding import Confidence
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.watch.database import WATCH_FILE, Database
from weighbridge.watch.log import append_events

PIN, HEAD = "a" * 40, "b" * 40
SEEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
REPOSITORY = "HuggingFaceTB/SmolLM2-135M-Instruct"
BASE = "HuggingFaceTB/SmolLM2-135M"
HOSTILE = 'x"><script>document.title="taken"</script>\u202e\x00\x1b[31m'
_WEIGHED = Path(__file__).parents[2] / "dossier" / "weighed.py"


def weighed() -> dict[str, Any]:
    """Return the builders of the dossier's weighing."""
    return runpy.run_path(str(_WEIGHED))


def event(
    kind: Any, subject: str = f"hf:{REPOSITORY}", before: Any = None, after: Any = None, **more: Any
) -> ReleaseEvent:
    """Return an event at the new head, seen with certainty."""
    made = ReleaseEvent(kind, subject, before, after, "medium", Confidence.HIGH, SEEN, commit_before=PIN, commit=HEAD)
    return replace(made, **more)


def events() -> list[ReleaseEvent]:
    """Return a push to the adopted model, an edit of its card, a licence that moves, and a stranger's hostile name."""
    weights = {"files": 1, "differing": 1, "digests": {"model.safetensors": "sha256:" + "9" * 64}}
    return [
        event(
            "weights", before={**weights, "digests": {"model.safetensors": "sha256:" + "4f1c9a2e" * 8}}, after=weights
        ),
        event("licence-tag", before={"licence": "apache-2.0"}, after={"licence": "other", "licence_name": "glm-5.3"}),
        event("card", before={"tags": ["a"]}, after={"tags": ["b"]}),
        event("release", "hf:zai-org/GLM-5.3", None, {"licence": "other", "licence_name": "glm-5.3"}, commit_before=""),
        event("release", "ms:zai-org/GLM-5.3", None, {"licence": "other", "licence_name": "glm-5.3"}, commit_before=""),
        event("release", f"hf:someone/{HOSTILE}", None, {"licence": HOSTILE}, notes=(HOSTILE,), commit_before=""),
        event("card", "hf:zai-org/GLM-5.2", before={"tags": ["a"]}, after={"tags": ["b"]}),
    ]


def fill_store(folder: Path, verdict: str = "adopt", on: date = date(2026, 11, 20), **changed: Any) -> SimpleIds:
    """Fill the evidence store of a folder; return subject and decision."""
    found = weighed()
    folder.mkdir(parents=True, exist_ok=True)
    store = SQLiteStore(folder / "evidence.sqlite")
    try:
        ids = [store.add(one) for one in found["evidence"]()]
        origin = {"hub": "hf", "repository": REPOSITORY, "commit": PIN}
        store.add(Evidence(found["SUBJECT"], "provenance/v1", origin, (), OURS, on))
        made = found["decided"](verdict=verdict, on=on.isoformat(), **changed)
        return SimpleIds(found["SUBJECT"], store.add(made), tuple(ids))
    finally:
        store.close()


class SimpleIds:
    """What was put into a store."""

    def __init__(self, subject: str, decision: str, statements: tuple[str, ...]) -> None:
        self.subject = subject
        self.decision = decision
        self.statements = statements


def fill_log(folder: Path, happened: list[ReleaseEvent] | None = None) -> None:
    """Append events to the log of a folder, in one round."""
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(folder / WATCH_FILE)
    try:
        with database.writing() as connection:
            append_events(connection, 1, events() if happened is None else happened)
    finally:
        database.close()


def some_digest(text: str) -> str:
    """Return a digest of its own for a text."""
    return digest_of(text)
