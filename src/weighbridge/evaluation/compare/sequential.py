"""A comparison that stops as soon as it is clear: items are drawn, both models are marked on them, a test decides.

The plan is in the store before the first call; every draw and score is in the journal before anything follows from
it, so that a killed comparison goes on as the same one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.pace import pace_of
from weighbridge.errors import Interrupted, UsageError
from weighbridge.evaluation.compare.contest import Contest
from weighbridge.evaluation.compare.earlier import earlier_plan
from weighbridge.evaluation.compare.found import found_body
from weighbridge.evaluation.compare.history import read_history, to_array
from weighbridge.evaluation.compare.journal import damaged
from weighbridge.evaluation.compare.outcomes import marks_of, outcomes_of
from weighbridge.evaluation.compare.sides import read_as, stored_run
from weighbridge.evaluation.marks import prepare_scorer, scorer_digest, suite_body
from weighbridge.evaluation.plan import Reading, forms_of, make_plan
from weighbridge.evaluation.run import Stop, ask, settle_form
from weighbridge.statistics.sequential import Sampler, make_predictor
from weighbridge.statistics.sequential import make_plan as plan_comparison

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import date

    from numpy.typing import NDArray

    from weighbridge.core.progress import Advance
    from weighbridge.engine.protocol import Engine, Form
    from weighbridge.evaluation.compare.history import History
    from weighbridge.evaluation.compare.journal import Journal
    from weighbridge.evaluation.compare.sides import Side
    from weighbridge.evaluation.compare.terms import Terms
    from weighbridge.evaluation.plan import Asked, Plan
    from weighbridge.evaluation.run import Session, Settled
    from weighbridge.evaluation.suite import Suite
    from weighbridge.statistics.sequential import Plan as ComparisonPlan
    from weighbridge.statistics.sequential import Predictor

__all__ = ["Prepared", "compare_until_clear", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A comparison that has not asked anything yet: the frozen plan and what it was made from."""

    suite: Suite
    form: Form
    ways: tuple[Asked, Asked]
    sides: tuple[Side, Side]
    stored: Evidence | None
    history: History
    predictor: Predictor
    plan: ComparisonPlan

    def statement(self, session: Session) -> Evidence:
        """Return `plan/v1`: what goes into the store before the first call."""
        candidate, baseline = self.sides
        body = {
            "suite": suite_body(self.suite),
            "form": self.form,
            "scorer": self.suite.scorer,
            "engine": _asked(candidate).identity.to_json(),
            "baseline": baseline.subject,
            "baseline_name": baseline.name,
            "baseline_engine": None if self.stored else _asked(baseline).identity.to_json(),
            "plan": self.plan.to_json(),
            "history": list(self.history.ids),
        }
        KINDS["plan/v1"].model_validate(body)
        inputs = (self.suite.digest, _asked(candidate).identity.digest, scorer_digest(self.suite), self.plan.digest)
        return Evidence(candidate.subject, "plan/v1", body, inputs, OURS, session.on)


async def prepare(suite: Suite, candidate: Side, baseline: Side, terms: Terms, session: Session) -> Prepared:
    """Freeze the plan: the baseline's whole run is used where the store holds it, else both models are asked.

    The seed is the digest of who is compared on what, so that nobody chooses it; and the plan of the same comparison
    that is in the store already is the plan, whatever was learnt since: one question is answered once. Raises
    UsageError where the suite has no right and wrong, or nothing answers for a model that has to be asked.
    """
    if suite.measures != "score/v1":
        raise UsageError(f"`{suite.name}` has no right answers to compare", hint="compare a suite that is scored")
    prepare_scorer(suite, session.progress)
    stored = stored_run(session.store, suite, baseline.subject)
    settled = await settle_form(suite, candidate.subject, _asked(candidate), session)
    seed = int(digest_of([candidate.subject, baseline.subject, suite.digest, settled.form, session.draw])[-12:], 16)
    earlier = earlier_plan(session.store, suite, (candidate.subject, baseline.subject), terms, seed)
    if earlier is not None and earlier.both:
        stored = None
    if stored is not None and read_as(stored.body) != (settled.form, settled.asked.reading):
        stored = None  # marks of different prompt forms are never compared
    form, ways = settled.form, (settled.asked, settled.asked)
    if stored is None:
        form, ways = await _alike(suite, settled, candidate, baseline, session)
    without = {candidate.subject} if stored is not None else {candidate.subject, baseline.subject}
    history = read_history(session.store, suite, without=without, only=earlier.history if earlier else None)
    predictor = make_predictor(len(suite.items), history=history.matrix, baseline=_answers(suite, stored))
    plan = plan_comparison(
        predictor,
        terms.question,
        items=[item.id for item in suite.items],
        margin=terms.margin if terms.question == "noninferior" else 0.0,
        alpha=terms.alpha,
        budget=terms.budget,
        seed=seed,
    )
    return Prepared(suite, form, ways, (candidate, baseline), stored, history, predictor, plan)


