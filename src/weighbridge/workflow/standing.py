"""What was decided about a model that an inventory found: by the digest of its weights, else by its reference."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from weighbridge.core.kinds import DECISION
from weighbridge.decision.decide import Verdict
from weighbridge.errors import NotFound
from weighbridge.inventory.row import DecisionState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from weighbridge.core.evidence import Evidence
    from weighbridge.inventory.merge import Group
    from weighbridge.workflow.workspace import Workspace

__all__ = ["standings", "states_of"]

_PREFIX = "sha256:"
_WEIGHTS = (".gguf", ".safetensors", ".bin")
_MOST_NAMES = 5000


def standings(workspace: Workspace | None, on: date) -> Callable[[Group], DecisionState]:
    """Return what tells the state of a group of traces; without a store everything is `none`.

    Files are recognised by digests that were computed before and that the cache remembers; nothing is hashed here.
    """
    if workspace is None:
        return lambda _group: DecisionState()
    try:
        with workspace.store(read_only=True) as store:
            by_digest, by_reference = states_of(store.select(), on)
    except NotFound:
        return lambda _group: DecisionState()

    def state(group: Group) -> DecisionState:
        for digest in _known_digests(group, workspace):
            if found := by_digest.get(digest):
                return found
        for reference in [one.found.reference for one in group.seen] + [f"{group.hub}:{group.repository}"]:
            if reference and (found := by_reference.get(reference.lower())):
                return found
        return DecisionState()

    return state


def _known_digests(group: Group, workspace: Workspace) -> Iterator[str]:
    """Yield the SHA-256 of a group's weights, as far as a trace or the cache of digests knows them."""
    for one in group.seen:
        if one.found.digest:
            yield one.found.digest.removeprefix(_PREFIX)
    folders = dict.fromkeys(one.found.folder for one in group.seen if one.found.folder)
    if not folders:
        return
    with workspace.digest_cache() as cache:
        for path in (path for folder in folders for path in _weights(Path(folder))):
            with suppress(OSError):
                status = path.stat()
                for name in dict.fromkeys((str(path.absolute()), os.path.realpath(path))):
                    if digest := cache.get(name, status.st_size, status.st_mtime_ns, status.st_ino):
                        yield digest


def _weights(place: Path) -> list[Path]:
    """Return the files of weights at a place, at most 200."""
    try:
        if place.is_file():
            return [place]
        return [path for path in islice(place.iterdir(), _MOST_NAMES) if path.suffix.lower() in _WEIGHTS][:200]
    except OSError:
        return []


def states_of(statements: Iterable[Evidence], on: date) -> tuple[dict[str, DecisionState], dict[str, DecisionState]]:
    """Return the state of every decided subject, by SHA-256 of its files, and by reference with and without commit."""
    decisions: dict[str, Evidence] = {}
    stale: dict[str, Evidence] = {}
    files: dict[str, list[str]] = {}
    references: dict[str, list[str]] = {}
    for one in statements:
        if one.kind == DECISION:
            decisions[one.subject] = one
        elif one.kind == "stale/v1":
            stale[str(one.body.get("decision"))] = one
        elif one.kind == "files/v1":
            files.setdefault(one.subject, []).extend(_digests(one.body))
        if one.kind in {"provenance/v1", "files/v1"}:
            references.setdefault(one.subject, []).extend(_references(one.body))
    by_digest: dict[str, DecisionState] = {}
    by_reference: dict[str, DecisionState] = {}
    for subject, statement in decisions.items():
        for digest in files.get(subject, ()):
            by_digest[digest] = _state(statement, stale, on, "the digest of its weights")
        for reference in references.get(subject, ()):
            by_reference[reference.lower()] = _state(statement, stale, on, "its reference")
    return by_digest, by_reference


def _state(statement: Evidence, stale: dict[str, Evidence], on: date, why: str) -> DecisionState:
    """Return what a decision comes to on a day; one that cannot be read decides nothing."""
    body = statement.body.get("decision")
    body = body if isinstance(body, dict) else {}
    verdict = body.get("verdict")
    expires = str(body.get("expires_on") or "")
    if verdict not in get_args(Verdict):
        return DecisionState()
    state: Any = verdict
    if statement.id in stale:
        state, why = "stale", f"{why}; {str(stale[statement.id].body.get('why', ''))[:200]}"
    elif expires and expires < on.isoformat():
        state = "expired"
    return DecisionState(state, statement.id, statement.subject, expires, why)


def _digests(body: dict[str, Any]) -> list[str]:
    """Return the SHA-256 of the weight files: the larger ones, since a licence text is the same in many models."""
    rows = body.get("files")
    return [
        str(row["sha256"])
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and str(row.get("name", "")).lower().endswith(_WEIGHTS)
        and row.get("sha256")
    ]  # fmt: skip


def _references(body: dict[str, Any]) -> list[str]:
    """Return the references under which a subject was weighed."""
    found = []
    typed = str(body.get("reference") or "")
    if typed.startswith(("hf:", "ms:", "http://", "https://")):
        found += [typed, typed.partition("@")[0]]
    if body.get("hub") in {"hf", "ms"} and body.get("repository"):
        plain = f"{body['hub']}:{body['repository']}"
        found += [plain, f"{plain}@{body['commit']}"] if body.get("commit") else [plain]
    return found
