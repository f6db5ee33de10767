"""Compose: a decision and its evidence, arranged for reading. Pure: the same input gives the same dossier."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from weighbridge.core.digest import canonical, short
from weighbridge.core.kinds import (
    KINDS,
    AnatomyV2,
    BehaviourV1,
    CardV1,
    ComparisonV1,
    DrawnBody,
    FilesV1,
    FitV1,
    ItemBody,
    LatencyV1,
    ScoreV1,
    StaleV1,
)
from weighbridge.decision.decide import Decision
from weighbridge.dossier.asked import Part, asserted_engines, part_of
from weighbridge.dossier.coverage import NOT_YET, Look, further_looks, looks
from weighbridge.dossier.record import BodyT, Demand, Flip, Measured, Record, Source, Tally, anchor_of
from weighbridge.dossier.title import titles_of
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.core.evidence import Evidence
    from weighbridge.core.kinds import Body

__all__ = ["Dossier", "compose", "read_decision"]

_OUTCOMES = ("fail", "unknown", "pass")
_EFFECTS = ("reject", "hold", "condition", "none")
# Kinds that are read as tables of their own, in the order of reading.
_FURTHER = (
    "behaviour/v2", "behaviour-comparison/v1", "hijack/v1", "jailbreak/v1", "load/v1", "arena/v1", "precision/v1",
    "contamination/v1",
)  # fmt: skip
_EXAMINED = ("licence/v1", "safety/v1", "lineage/v1", "openness/v1", "provenance/v1")
_DECISION = TypeAdapter(Decision)


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a renderer needs, in the order of reading.

    By id: `titles` says what each measurement is called, `parts` how much of its suite was asked where that is not
    all, `flips` are those of each comparison. `asserted` names the engines that only the user vouches for. `examined`
    holds the last statement on licence, safety, lineage and openness, by kind; `further` all of each kind that is read
    as tables of its own. `stale` says why the decision no longer holds, where an event on a hub has overtaken it.
    """

    decision: dict[str, Any]
    name: str
    tally: Tally
    rulings: tuple[dict[str, Any], ...]
    files: Record[FilesV1] | None
    anatomy: Record[AnatomyV2] | None
    card: Record[CardV1] | None
    scores: tuple[Record[ScoreV1], ...]
    behaviours: tuple[Record[BehaviourV1], ...]
    latencies: tuple[Record[LatencyV1], ...]
    comparisons: tuple[Record[ComparisonV1], ...]
    examined: dict[str, Record[Any]]
    further: dict[str, tuple[Record[Any], ...]]
    fits: tuple[Record[FitV1], ...]
    titles: dict[str, str]
    parts: dict[str, Part]
    asserted: tuple[str, ...]
    flips: dict[str, tuple[Flip, ...]]
    looks: tuple[Look, ...]
    sources: tuple[Source, ...]
    stale: StaleV1 | None = None

    @property
    def shares(self) -> tuple[Measured, ...]:
        """Every share of the candidate's measurements, with what guessing would give."""
        found = [Measured(score, "accuracy", self.titles[score.id], score.body.chance) for score in self.scores]
        found += [
            Measured(behaviour, measure, self.titles[behaviour.id], None)
            for behaviour in self.behaviours
            for measure in ("over_refusal", "harmful_refusal", "nonsense")
        ]
        return tuple(found)

    def demands(self, record: Record[Any], measure: str) -> tuple[Demand, ...]:
        """Return the bounds that rules set on one measure of one statement, each once."""
        found = [
            Demand(ruling["operator"], float(ruling["threshold"]))
            for ruling in self.rulings
            if ruling["measure"] == measure
            and record.id in ruling["evidence"]
            and ruling["operator"] in {"at-least", "at-most"}
            and isinstance(ruling["threshold"], int | float)
        ]
        return tuple(dict.fromkeys(found))


