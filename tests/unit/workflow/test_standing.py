"""Decision states of what an inventory finds: held, expired, stale, none; by digest, else by reference."""

from __future__ import annotations

from datetime import date
from typing import Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.finding import Confidence
from weighbridge.core.kinds import DECISION
from weighbridge.inventory.found import Found
from weighbridge.inventory.merge import Seen, grouped
from weighbridge.workflow.standing import standings, states_of
from weighbridge.workflow.workspace import Workspace

DAY = date(2026, 11, 1)
SUBJECT = f"sha256:{'1' * 64}"
WEIGHTS = "ab" * 32


def statement(kind: str, body: dict[str, Any], inputs: tuple[str, ...] = ()) -> Evidence:
    """Return a statement on the subject."""
    return Evidence(SUBJECT, kind, body, inputs, OURS, DAY)


DECIDED = statement(DECISION, {"decision": {"verdict": "adopt", "expires_on": "2027-01-01"}})
FILES = statement(
    "files/v1",
    {"reference": "hf:Qwen/Qwen3-8B@abc", "files": [{"name": "model.safetensors", "sha256": WEIGHTS, "size": 1},
                                                    {"name": "LICENSE", "sha256": "cd" * 32, "size": 1}]},
)  # fmt: skip
ORIGIN = statement("provenance/v1", {"hub": "hf", "repository": "Qwen/Qwen3-8B", "commit": "abc"})


def test_found_by_digest_and_by_reference() -> None:
    """A decision is found by the weights' digest and by the reference, and a licence text's digest is no key."""
    by_digest, by_reference = states_of([FILES, ORIGIN, DECIDED], date(2026, 12, 1))
    assert by_digest[WEIGHTS].state == "adopt"
    assert "cd" * 32 not in by_digest
    assert {"hf:qwen/qwen3-8b", "hf:qwen/qwen3-8b@abc"} == set(by_reference)


def test_last_day_holds_and_the_next_is_expired() -> None:
    """`expires_on` is the last day on which a decision holds."""
    states = [states_of([FILES, DECIDED], day)[0][WEIGHTS].state for day in (date(2027, 1, 1), date(2027, 1, 2))]
    assert states == ["adopt", "expired"]


def test_event_on_the_hub_makes_it_stale() -> None:
    """A decision that an event touched is stale, whatever its verdict."""
    stale = statement("stale/v1", {"decision": DECIDED.id, "why": "its licence changed"}, (DECIDED.id,))
    state = states_of([FILES, DECIDED, stale], date(2026, 12, 1))[0][WEIGHTS]
    assert state.state == "stale"
    assert "its licence changed" in state.why


def test_later_decision_counts() -> None:
    """The newest decision on a subject is the one that stands."""
    later = statement(DECISION, {"decision": {"verdict": "reject", "expires_on": "2027-01-01"}})
    assert states_of([FILES, DECIDED, later], date(2026, 12, 1))[0][WEIGHTS].state == "reject"


def test_decision_that_cannot_be_read_decides_nothing() -> None:
    """A store may hold what others wrote: a body without a verdict is no decision."""
    bodies: tuple[dict[str, Any], ...] = ({}, {"decision": []}, {"decision": {"verdict": "maybe"}})
    for body in bodies:
        assert states_of([FILES, statement(DECISION, body)], DAY)[0][WEIGHTS].state == "none"


def test_store_of_a_workspace(tmp_path: Any) -> None:
    """The workspace's store is read without being made, and a group finds its decision in it."""
    workspace = Workspace(tmp_path / "work", tmp_path / "cache.sqlite")
    found = Found("code", "a.py:1", "Qwen/Qwen3-8B", Confidence.HIGH, reference="hf:Qwen/Qwen3-8B@abc")
    (group,) = grouped([Seen(found)])
    assert standings(workspace, DAY)(group).state == "none"
    assert not workspace.path.exists()
    with workspace.store() as store:
        for one in (FILES, ORIGIN, DECIDED):
            store.add(one)
    assert standings(workspace, DAY)(group).state == "adopt"
    assert standings(None, DAY)(group).state == "none"


def test_local_weights_are_recognised_without_hashing(tmp_path: Any) -> None:
    """Weights whose digest was computed before are recognised by it; a file that changed since is not."""
    workspace = Workspace(tmp_path / "work", tmp_path / "cache.sqlite")
    weights = tmp_path / "model" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    status = weights.stat()
    with workspace.store() as store, workspace.digest_cache() as cache:
        for one in (FILES, DECIDED):
            store.add(one)
        cache.put(str(weights), status.st_size, status.st_mtime_ns, status.st_ino, WEIGHTS)
    found = Found("weights", str(weights.parent), "model", Confidence.HIGH, folder=str(weights.parent))
    (group,) = grouped([Seen(found)])
    assert standings(workspace, DAY)(group).why == "the digest of its weights"
    weights.write_bytes(b"other weights")
    assert standings(workspace, DAY)(group).state == "none"
