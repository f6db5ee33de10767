"""What the evidence store says of a leg: its decision, and what has overtaken it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.core.artefact import digest_of_endpoint
from weighbridge.core.kinds import DECISION
from weighbridge.core.reference import Reference
from weighbridge.decision.decide import VERDICTS
from weighbridge.decision.ruling import EFFECTS
from weighbridge.decision.staleness import all_stale_about
from weighbridge.dossier.compose import read_decision
from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.manifest import MANIFEST, read_manifest
from weighbridge.pilot.admission.configuration.plan import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.evidence import Evidence
    from weighbridge.core.kinds import StaleV1
    from weighbridge.decision.decide import Decision
    from weighbridge.pilot.admission.configuration.plan import LegPlan
    from weighbridge.store.protocol import Store

__all__ = ["Decided", "Origins", "find_decided"]

_HEX_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision that a leg names, as the store has it; where there is none, `problem` says why and what to do.

    `stale` is why an event has overtaken it ("" where none has), which closes it at `closes_at` (seconds). `newer` is
    the newest decision about the same subject by the same policy, where it is another one; `newer_holds` says that
    nothing has overtaken that one. `reference` is what was weighed; `has_files` says that files were.
    """

    problem: str = ""
    statement: Evidence | None = None
    decision: Decision | None = None
    stale: str = ""
    closes_at: float = 0.0
    newer: Decision | None = None
    newer_id: str = ""
    newer_holds: bool = False
    reference: str = ""
    has_files: bool = False


class Origins:
    """What the subjects in a store were called, and where they came from; read once, when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def typed(self) -> tuple[tuple[str, str], ...]:
        """Return (reference as it was typed, subject)."""
        return tuple((str(one.body.get("reference")), one.subject) for one in self._store.select(kind="files/v1"))

    @cached_property
    def stated(self) -> tuple[tuple[tuple[Any, Any], Any, str], ...]:
        """Return ((hub, repository), commit, subject)."""
        made = self._store.select(kind="provenance/v1")
        return tuple(
            ((one.body.get("hub"), one.body.get("repository")), one.body.get("commit"), one.subject) for one in made
        )


def find_decided(store: Store, plan: LegPlan, origins: Origins) -> Decided:
    """Read what the store says of a leg; raises StoreDamaged, and nothing for what others wrote into it."""
    try:
        statement = _latest(store, plan, origins) if plan.decision == LATEST else store.get(plan.decision)
    except (NotFound, UsageError) as error:
        return Decided(f"{error.message}: {error.hint or 'decide it: `weighbridge decide`'}")
    decision, problem = _read(statement)
    if decision is None:
        return Decided(problem)
    last = _newest(store, decision)
    newer, problem = _read(last)
    if newer is None:
        return Decided(f"a newer statement by the same policy is there: {problem}")
    reasons_last = all_stale_about(store, last)
    reasons = (*all_stale_about(store, statement), *reasons_last)
    closes_at, stale = min(((_closing(one), quote(one.why, 300)[1:-1]) for one in reasons), default=(0.0, ""))
    files = next(store.select(subject=decision.subject, kind="files/v1"), None)
    return Decided(
        statement=statement,
        decision=decision,
        stale=stale,
        closes_at=closes_at,
        newer=newer if last.id != statement.id else None,
        newer_id=last.id if last.id != statement.id else "",
        newer_holds=last.id != statement.id and not reasons_last,
        reference=_reference(plan, decision, files),
        has_files=files is not None,
    )


def _closing(reason: StaleV1) -> float:
    """Return when a reason closes what rests on the decision; at once where it does not say, or not as a time."""
    if reason.closes_at is None:
        return 0.0
    try:
        at = datetime.fromisoformat(reason.closes_at)
        return at.astimezone(UTC).timestamp() if at.tzinfo else 0.0
    except (ValueError, OverflowError):
        return 0.0


def _read(statement: Evidence) -> tuple[Decision | None, str]:
    """Return a decision that is one, and of one piece; else why it is not."""
    if statement.kind != DECISION:
        return (
            None,
            f"the statement is no decision but `{statement.kind:.40}`: name the id that `weighbridge decide` gave",
        )
    try:
        decision = read_decision(statement.body.get("decision"))
    except UsageError as error:
        return None, f"{error.message}: {error.hint}"
    worst = max((EFFECTS.index(ruling.effect) for ruling in decision.rulings), default=EFFECTS.index("hold"))
    if decision.subject != statement.subject or VERDICTS.index(decision.verdict) != worst:
        return None, "the decision contradicts itself: make it again with `weighbridge decide`"
    return decision, ""


def _newest(store: Store, decision: Decision) -> Evidence:
    """Return the newest decision about the same subject by the same policy, readable or not; there is one at least."""
    made = store.select(subject=decision.subject, kind=DECISION)
    return [one for one in made if _policy(one) == decision.policy_name][-1]


def _policy(statement: Evidence) -> str:
    """Return the policy that a decision names, whatever else is wrong with it."""
    decision = statement.body.get("decision")
    return str(decision.get("policy_name", "")) if isinstance(decision, dict) else ""


def _latest(store: Store, plan: LegPlan, origins: Origins) -> Evidence:
    """Return the newest decision about what a reference names, by a policy; raises NotFound or UsageError."""
    subjects = set(_subjects(plan, origins))
    made = store.select(kind=DECISION, subject=next(iter(subjects)) if len(subjects) == 1 else None)
    found = [one for one in made if one.subject in subjects and _policy(one) == plan.policy]
    if not found:
        raise NotFound(
            f"there is no decision about {quote(plan.reference)} by the policy {quote(plan.policy)}",
            hint="weigh and decide it, `weighbridge weigh REF --policy NAME`; what is there: `evidence list`",
        )
    return found[-1]


def _subjects(plan: LegPlan, origins: Origins) -> Iterator[str]:
    """Yield the digests of what a reference names, as the store or a mirror's manifest tells; no hub is asked."""
    text = plan.reference
    if text.startswith("sha256:") and len(text) == len("sha256:") + _HEX_DIGITS:
        yield text
        return
    wanted = Reference.parse(text)
    if wanted.kind == "endpoint":
        yield digest_of_endpoint(wanted.target, wanted.detail or "")
        return
    yield from (subject for typed, subject in origins.typed if typed == text or typed.startswith(f"{text}@"))
    if wanted.kind not in {"hf", "ms"}:
        return
    for name, commit, subject in origins.stated:
        if name == (wanted.kind, wanted.target) and wanted.detail in {None, commit}:
            yield subject
    if plan.mirror:
        with suppress(WeighbridgeError, OSError):
            manifest = read_manifest(Path(plan.mirror) / MANIFEST)
            origin = (manifest.origin.hub, manifest.origin.repository)
            if origin == (wanted.kind, wanted.target) and wanted.detail in {None, manifest.origin.commit}:
                yield from (digest for digest in (manifest.artefact, manifest.remote_digest) if digest)


def _reference(plan: LegPlan, decision: Decision, files: Evidence | None) -> str:
    """Return what was weighed, as far as the store says; "" where it does not."""
    if plan.reference:
        return plan.reference
    if files is not None:
        return quote(str(files.body.get("reference") or ""), 400)[1:-1]
    upstream = plan.upstream
    is_here = decision.subject == digest_of_endpoint(upstream.url, upstream.model)
    return f"{upstream.url}#{upstream.model}" if is_here else ""
