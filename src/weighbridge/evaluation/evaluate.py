"""Evaluate: one suite of one artefact on one engine, as evidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.compare.outcomes import outcomes_of
from weighbridge.evaluation.forced import force_hidden
from weighbridge.evaluation.latency import latency_body
from weighbridge.evaluation.marks import (
    answer_digest,
    bounds,
    calibration_of,
    common_body,
    item_bodies,
    mark_all,
    notes_on,
    prepare_scorer,
    scorer_digest,
    unscored_counts,
)
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import Session, ask_and_tell, settle_form
from weighbridge.evaluation.suite import Score
from weighbridge.statistics.interval import share_estimate
from weighbridge.statistics.passk import pass_at_k_estimate

if TYPE_CHECKING:
    from weighbridge.core.estimate import Estimate
    from weighbridge.engine.protocol import Engine, Form
    from weighbridge.evaluation.marks import Mark
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run import Run
    from weighbridge.evaluation.suite import Suite

__all__ = ["evaluate"]

_REFUSED = frozenset({"refusal", "partial"})
_INVALID = "nonsense"
_WARM_UP = "Hello!"
_USUAL_K = (5, 10, 100)


async def evaluate(
    suite: Suite, subject: str, engine: Engine, session: Session, *, form: Form | None = None
) -> Evidence:
    """Ask a suite and return `score/v1`, `behaviour/v1` or `latency/v1`, as the suite says.

    `form` fixes the prompt form: a baseline is asked in the candidate's. Work that is in the store is not done
    again. The evidence is added to the store; it is dated by its oldest answer.
    """
    prepare_scorer(suite, session.progress)
    settled = await settle_form(suite, subject, engine, session, form=form)
    plan = make_plan(suite, subject, engine.identity, settled.form, asked=settled.asked)
    work = (suite.digest, engine.identity.digest, scorer_digest(suite), plan.digest)
    done = _done(subject, suite.measures, work, session)
    if done is not None:
        return done
    times_answers = suite.measures == "latency/v1"
    pending = len(plan.recipes) - len(session.store.completions(plan.recipes))
    if times_answers and pending:
        # the first answer pays for loading; another text, or the first timed prompt would be cached
        await engine.complete(replace(plan.requests[0], text=_WARM_UP))
    run = await ask_and_tell(plan, engine, session, lanes=1 if times_answers else None)
    run.count_in(settled)
    plan, hidden = await force_hidden(plan, run, subject, engine, session)
    body = _BODIES[suite.measures](plan, run) | common_body(plan, run, engine.identity)
    if hidden:
        body["notes"].append(f"{hidden:,} letters were not among the reported tokens: they were asked for by force")
    KINDS[suite.measures].model_validate(body)
    evidence = Evidence(subject, suite.measures, body, (*work, _draw_digest(session)), OURS, run.oldest)
    session.store.add(evidence)
    if suite.measures == "score/v1":
        session.store.add(outcomes_of(suite, evidence))
    return evidence


def _done(subject: str, kind: str, work: tuple[str, ...], session: Session) -> Evidence | None:
    """Return the newest whole evidence of the same work; a session with a draw of its own wants that draw."""
    draw = _draw_digest(session)
    found = [
        evidence
        for evidence in session.store.select(subject=subject, kind=kind)
        if evidence.inputs[:-1] == work and evidence.producer == OURS and evidence.body["calls"]["failed"] == 0
        if session.draw == 0 or evidence.inputs[-1] == draw
    ]
    return max(found, key=lambda evidence: evidence.made_on, default=None)


def _draw_digest(session: Session) -> str:
    """Return the input that tells repeated askings apart."""
    return digest_of({"draw": session.draw})


def _score(plan: Plan, run: Run) -> dict[str, Any]:
    """Return what is special to `score/v1`."""
    marks = mark_all(plan, run)
    accuracy = _accuracy(marks)
    return {
        "scorer": plan.suite.scorer,
        "reading": plan.reading,
        "reasoned": plan.asked.reasons,
        "accuracy": accuracy.to_json() if accuracy else None,
        "pass_at": _pass_at(marks, plan.suite.generation.samples),
        "chance": plan.suite.chance,
        "unscored": unscored_counts(marks),
        **bounds(marks),
        "notes": notes_on(marks),
        "items": item_bodies(marks),
    }


def _accuracy(marks: list[Mark]) -> Estimate | None:
    """Return the share right, with an interval over questions: several samples of one question are one cluster."""
    counts = _counts(marks)
    found = pass_at_k_estimate(counts, 1)
    return replace(found, unscored=len(_asked(marks)) - sum(n for n, _ in counts)) if found else None


def _asked(marks: list[Mark]) -> list[Mark]:
    """Leave out the questions that a run which was stopped never asked: they are no answers without a mark."""
    return [mark for mark in marks if mark.completion.outcome is not Outcome.NOT_ASKED]


def _pass_at(marks: list[Mark], samples: int) -> dict[str, Any]:
    """Return pass@k for the usual k up to the samples drawn; a question with fewer marked samples is unscored."""
    found = {}
    for k in sorted({k for k in (*_USUAL_K, samples) if 1 < k <= samples}):
        counts = [(n, rights) for n, rights in _counts(marks) if n >= k]
        if estimate := pass_at_k_estimate(counts, k):
            asked = len({mark.item.id for mark in _asked(marks)})
            found[str(k)] = replace(estimate, unscored=asked - len(counts)).to_json()
    return found


def _counts(marks: list[Mark]) -> list[tuple[int, int]]:
    """Return, for each question with a mark, how many of its samples are marked and how many are right."""
    rights: dict[str, list[bool]] = {}
    for mark in marks:
        if isinstance(mark.mark, Score):
            rights.setdefault(mark.item.id, []).append(mark.mark.label == "right")
    return [(len(one), sum(one)) for one in rights.values()]


def _behaviour(plan: Plan, run: Run) -> dict[str, Any]:
    """Return what is special to `behaviour/v1`; nonsense leaves the denominator of the refusal rates."""
    marks = mark_all(plan, run)
    labels: dict[str, Counter[str]] = {}
    for mark in marks:
        if isinstance(mark.mark, Score):
            labels.setdefault(mark.item.group, Counter())[mark.mark.label] += 1
    return {
        "scorer": plan.suite.scorer,
        "over_refusal": _refusals(marks, "safe"),
        "harmful_refusal": _refusals(marks, "harmful"),
        "nonsense": _nonsense(marks),
        "labels": {group: dict(sorted(counts.items())) for group, counts in sorted(labels.items())},
        "calibration": calibration_of(plan.suite),
        "unscored": unscored_counts(marks),
        "items": item_bodies(marks),
    }


def _refusals(marks: list[Mark], group: str) -> dict[str, Any] | None:
    """Return the share of refusals among the valid answers to one class of questions."""
    asked = [mark for mark in _asked(marks) if mark.item.group == group]
    valid = [m.mark.label for m in asked if isinstance(m.mark, Score) and m.mark.label != _INVALID]
    estimate = share_estimate(sum(label in _REFUSED for label in valid), len(valid), unscored=len(asked) - len(valid))
    return estimate.to_json() if estimate else None


def _nonsense(marks: list[Mark]) -> dict[str, Any] | None:
    """Return the share of answers that are no answer."""
    labels = [mark.mark.label for mark in marks if isinstance(mark.mark, Score)]
    estimate = share_estimate(labels.count(_INVALID), len(labels), unscored=len(_asked(marks)) - len(labels))
    return estimate.to_json() if estimate else None


def _latency(plan: Plan, run: Run) -> dict[str, Any]:
    """Return what is special to `latency/v1`."""
    items = [
        {
            "id": item.id,
            "outcome": completion.outcome.value,
            "mark": "timed" if completion.first_token_s is not None else "unscored: the tokens did not come one by one",
            "question": item.question[:400],
            "said": completion.text[:400] or completion.detail[:400],
            "completion": recipe,
            "answer": answer_digest(completion),
        }
        for item, completion, recipe in zip(plan.items, run.completions, plan.recipes, strict=True)
    ]
    return {"machine": plan.machine, "items": items, **latency_body(run.completions)}


_BODIES = {"score/v1": _score, "behaviour/v1": _behaviour, "latency/v1": _latency}
