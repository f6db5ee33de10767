"""The arena as use cases: ask the models and freeze a ballot, ask a judge, report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.core.digest import short
from weighbridge.dossier.arena_chart import rating_plot
from weighbridge.engine.late import LateEngine
from weighbridge.errors import ExtraMissing, Interrupted, NotFound, UsageError, did_you_mean
from weighbridge.evaluation.arena.ballot import Entrant, ballot_at, freeze
from weighbridge.evaluation.arena.judge import Judge, ask_judge
from weighbridge.evaluation.arena.judged import labels_of
from weighbridge.evaluation.arena.report import evidence_of, read_report
from weighbridge.evaluation.arena.votes import VoteLog
from weighbridge.evaluation.marks import suite_body
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import ask_and_tell, settle_form
from weighbridge.workflow.evaluation.engines import context_needed
from weighbridge.workflow.evaluation.loop import run
from weighbridge.workflow.evaluation.measure import EngineChoice, askable, choose_engine
from weighbridge.workflow.inspection.look import look
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from weighbridge.core.evidence import Evidence
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.judging import Terms
    from weighbridge.evaluation.arena.report import Report
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.store.protocol import Store

__all__ = ["Call", "ballot_at", "draw_ratings", "judge_arena", "open_arena", "report_arena", "stand_beside"]

_STORED = "evidence:"
_KINDS = frozenset({"score/v1", "behaviour/v1"})


@dataclass(frozen=True, slots=True)
class Call:
    """Who meets on which prompts. A model is a reference, or `evidence:ID` of a score whose answers are stored."""

    suite: Suite
    models: Sequence[str]
    seed: str
    engine: EngineChoice = field(default_factory=EngineChoice)


def open_arena(call: Call, session: Session, cache: DigestCache | None = None) -> Evidence:
    """Ask every model what the store does not hold of its answers, and return the frozen `ballot/v1`.

    Raises UsageError for a suite that asks for no text, a model that cannot be asked, or nothing to vote on, and
    Interrupted where it was stopped: what was answered is kept.
    """
    if call.suite.reads_distribution or call.suite.measures == "latency/v1":
        raise UsageError(
            f"`{call.suite.name}` asks for letters or times, which nobody can compare",
            hint="take a suite whose answers are written out, or a table of prompts",
        )
    entrants = [_entrant(reference, call, session, cache) for reference in call.models]
    met = Counter(item for entrant in entrants for item in entrant.recipes)
    items = [item for item in call.suite.items if met[item.id] > 1]
    return freeze(suite_body(call.suite), items, entrants, call.seed, session.store, session.on)


def judge_arena(
    ballot: Ballot,
    reference: str,
    terms: Terms,
    session: Session,
    *,
    engine: EngineChoice | None = None,
    cache: DigestCache | None = None,
) -> Evidence:
    """Ask a judge for verdicts, people's votes so far being its calibration; return the `verdicts/v1`.

    `reference` is a model as anywhere else. Stopped early, it ends with the verdicts it has.
    """
    artefact = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress).artefact
    chosen = choose_engine(artefact, engine or EngineChoice())
    if isinstance(chosen, str):
        raise UsageError(f"`{artefact.name}` cannot judge: {chosen}")
    labelled = set(labels_of(VoteLog.read(ballot, session.store).counted()))

    async def ask() -> Evidence:
        async with LateEngine(chosen) as late:
            with session.stop.on_interrupt():
                judge = Judge(artefact.digest, artefact.name, late, getattr(chosen, "reserve", None))
                return await ask_judge(ballot, judge, labelled, terms, session)

    return run(ask())


def report_arena(store: Store, id_prefix: str | None = None) -> Report:
    """Return the report of the ballot whose id starts so, or of the newest."""
    return read_report(ballot_at(store, id_prefix), store)


def stand_beside(report: Report, baseline: str | None, store: Store) -> list[Evidence]:
    """Write `arena/v1` of every other model beside the baseline, a name of the arena; of two models the second is it.

    Nothing is written where nobody voted and nothing was judged. Raises NotFound for a name that is not in the arena.
    """
    names = report.ballot.names
    if baseline is None and len(names) > 2:  # noqa: PLR2004 - of more than two, nobody is the baseline by its place
        return []
    wanted = names[-1] if baseline is None else baseline
    found = [place for place, name in enumerate(names) if name == wanted]
    if not found:
        known = ", ".join(f"`{name}`" for name in names)
        raise NotFound(f"`{wanted}` is not in the arena", hint=did_you_mean(wanted, names) or f"it holds {known}")
    if not report.votes and not report.verdicts:
        return []
    made = [evidence_of(report, place, found[0]) for place in range(len(names)) if place != found[0]]
    for evidence in made:
        store.add(evidence)
    return made


def draw_ratings(content: Mapping[str, Any], place: Path) -> None:
    """Write the ratings of a report (`Report.to_json`) as SVG; raises where nothing can be drawn or written."""
    if not content["ratings"]:
        raise UsageError(f"there are no ratings to draw: {content['why_no_ratings']}", hint="collect votes first")
    plot = rating_plot(content)
    if plot is None:
        raise ExtraMissing("charts need `vl-convert-python`", hint="pip install 'weighbridge[charts]'")
    write_whole(place, str(plot).encode())


def _entrant(reference: str, call: Call, session: Session, cache: DigestCache | None) -> Entrant:
    """Return one model with the recipes of its answers."""
    if reference.startswith(_STORED):
        return _stored(session.store.get(reference.removeprefix(_STORED)), call.suite)
    inspected = look(reference, on=session.on, cache=cache, store=session.store, progress=session.progress)
    artefact = inspected.artefact
    chosen = choose_engine(artefact, call.engine)
    suites, gaps = askable([call.suite], inspected, call.engine)
    if isinstance(chosen, str) or not suites:
        why = chosen if isinstance(chosen, str) else "; ".join(gaps)
        raise UsageError(f"`{artefact.name}` cannot be asked: {why}")
    recipes = _ask(artefact.digest, chosen, suites[0], session)
    return Entrant(artefact.digest, artefact.name, chosen.identity, recipes)


def _ask(subject: str, engine: Engine, suite: Suite, session: Session) -> dict[str, str]:
    """Ask what is not stored, and return the recipes by item."""
    if (reserve := getattr(engine, "reserve", None)) is not None:
        reserve(context_needed([suite]))

    async def ask() -> dict[str, str]:
        async with LateEngine(engine) as late:
            with session.stop.on_interrupt(), session.stop.scope():
                form = (await settle_form(suite, subject, late, session)).form
                plan = make_plan(suite, subject, late.identity, form, limit=session.limit, draw=session.draw)
                await ask_and_tell(plan, late, session)
                recipes: dict[str, str] = {}
                for item, recipe in zip(plan.items, plan.recipes, strict=True):
                    recipes.setdefault(item.id, recipe)
                if not session.stop.asked:
                    return recipes
        raise Interrupted("stopped before all models answered; their answers are kept",
                          hint="the same command goes on from there")  # fmt: skip

    return run(ask())


def _stored(evidence: Evidence, suite: Suite) -> Entrant:
    """Return the model of a score, with the answers that were scored."""
    if evidence.kind not in _KINDS or evidence.body["suite"]["digest"] != suite.digest:
        raise UsageError(
            f"`{short(evidence.id)}` holds no answers to `{suite.name}`",
            hint="name a score of this suite, as `weighbridge evidence list` shows it",
        )
    recipes: dict[str, str] = {}
    for item in evidence.body["items"]:
        recipes.setdefault(item["id"], item["completion"])
    return Entrant(evidence.subject, str(evidence.body["engine"]["model"]), None, recipes)