def _answers(suite: Suite, stored: Evidence | None) -> NDArray[np.float64] | None:
    """Return a stored baseline's scores, or None; what has no mark counts as right, so against the candidate."""
    if stored is None:
        return None
    marks = marks_of(suite, {row["id"]: row["mark"] for row in stored.body["items"]})
    scores: NDArray[np.float64] = np.nan_to_num(to_array([marks], len(suite.items))[0], nan=1.0)
    return scores


async def compare_until_clear(prepared: Prepared, session: Session, journal: Journal) -> Evidence:
    """Draw, ask and test until there is a verdict or the budget is spent; return `comparison/v1`.

    The plan, the comparison and the outcomes of what was asked are added to the store. Raises Interrupted where an
    endpoint does not answer: what was done is kept, and the same call goes on from there.
    """
    statement = prepared.statement(session)
    session.store.add(statement)
    sampler = _sampler(prepared, journal)
    generates = not any(item.choices for item in prepared.suite.items)
    ahead = max(side.engine.lanes(generates=generates) for side in prepared.sides if side.engine is not None)
    contest = Contest(prepared.suite, sampler, journal, _theirs(prepared), ahead=2 * ahead)
    stop, oldest = Stop(), session.on  # its own: a stop lets go of both sides at once

    def note() -> str:
        return ", ".join(filter(None, (contest.note(), *map(_held_up, prepared.sides))))

    progress = session.progress(prepared.suite.name, prepared.plan.limit, "questions", note=note, at_most=True)
    with progress as advance, stop.on_interrupt(), stop.scope():
        oldest = await _run(prepared, contest, session, advance)
    if stop.asked or sampler.verdict is None:
        ended = "was stopped" if stop.asked else f"is not finished: {contest.trouble}"
        raise Interrupted(
            f"the comparison on `{prepared.suite.name}` {ended}{_so_far(contest)}",
            hint="what was answered is kept; run the same command again, it goes on from there",
        )
    return _finish(prepared, contest, statement, session, oldest)


def _held_up(side: Side) -> str:
    """Say what holds the requests to a side up, where something does."""
    pace = pace_of(side.engine) if side.engine is not None else None
    told = pace.told() if pace is not None else ""
    return f"{side.name}: {told}" if told else ""


def _so_far(contest: Contest) -> str:
    """Say how it stands: the interval holds whenever it is looked at."""
    found, drawn = contest.note(), contest.sampler.standing().released
    return f"; after {drawn:,} questions {found}, without a verdict" if found else ""


def _sampler(prepared: Prepared, journal: Journal) -> Sampler:
    """Return the sampler that goes on from the journal; another budget only moves the end.

    Arithmetic alone may decide before the first draw, which says nothing about the candidate: UsageError.
    """
    log = journal.read()
    if log and log[0].get("digest") != prepared.plan.digest:
        before = log[0].get("plan")
        if not isinstance(before, dict) or {**before, "budget": prepared.plan.budget} != prepared.plan.to_json():
            raise damaged(journal.place, "it is of another plan")
        log[0] = {**log[0], "digest": prepared.plan.digest, "plan": prepared.plan.to_json()}
    try:
        sampler = Sampler.restore(log, prepared.predictor) if log else Sampler(prepared.plan, prepared.predictor)
    except UsageError as error:
        raise damaged(journal.place, error.message) from error
    if not log and sampler.verdict is not None:
        raise UsageError(
            f"any model would be {sampler.verdict} to `{prepared.sides[1].name}` on `{prepared.suite.name}`",
            hint="choose another margin or suite, or ask `--better`",
        )
    return sampler