def compose(decision: Any, evidence: Iterable[Evidence], behind: Iterable[Evidence] = ()) -> Dossier:
    """Arrange a decision (its JSON) and the evidence it was made from, in the order in which that was added.

    All of it that is about the decision's subject is shown; of files, anatomy and card the last. `behind` is what the
    evidence itself was made from: the scores that a comparison pairs lend it their answers, and are listed.
    Raises UsageError where the decision or a body is not of its kind.
    """
    made = read_decision(decision)
    given = {statement.id: statement for statement in evidence}
    at_hand = given | {statement.id: statement for statement in behind}
    own = [one for one in given.values() if one.subject == made.subject]
    files, anatomy, card = _last(own, FilesV1), _last(own, AnatomyV2), _last(own, CardV1)
    scores, comparisons = _all(own, ScoreV1), _all(own, ComparisonV1)
    behaviours, latencies = _all(own, BehaviourV1), _all(own, LatencyV1)
    measured: list[Record[Any]] = [*scores, *behaviours, *latencies, *comparisons]
    bodies = {record.id: record.body.model_dump(exclude={"items"}) for record in measured}
    examined = {kind: record for kind in _EXAMINED if (record := _last(own, KINDS[kind]))}
    fits = tuple(_read(one, FitV1) for one in own if one.kind == _name_of(FitV1))
    further: dict[str, tuple[Record[Any], ...]] = {
        kind: tuple(_read(one, KINDS[kind]) for one in own if one.kind == kind) for kind in _FURTHER
    }
    tables = [record for records in further.values() for record in records]
    shown = {record.id for record in (files, anatomy, card, *measured, *examined.values(), *fits, *tables) if record}
    asked: tuple[Record[Any], ...] = (*scores, *behaviours, *latencies, *tables)
    served = [record for record in asked if getattr(record.body, "engine", None)]
    facts = json.loads(canonical(made.to_json()))  # as the store gives it back: keys in order, 1.0 as 1
    return Dossier(
        decision=facts,
        name=files.body.name if files else _served_name(made.subject, served),
        tally=Tally(made.met, made.failed, made.unknown, made.waived),
        rulings=tuple(sorted(facts["rulings"], key=_weight)),
        files=files, anatomy=anatomy, card=card,
        scores=scores, behaviours=behaviours, latencies=latencies, comparisons=comparisons,
        examined=examined, further=further, fits=fits,
        titles=titles_of([record.evidence for record in measured]),
        parts={digest: part for digest, body in bodies.items() if (part := part_of(body))},
        asserted=asserted_engines([*bodies.values(), *({"engine": one.body.engine.model_dump()} for one in served)]),
        flips={one.id: _flips(one, at_hand) for one in comparisons},
        looks=(
            *looks(files, anatomy, card, (scores, behaviours, latencies, comparisons), examined, len(fits)),
            *further_looks(further),
            *(Look(area) for area in NOT_YET),
        ),
        sources=_sources(made.evidence, at_hand, shown),
    )  # fmt: skip


def read_decision(value: Any) -> Decision:
    """Read the JSON of a decision, whoever wrote it; raises UsageError with the first field that is wrong."""
    try:
        made = _DECISION.validate_json(canonical(value), strict=True)
        problem = "" if made.to_json() == value else "its fields are not those of `decision/v1`"
    except ValidationError as error:
        problem = _first_problem(error)
    except (TypeError, ValueError, RecursionError) as error:
        problem = str(error)
    if problem:
        raise UsageError(f"the decision cannot be read: {problem}", hint="make it again with `weighbridge decide`")
    return made


def _first_problem(error: ValidationError) -> str:
    """Return where the first thing is wrong, and how."""
    first = error.errors(include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:200]
    return f"`{where}`: {first['msg']}" if where else first["msg"]


def _weight(ruling: dict[str, Any]) -> tuple[int, int]:
    """Return where a ruling stands in the order of reading: by what it leads to, then by how it came out."""
    return _EFFECTS.index(ruling["effect"]), _OUTCOMES.index(ruling["outcome"])


