"""Compose: a decision and its evidence, arranged for reading. Pure: the same input gives the same dossier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from weighbridge.core.digest import short
from weighbridge.core.kinds import KINDS, AnatomyV1, BehaviourV1, CardV1, ComparisonV1, FilesV1, LatencyV1, ScoreV1
from weighbridge.dossier.coverage import Look, looks
from weighbridge.dossier.record import BodyT, Demand, Flip, Measured, Record, Source, Tally, anchor_of
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.evidence import Evidence
    from weighbridge.core.kinds import Body

__all__ = ["Dossier", "compose"]

_OUTCOMES = ("fail", "unknown", "pass")
_EFFECTS = ("reject", "hold", "condition", "none")


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a renderer needs, in the order of reading."""

    decision: dict[str, Any]
    name: str
    tally: Tally
    rulings: tuple[dict[str, Any], ...]
    files: Record[FilesV1] | None
    anatomy: Record[AnatomyV1] | None
    card: Record[CardV1] | None
    scores: tuple[Record[ScoreV1], ...]
    behaviours: tuple[Record[BehaviourV1], ...]
    latencies: tuple[Record[LatencyV1], ...]
    comparisons: tuple[Record[ComparisonV1], ...]
    flips: dict[str, tuple[Flip, ...]]
    looks: tuple[Look, ...]
    sources: tuple[Source, ...]

    @property
    def shares(self) -> tuple[Measured, ...]:
        """Every share that was measured on the candidate, with what guessing would give."""
        found = [Measured(score, "accuracy", score.body.suite.name, score.body.chance) for score in self.scores]
        found += [
            Measured(behaviour, measure, behaviour.body.suite.name, None)
            for behaviour in self.behaviours
            for measure in ("over_refusal", "harmful_refusal", "nonsense")
            if getattr(behaviour.body, measure) is not None
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
        ]
        return tuple(dict.fromkeys(found))


def compose(decision: dict[str, Any], evidence: Iterable[Evidence]) -> Dossier:
    """Arrange a decision (its JSON) and the evidence at hand.

    Raises UsageError where a body is not of its kind, or the decision lacks a field.
    """
    try:
        return _compose(decision, {statement.id: statement for statement in evidence})
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"the decision cannot be read: {error}", hint="make it again with `weighbridge decide`"
        ) from error


def _compose(decision: dict[str, Any], by_id: dict[str, Evidence]) -> Dossier:
    """Arrange what `compose` was given."""
    everything = sorted(by_id.values(), key=lambda one: (one.made_on, one.id), reverse=True)
    own = [one for one in everything if one.subject == decision["subject"]]
    files, anatomy, card = _newest(own, FilesV1), _newest(own, AnatomyV1), _newest(own, CardV1)
    scores, comparisons = _all(own, ScoreV1), _all(own, ComparisonV1)
    behaviours, latencies = _all(own, BehaviourV1), _all(own, LatencyV1)
    sections: list[Record[Any] | None] = [files, anatomy, card, *scores, *behaviours, *latencies, *comparisons]
    shown = {record.id for record in sections if record}
    rulings = sorted(decision["rulings"], key=_weight)
    return Dossier(
        decision=decision,
        name=files.body.name if files else _served_name(decision, (*scores, *behaviours, *latencies)),
        tally=_tally(rulings), rulings=tuple(rulings),
        files=files, anatomy=anatomy, card=card,
        scores=scores, behaviours=behaviours, latencies=latencies, comparisons=comparisons,
        flips={one.id: _flips(one.body, scores, everything) for one in comparisons},
        looks=looks(files, anatomy, card, (scores, behaviours, latencies, comparisons)),
        sources=_sources(decision, everything, shown),
    )  # fmt: skip


def _weight(ruling: dict[str, Any]) -> tuple[int, int]:
    """Return where a ruling stands in the order of reading: by what it leads to, then by how it came out."""
    return _EFFECTS.index(ruling["effect"]), _OUTCOMES.index(ruling["outcome"])


def _read(evidence: Evidence, kind: type[BodyT]) -> Record[BodyT]:
    """Read a statement's body by its kind."""
    try:
        body = kind.model_validate(evidence.body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:200]
        raise UsageError(
            f"evidence `{short(evidence.id)}` is not `{evidence.kind}`: `{where}`: {first['msg']}",
            hint="`weighbridge evidence verify` checks the whole store",
        ) from error
    return Record(evidence.id, anchor_of(evidence.id), evidence, body)


def _name_of(kind: type[Body]) -> str:
    """Return the name under which a kind is published."""
    return next(name for name, body in KINDS.items() if body is kind)


def _newest(evidence: list[Evidence], kind: type[BodyT]) -> Record[BodyT] | None:
    """Return the newest statement of a kind."""
    return next((_read(one, kind) for one in evidence if one.kind == _name_of(kind)), None)


def _all(evidence: list[Evidence], kind: type[BodyT]) -> tuple[Record[BodyT], ...]:
    """Return every statement of a kind that is measured with a suite, by suite, newest first."""
    records = [_read(one, kind) for one in evidence if one.kind == _name_of(kind)]
    return tuple(sorted(records, key=lambda record: str(getattr(record.body, "suite").name)))  # noqa: B009 - not every Body has one


def _served_name(decision: dict[str, Any], records: tuple[Record[Any], ...]) -> str:
    """Return the name an endpoint gives its model, for an artefact without files."""
    return next((str(record.body.engine.model) for record in records), short(decision["subject"]))


def _tally(rulings: list[dict[str, Any]]) -> Tally:
    """Count how the rules came out."""
    unwaived: list[Literal["pass", "fail", "unknown"]] = [r["outcome"] for r in rulings if not _is_waived(r)]
    return Tally(
        met=unwaived.count("pass"),
        not_met=unwaived.count("fail"),
        unknown=unwaived.count("unknown"),
        waived=len(rulings) - len(unwaived),
    )


def _is_waived(ruling: dict[str, Any]) -> bool:
    """Return whether a waiver, and not the evidence, lets this rule be."""
    return bool(ruling.get("waived")) and ruling["outcome"] != "pass"


def _flips(comparison: ComparisonV1, scores: Iterable[Record[ScoreV1]], evidence: list[Evidence]) -> tuple[Flip, ...]:
    """Return the questions that only one of the two gets right, with both answers where they are at hand."""
    suite, form = comparison.suite.digest, comparison.form
    theirs = [_read(one, ScoreV1) for one in evidence if one.subject == comparison.baseline and one.kind == "score/v1"]
    candidate, baseline = (
        next((r.body.items for r in records if r.body.suite.digest == suite and r.body.form == form), [])
        for records in (scores, theirs)
    )
    left, right = ({item.id: item for item in items} for items in (candidate, baseline))
    return tuple(Flip(name, left.get(name), right.get(name)) for name in comparison.flips)


def _sources(decision: dict[str, Any], evidence: list[Evidence], shown: set[str]) -> tuple[Source, ...]:
    """List the statements at hand by kind, then those that the decision cites and nobody has."""
    cited = [str(one) for one in decision["evidence"]]
    at_hand = sorted(evidence, key=lambda one: (one.kind, one.made_on, one.id))
    known = {one.id for one in at_hand}
    listed = [Source(one.id, anchor_of(one.id), one, one.id in cited, one.id in shown) for one in at_hand]
    missing = sorted(set(cited) - known)
    return (*listed, *(Source(one, anchor_of(one), None, cited=True, shown=False) for one in missing))