async def _run(prepared: Prepared, contest: Contest, session: Session, advance: Advance) -> date:
    """Ask rounds of drawn items; return the day of the oldest answer."""
    candidate, baseline = prepared.sides
    mine = _requests(prepared, candidate)
    oldest = session.on
    while contest.open_round():
        async with asyncio.TaskGroup() as group:
            order: Iterator[int] | AsyncIterator[int] = contest.order()
            if prepared.stored is None:
                theirs = _requests(prepared, baseline)
                heard = contest.hear_baseline(theirs)
                group.create_task(ask(theirs, _asked(baseline), session, _unseen, order=contest.echo(), heard=heard))
                order = contest.order_beside()
            run = await ask(mine, _asked(candidate), session, advance, order=order, heard=contest.hear(mine))
            contest.close_round()
        oldest = min(oldest, run.oldest)
    return oldest


def _requests(prepared: Prepared, side: Side) -> Plan:
    """Return one side's requests, one an item."""
    engine = _asked(side)
    asked = prepared.ways[prepared.sides.index(side)]
    plan = make_plan(prepared.suite, side.subject, engine.identity, prepared.form, asked=asked)
    if [item.id for item in plan.items] != [item.id for item in prepared.suite.items]:
        raise UsageError(
            f"`{prepared.suite.name}` asks for several answers an item", hint="compare whole runs of it: `--full`"
        )
    return plan


async def _alike(
    suite: Suite, ours: Settled, candidate: Side, baseline: Side, session: Session
) -> tuple[Form, tuple[Asked, Asked]]:
    """Return the prompt form that both engines can answer, and how each is asked in it.

    Choices are read as the weaker engine can; reasoning stays each model's own.
    """
    theirs = await settle_form(suite, baseline.subject, _asked(baseline), session)
    if theirs.form != ours.form:  # the order of preference is the same, so the later one is what both can do
        form = max(ours.form, theirs.form, key=forms_of(suite).index)
        ours = await settle_form(suite, candidate.subject, _asked(candidate), session, form=form)
        theirs = await settle_form(suite, baseline.subject, _asked(baseline), session, form=form)
    weaker = max(ours.asked.reading, theirs.asked.reading, key=get_args(Reading).index)
    return ours.form, (replace(ours.asked, reading=weaker), replace(theirs.asked, reading=weaker))


def _finish(prepared: Prepared, contest: Contest, statement: Evidence, session: Session, oldest: date) -> Evidence:
    """Write down what was found."""
    candidate, baseline = prepared.sides
    pairs = contest.pairs()
    asked = len(pairs) * (1 if prepared.stored else 2)
    told: dict[str, Any] = {
        "suite": suite_body(prepared.suite),
        "form": prepared.form,
        "baseline": baseline.subject,
        "baseline_name": baseline.name,
        "calls": asked,
        "full_calls": len(prepared.suite.items) * (1 if prepared.stored else 2),
        "history": len(prepared.history.ids),
        "baseline_unmarked": _unmarked(prepared),
    }
    body = found_body(prepared.plan, contest.sampler.standing(), pairs, told)
    KINDS["comparison/v1"].model_validate(body)
    inputs = (statement.id, *((prepared.stored.id,) if prepared.stored else ()))
    made_on = min(oldest, prepared.stored.made_on) if prepared.stored else oldest
    evidence = Evidence(candidate.subject, "comparison/v1", body, inputs, OURS, made_on)
    session.store.add(evidence)
    session.store.add(outcomes_of(prepared.suite, evidence))
    if prepared.stored is None:
        session.store.add(outcomes_of(prepared.suite, evidence, baseline=True))
    return evidence


def _unmarked(prepared: Prepared) -> float:
    """Return the share of a stored baseline that has no mark; 0 where it is asked."""
    rows = prepared.stored.body["items"] if prepared.stored else ()
    return sum(row["mark"] not in {"right", "wrong"} for row in rows) / len(rows) if rows else 0.0


def _theirs(prepared: Prepared) -> dict[str, tuple[str, str]] | None:
    """Return the baseline's stored marks and answers by item, or None where it is asked."""
    if prepared.stored is None:
        return None
    return {row["id"]: (row["mark"], row["said"]) for row in prepared.stored.body["items"]}


def _asked(side: Side) -> Engine:
    """Return the engine of a side that has to be asked; raises UsageError where there is none."""
    if side.engine is None:
        raise UsageError(
            f"nothing answers for `{side.name}`, and its whole run is not in the store",
            hint="start a server and give its address, or evaluate it first",
        )
    return side.engine


def _unseen(_units: int) -> None:
    """Count nothing: the bar shows the candidate's items."""