def _read(evidence: Evidence, kind: type[BodyT]) -> Record[BodyT]:
    """Read a statement's body by its kind."""
    try:
        body = kind.model_validate(evidence.body)
    except ValidationError as error:
        raise UsageError(
            f"evidence `{short(evidence.id)}` is not `{evidence.kind}`: {_first_problem(error)}",
            hint="`weighbridge evidence verify` checks the whole store",
        ) from error
    return Record(evidence.id, anchor_of(evidence.id), evidence, body)


def _name_of(kind: type[Body]) -> str:
    """Return the name under which a kind is published."""
    return next(name for name, body in KINDS.items() if body is kind)


def _last(evidence: Sequence[Evidence], kind: type[BodyT]) -> Record[BodyT] | None:
    """Return the last statement of a kind."""
    return next((_read(one, kind) for one in reversed(evidence) if one.kind == _name_of(kind)), None)


def _all(evidence: Iterable[Evidence], kind: type[BodyT]) -> tuple[Record[BodyT], ...]:
    """Return every statement of a kind that is measured with a suite, by suite, then in the order given."""
    records = [_read(one, kind) for one in evidence if one.kind == _name_of(kind)]
    return tuple(sorted(records, key=lambda record: str(getattr(record.body, "suite").name)))  # noqa: B009 - not every Body has one


def _served_name(subject: str, records: Iterable[Record[Any]]) -> str:
    """Return the name an endpoint gives its model, for an artefact without files."""
    return next((str(record.body.engine.model) for record in records), short(subject))


def _flips(comparison: Record[ComparisonV1], at_hand: dict[str, Evidence]) -> tuple[Flip, ...]:
    """Return the questions that only one of the two gets right, with both answers where the scores are at hand.

    A comparison of whole runs is made from two scores: the candidate's first, then the baseline's. One that stopped
    early holds the answers itself.
    """
    if comparison.body.sequential is not None:
        drawn = {row.id: row for row in comparison.body.drawn}
        return tuple(_drawn_flip(drawn[name]) for name in comparison.body.flips if name in drawn)
    made_from = [at_hand[digest] for digest in comparison.evidence.inputs if digest in at_hand]
    scores = [_read(one, ScoreV1) for one in made_from if one.kind == _name_of(ScoreV1)]
    ours = [score for score in scores if score.evidence.subject == comparison.evidence.subject][:1]
    theirs = [score for score in scores if score.evidence.subject == comparison.body.baseline][-1:]
    left, right = ({item.id: item for score in side for item in score.body.items} for side in (ours, theirs))
    return tuple(Flip(name, left.get(name), right.get(name)) for name in comparison.body.flips)


def _drawn_flip(row: DrawnBody) -> Flip:
    """Return a drawn item as the two answers to it."""

    def item(mark: str, said: str, completion: str = "") -> ItemBody:
        return ItemBody(
            id=row.id, outcome="answered", mark=mark, question=row.question, said=said, marked="",
            expected=row.expected, group="", completion=completion, thinking=0,
            answer=row.answer if completion else None,
        )  # fmt: skip

    return Flip(row.id, item(row.candidate, row.said, row.completion), item(row.baseline, row.baseline_said))


def _sources(cited: Iterable[str], at_hand: dict[str, Evidence], shown: set[str]) -> tuple[Source, ...]:
    """List the statements at hand by kind, then those that the decision cites and nobody has."""
    wanted = set(cited)
    listed = sorted(at_hand.values(), key=lambda one: (one.kind, one.made_on, one.id))
    missing = sorted(wanted - at_hand.keys())
    return (
        *(Source(one.id, anchor_of(one.id), one, one.id in wanted, one.id in shown) for one in listed),
        *(Source(one, anchor_of(one), None, cited=True, shown=False) for one in missing),
    )
