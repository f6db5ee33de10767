"""Batch files: what a suite would ask goes into a vendor's batch at half the price, and its results come back here."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

from weighbridge.core.digest import digest_of
from weighbridge.engine.late import LateEngine
from weighbridge.engine.protocol import STORED
from weighbridge.engine.wire.batch import answered_in
from weighbridge.errors import UsageError
from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import settle_form
from weighbridge.evaluation.run.keeper import Keeper
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from weighbridge.engine.protocol import Completion, Engine, Request
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite

__all__ = ["Taken", "take_batch", "write_batch"]

_SHA = "sha256:"  # vendors allow 64 characters, which is the digest without it
_MOST_FAILURES = 3
_DATE = re.compile(r"[-@]\d{4}(-?\d{2}-?\d{2})?")


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
    """What a file of results gave: answers kept, lines of other plans, and the first failures in the vendor's words.

    `other_models` counts answers kept that name another model than was asked, by that name; a dated name is the same.
    """

    kept: int
    strangers: int
    failed: int
    failures: tuple[str, ...]
    other_models: dict[str, int]


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
    """Keep the answers of a file of results under their recipes.

    Raises SuiteError for a file that is none, and UsageError where one request has two different answers: then nothing
    is kept.
    """
    requests = {
        recipe.removeprefix(_SHA): (recipe, request)
        for plan in _plans(subject, engine, suites, session)
        for recipe, request in zip(plan.recipes, plan.requests, strict=True)
    }
    _check_once(engine, place, requests)
    kept = strangers = 0
    failures: list[str] = []
    others: Counter[str] = Counter()

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
            completion = _batching(engine).batch_answer(found.body, request)
            if completion.outcome not in STORED:
                failures.append(completion.detail or completion.outcome.value)
                continue
            keeper.keep(recipe, completion)
            kept += 1
            if (served := completion.served_model) and not _is_named(_asked_model(engine, request), served):
                others[served] += 1
        keeper.flush()

    run(take())
    return Taken(kept, strangers, len(failures), tuple(dict.fromkeys(failures))[:_MOST_FAILURES], dict(others))


def _check_once(engine: Engine, place: Path, requests: Mapping[str, tuple[str, Request]]) -> None:
    """Check that no request has two different answers, before any is kept; raises UsageError that names it."""
    seen: dict[str, str] = {}
    for row in read_rows(place, Dialect(format="jsonl")):
        found = answered_in(row.cells)
        if found is None or found.body is None or found.name not in requests:
            continue
        read = _batching(engine).batch_answer(found.body, requests[found.name][1])
        if read.outcome not in STORED:
            continue
        own = digest_of([read.outcome.value, read.text, read.thinking, [list(call) for call in read.tool_calls]])
        if seen.setdefault(found.name, own) != own:
            raise UsageError(
                f"{row.place}: the request `{found.name}` is answered twice, and not alike",
                hint="give the results of one batch; nothing of this file was taken",
            )


def _asked_model(engine: Engine, request: Request) -> str:
    """Return the model that a request of a batch names; "" where it names none."""
    line = _batching(engine).batch_line(request, "")
    body = line.get("body", line.get("params")) if isinstance(line, dict) else None
    name = body.get("model") if isinstance(body, dict) else None
    return name if isinstance(name, str) else ""


def _is_named(asked: str, served: str) -> bool:
    """Say whether a served name is the one asked for, or that with its date: `gpt-5-mini-2025-08-07`."""
    return (
        not asked or served == asked or (served.startswith(asked) and _DATE.fullmatch(served[len(asked) :]) is not None)
    )


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
