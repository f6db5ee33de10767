"""A team's workspace: a mirrored model, decisions that the house itself makes about it, a gateway's file, a clock."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.artefact import FileEntry, digest_of_endpoint, digest_of_files
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.decision.policy import parse_policy
from weighbridge.engine.discovery.capabilities import Capabilities
from weighbridge.engine.discovery.fingerprint import Fingerprint
from weighbridge.errors import EngineUnreachable
from weighbridge.hub.mirror.manifest import MANIFEST, Manifest, Origin
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.admission.keeper import STORE_FILE, Keeper
from weighbridge.pilot.admission.recall import CHECKS_FILE
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.workflow.judge import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from weighbridge.core.progress import Advance
    from weighbridge.pilot.admission.rows import RouteRow
    from weighbridge.pilot.route import Admission, UpstreamSettings

TODAY = date(2026, 11, 22)
URL, MODEL = "http://127.0.0.1:8000/v1", "tiny"
COMMIT = "a" * 40
ASK_LEGAL = "Ask legal about the licence"
LICENCE = f"""
[policy]
name = "gate"
version = "1"
title = "Gate"
valid_days = 30
[use]
description = "A trial"
audience = "internal"
[[rule]]
id = "licence"
kind = "card/v1"
measure = "licence"
operator = "present"
on_fail = "condition"
on_unknown = "condition"
condition = "{ASK_LEGAL}"
because = "It must be known."
"""
FILES = """
[[rule]]
id = "no-critical"
kind = "files/v1"
measure = "findings_by_severity.critical"
operator = "at-most"
value = 0
on_fail = "reject"
because = "It harms the machine."
[[rule]]
id = "no-high"
kind = "files/v1"
measure = "findings_by_severity.high"
operator = "at-most"
value = 0
on_fail = "hold"
because = "Somebody has to look."
"""


@dataclass
class Scene:
    """The workspace in `folder`; `now` is what the clock says, `served` what the endpoint would answer."""

    TODAY = TODAY
    URL = URL
    MODEL = MODEL
    CONDITION = ASK_LEGAL
    ADDRESS = digest_of_endpoint(URL, MODEL)

    folder: Path
    now: float = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
    served: Fingerprint | None = None
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    @property
    def mirror(self) -> Path:
        """The folder of the mirror."""
        return self.folder / "mirror"

    def store(self) -> closing[SQLiteStore]:
        """Open the evidence."""
        return closing(SQLiteStore(self.folder / "work" / STORE_FILE))

    def make_mirror(self, weights: bytes = b"weights") -> str:
        """Write two files and their manifest; return the digest of the artefact."""
        self.mirror.mkdir(exist_ok=True)
        contents = {"config.json": b"{}", "model.safetensors": weights}
        for name, data in contents.items():
            (self.mirror / name).write_bytes(data)
        files = tuple(FileEntry(name, len(data), sha256(data).hexdigest()) for name, data in contents.items())
        origin = Origin("hf:acme/tiny", "hf", "https://huggingface.co", "acme/tiny", COMMIT)
        at = "2026-11-20T10:00:00Z"
        (self.mirror / MANIFEST).write_bytes(Manifest(origin, files, {}, (), at, at, "test").to_bytes())
        return digest_of_files(files)

    def decide(
        self,
        subject: str | None = None,
        *,
        on: date = TODAY,
        critical: int = 0,
        high: int = 0,
        licence: str | None = "mit",
        has_files: bool = True,
    ) -> str:
        """Let the house decide about a subject (the mirror's by default); return the decision's id.

        Without `has_files` the policy asks for none, as for an endpoint.
        """
        subject = subject or self.make_mirror()
        with self.store() as store:
            if has_files:
                counts = {"critical": critical, "high": high, "total": critical + high}
                body = {"name": "tiny", "reference": f"hf:acme/tiny@{COMMIT}", "total_bytes": 9, "count": 2,
                        "files": [], "checks": ["damaged-weights"], "findings_by_severity": counts}  # fmt: skip
                self.state(store, subject, "files/v1", body, on)
            self.state(store, subject, "card/v1", {"source": "README.md", "licence": licence}, on)
            policy = parse_policy(LICENCE + FILES * has_files, "gate.toml")
            _, statement = judge(policy, subject, store=store, on=on)
        return statement.id

    def state(self, store: SQLiteStore, subject: str, kind: str, body: dict[str, Any], on: date = TODAY) -> str:
        """Add a statement, of a form that its kind has."""
        plain = KINDS[kind].model_validate(body).model_dump(mode="json", by_alias=True)
        return store.add(Evidence(subject, kind, plain, (), OURS, on))

    def fingerprint(self, subject: str, shift: float = 0.0, on: date = TODAY, **other: Any) -> str:
        """Add an endpoint's fingerprint, and something `other`; return the id of the statement."""
        taken = self.print_of(shift)
        engine = {"name": "openai", "version": "", "model": MODEL, "address": URL, "settings": {}, "asserted": False}
        body = {"engine": engine, "capabilities": Capabilities(chat=True).to_json(), "fingerprint": taken.to_json()}
        with self.store() as store:
            return self.state(store, subject, "endpoint/v1", body | other, on)

    @staticmethod
    def print_of(shift: float = 0.0) -> Fingerprint:
        """Return the distributions of 25 prompts; a shift of 2 nats is another model."""
        rows = tuple((("a", -0.5 - shift), ("b", -1.5), ("c", -3.0)) for _ in range(25))
        return Fingerprint("1", "chat", rows, noise=0.0, mean_noise=0.0)

    def mark_stale(self, subject: str, decision: str, **other: Any) -> None:
        """Say what the watch says of an event that overtakes a decision, or something `other`."""
        body = {"decision": decision, "reference": "hf:acme/tiny", "event": "e1", "event_kind": "weights",
                "severity": "high", "why": "the weights were replaced", "next_step": "re-evaluate",
                "seen_at": "2026-11-22T09:00:00Z"}  # fmt: skip
        with self.store() as store:
            self.state(store, subject, "stale/v1", body | other)

    def write(self, text: str) -> Path:
        """Write the gateway's file."""
        path = self.folder / "gateway.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def one_route(self, decision: str, more: str = "", *, url: str = URL, model: str = MODEL) -> Path:
        """Write a file with one route."""
        return self.write(
            f'[gateway]\nworkspace = "work"\n[[route]]\nname = "tiny"\ndecision = "{decision}"\n'
            f'upstream = {{ url = "{url}", model = "{model}" }}\n{more}\n'
        )

    def keeper(self) -> Keeper:
        """Return a keeper of the file as it is."""
        file = load_gateway_file(self.folder / "gateway.toml")
        return Keeper(file, record=lambda *event: self.events.append(event), clock=lambda: self.now, probe=self.probe)

    def probe(self, _upstream: UpstreamSettings, _can: Capabilities, _advance: Advance) -> Fingerprint:
        """Answer as the endpoint would; one that is down raises."""
        if self.served is None:
            raise EngineUnreachable("nothing answers")
        return self.served

    def row(self) -> RouteRow:
        """Check everything anew, as if nobody had, and return the row of the first leg."""
        (self.folder / "work" / CHECKS_FILE).unlink(missing_ok=True)
        return self.keeper().check()[0]


def admission(keeper: Keeper, name: str = "tiny") -> Admission:
    """Ask as the hot path does."""
    route = keeper.admissions.find(name)
    assert route is not None
    return keeper.admissions.admission(route.primary)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Return a workspace without any evidence."""
    return Scene(tmp_path)


@pytest.fixture
def ask() -> Callable[..., Admission]:
    """Return how the hot path asks."""
    return admission
