"""Batch files: what a suite would ask goes into a vendor's batch at half the price, and its results come back here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

from weighbridge.engine.late import LateEngine
from weighbridge.engine.wire.batch import answered_in
from weighbridge.errors import UsageError
from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import settle_form
from weighbridge.evaluation.run.keeper import Keeper
from weighbridge.workflow.loop import run
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weighbridge.engine.protocol import Completion, Engine, Request
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite

__all__ = ["Taken", "take_batch", "write_batch"]

_SHA = "sha256:"  # vendors allow 64 characters, which is the digest without it
_MOST_FAILURES = 3


class _Batching(Protocol):
    """An engine that knows its vendor's batch format."""

    def batch_line(self, request: Request, name: str) -> dict[str, Any] | str:
        """Return a request as a line, or why it cannot be put to this server."""
        ...

    def batch_answer(self, body: bytes, request: Request) -> Completion:
        """Read an answer."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file of results gave: answers kept, lines of other plans, and the first failures in the vendor's words."""

    kept: int
    strangers: int
    failed: int
    failures: tuple[str, ...]


def write_batch(subject: str, engine: Engine, suites: Sequence[Suite], session: Session, place: Path) -> int:
    """Write the requests that the store has no answer to, and return how many; finding out the form may take a call.

    Raises UsageError for an engine without batches, and where a request cannot be put to it.
    """
    lines = []
    for plan in _plans(subject, engine, suites, session):
        known = session.store.completions(plan.recipes)
        for recipe, request in zip(plan.recipes, plan.requests, strict=True):
            if recipe in known:
                continue
            line = _batching(engine).batch_line(request, recipe.removeprefix(_SHA))
            if isinstance(line, str):
                raise UsageError(f"`{plan.suite.name}` cannot be asked in a batch: {line}")
            lines.append(json.dumps(line, ensure_ascii=False))
    write_whole(place, "".join(f"{line}\n" for line in lines).encode())
    return len(lines)


def take_batch(subject: str, engine: Engine, suites: Sequence[Suite], session: Session, place: Path) -> Taken:
    """Keep the answers of a file of results under their recipes; raises SuiteError for a file that is none."""
    requests = {
        recipe.removeprefix(_SHA): (recipe, request)
        for plan in _plans(subject, engine, suites, session)
        for recipe, request in zip(plan.recipes, plan.requests, strict=True)
    }
    kept = strangers = 0
    failures: list[str] = []

    async def take() -> None:
        nonlocal kept, strangers
        keeper = Keeper(session.store, session.on)
        for row in read_rows(place, Dialect(format="jsonl")):
            found = answered_in(row.cells)
            if found is None or found.name not in requests:
                strangers += 1
                continue
            recipe, request = requests[found.name]
            if found.body is None:
                failures.append(found.why)
                continue
            keeper.keep(recipe, _batching(engine).batch_answer(found.body, request))
            kept += 1
        keeper.flush()

    run(take())
    return Taken(kept, strangers, len(failures), tuple(dict.fromkeys(failures))[:_MOST_FAILURES])


def _plans(subject: str, engine: Engine, suites: Sequence[Suite], session: Session) -> list[Plan]:
    """Return the plans as a run would make them; the first question may be asked to find out the form."""
    _batching(engine)

    async def settle() -> list[Plan]:
        async with LateEngine(engine) as late:
            found = []
            for suite in suites:
                settled = await settle_form(suite, subject, late, session)
                found.append(make_plan(suite, subject, late.identity, settled.form, asked=settled.asked))
            return found

    return run(settle())


def _batching(engine: object) -> _Batching:
    """Return the engine as one with batches; raises UsageError for one without."""
    if _has_batches(engine):
        return engine
    raise UsageError(
        "this engine has no batch files", hint="give the address of a vendor or of vLLM: https://host/v1#model"
    )


def _has_batches(engine: object) -> TypeGuard[_Batching]:
    return hasattr(engine, "batch_line")
