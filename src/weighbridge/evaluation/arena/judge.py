"""Asking a judge: through the runner, so that a verdict is asked for once and kept under its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.protocol import Outcome
from weighbridge.errors import UsageError
from weighbridge.evaluation.arena.ballot import read_answers
from weighbridge.evaluation.arena.judging import INSTRUCTION, judge_plan, read_verdict, showings
from weighbridge.evaluation.run import ask_and_tell
from weighbridge.evaluation.run.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.engine.protocol import Completion, Engine
    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.judging import Showing, Terms
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run import Run, Session

__all__ = ["KIND", "Judge", "ask_judge", "can_be_held", "tokens_needed"]

KIND = "verdicts/v1"
_MARGIN, _STEP = 256, 4096  # what a chat template adds; the room that engines are given at once


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that judges; `reserve` makes room for the longest prompt, in tokens, where its engine wants to know."""

    digest: str
    name: str
    engine: Engine
    reserve: Callable[[int], None] | None = None


async def ask_judge(
    ballot: Ballot, judge: Judge, labelled: set[tuple[int, int, int]], terms: Terms, session: Session
) -> Evidence:
    """Ask for verdicts and return them as `verdicts/v1`, which is added to the store.

    `labelled` are the (prompt, model, model) that people voted on. Raises UsageError for a judge that is itself in
    the arena: models prefer their own answers.
    """
    if judge.digest in {model.digest for model in ballot.body.models}:
        raise UsageError(f"`{judge.name}` is in the arena: it would judge its own answers", hint="name another judge")
    recipes = {recipe for model in ballot.body.models for recipe in model.answers if recipe}
    shown = showings(ballot, read_answers(session.store, sorted(recipes)), labelled, terms)
    plans = {
        held: judge_plan(ballot, shown, judge.digest, judge.engine.identity, constrained=held) for held in (True, False)
    }
    if judge.reserve is not None:
        judge.reserve(tokens_needed(plans[True]))
    held = await can_be_held(plans, judge.engine, session)
    run = await ask_and_tell(plans[held], judge.engine, session)
    body = _body(ballot, judge, shown, plans[held], run) | {"reading": "constrained" if held else "generated"}
    KINDS[KIND].model_validate(body)
    inputs = (ballot.id, judge.digest, judge.engine.identity.digest, INSTRUCTION)
    evidence = Evidence(ballot.id, KIND, body, inputs, OURS, run.oldest)
    session.store.add(evidence)
    return evidence


def tokens_needed(plan: Plan) -> int:
    """Return the tokens that the longest request may take, in steps of 4,096; a token has at least two bytes."""
    longest = max(len(f"{one.system}{one.text}".encode()) // 2 + one.max_tokens for one in plan.requests)
    return -(-(longest + _MARGIN) // _STEP) * _STEP


async def can_be_held(plans: dict[bool, Plan], engine: Engine, session: Session) -> bool:
    """Say whether the engine can be held to the words of a verdict; where verdicts are stored, as they were asked."""
    for held, plan in plans.items():
        if session.store.completions(plan.recipes[:1]):
            return held
    for held, plan in plans.items():
        tried = await engine.complete(plan.requests[0])
        if tried.outcome is not Outcome.FAILED:
            keeper = Keeper(session.store, session.on)
            keeper.keep(plan.recipes[0], tried)
            keeper.flush()
            return held
    return True  # nothing works: the run says so, verdict by verdict


def _body(ballot: Ballot, judge: Judge, shown: Sequence[Showing], plan: Plan, run: Run) -> dict[str, Any]:
    """Return all of a `verdicts/v1` but how verdicts were read."""
    rows = list(zip(shown, run.completions, plan.recipes, strict=True))
    models, prompts = ballot.body.models, ballot.body.prompts
    verdicts = [
        {
            "prompt": prompts[one.prompt].id,
            "left": models[one.left].digest,
            "right": models[one.right].digest,
            "verdict": read_verdict(completion),
            "order": one.purpose,
            "completion": recipe,
        }
        for one, completion, recipe in rows
        if one.purpose != "canary" and completion.outcome is not Outcome.NOT_ASKED
    ]
    canaries, obeyed = _canaries([(one, completion) for one, completion, _ in rows if one.purpose == "canary"])
    return {
        "judge": judge.digest,
        "judge_name": judge.name[:200],
        "engine": judge.engine.identity.to_json(),
        "instruction": INSTRUCTION,
        "verdicts": verdicts,
        "canaries": canaries,
        "obeyed": obeyed,
    }


def _canaries(rows: Sequence[tuple[Showing, Completion]]) -> tuple[int, int]:
    """Return how many canaries got both verdicts, and how many were chosen in both orders."""
    said: dict[int, list[bool | None]] = {}
    for number, (one, completion) in enumerate(rows):
        verdict = read_verdict(completion)
        said.setdefault(number // 2, []).append(None if verdict == "none" else verdict == one.lured)
    whole = [pair for pair in said.values() if None not in pair]
    return len(whole), sum(all(pair) for pair in whole)
