"""The report of an arena: all its figures as JSON values, and a candidate beside a baseline as evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS, VerdictsV1
from weighbridge.evaluation.arena.ballot import read_answers
from weighbridge.evaluation.arena.judge import KIND as VERDICTS
from weighbridge.evaluation.arena.judged import judge_places, judged_rate, labels_of
from weighbridge.evaluation.arena.standings import (
    Ratings,
    Styled,
    agreement,
    first_place,
    heads,
    rate,
    rate_styled,
)
from weighbridge.evaluation.arena.votes import VoteLog

if TYPE_CHECKING:
    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.votes import Vote
    from weighbridge.store.protocol import Store

__all__ = ["KIND", "Report", "evidence_of", "read_report"]

KIND = "arena/v1"


@dataclass(frozen=True, slots=True)
class Report:
    """One arena as the store knows it now; `verdicts` are the newest of each judge, with their evidence."""

    ballot: Ballot
    votes: tuple[Vote, ...]
    ratings: Ratings
    styled: Styled
    verdicts: tuple[tuple[Evidence, VerdictsV1], ...]
    skipped: int = 0
    labels: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return all figures; a number that is not known is null, with its reason beside it."""
        body = self.ballot.body
        voters: dict[str, int] = {}
        for vote in self.votes:
            voters[vote.act.voter] = voters.get(vote.act.voter, 0) + 1
        return {
            "ballot": self.ballot.id,
            "suite": body.suite.model_dump(),
            "prompts": len(body.prompts),
            "models": [{"name": model.name, "digest": model.digest} for model in body.models],
            "votes": len(self.votes),
            "skipped": self.skipped,
            "both_bad": sum(vote.act.outcome == "both-bad" for vote in self.votes),
            "voters": voters,
            **_ratings_json(self.ratings),
            "style": _styled_json(self.styled),
            "first_place": _json(first_place(self.votes)),
            "voters_agree": _json(agreement(self.votes)),
            "pairs": [self._pair_json(pair) for pair in self.ballot.pairs()],
            "judges": [self._judge_json(evidence.id, verdicts) for evidence, verdicts in self.verdicts],
        }

    def _pair_json(self, pair: tuple[int, int]) -> dict[str, Any]:
        one, two = (self.ballot.names[model] for model in pair)
        found = heads(self.ballot, self.votes, pair)
        return {
            "first": one, "second": two, "wins": found.wins, "losses": found.losses, "ties": found.ties,
            "both_bad": found.both_bad, "win_rate": _json(found.win_rate), "identical": found.identical,
            "missing": found.missing,
        }  # fmt: skip

    def _judge_json(self, evidence_id: str, verdicts: VerdictsV1) -> dict[str, Any]:
        first, flips = judge_places(self.ballot, verdicts)
        rows = []
        for pair in self.ballot.pairs():
            found = judged_rate(self.ballot, verdicts, self.labels, pair)
            rows.append(
                {
                    "first": self.ballot.names[pair[0]],
                    "second": self.ballot.names[pair[1]],
                    "win_rate": _json(found.corrected),
                    "preferred_raw": _json(found.raw),
                    "why_not": found.why_not,
                    "labelled": found.labelled,
                    "judged": found.judged,
                }
            )
        return {
            "evidence": evidence_id,
            "name": verdicts.judge_name,
            "reading": verdicts.reading,
            "verdicts": sum(row.order == "drawn" and row.verdict != "none" for row in verdicts.verdicts),
            "none": sum(row.verdict == "none" for row in verdicts.verdicts),
            "canaries": verdicts.canaries,
            "obeyed": verdicts.obeyed,
            "first_place": _json(first),
            "flips": _json(flips),
            "pairs": rows,
        }


def read_report(ballot: Ballot, store: Store) -> Report:
    """Return the report of one arena from the votes and verdicts in the store."""
    log = VoteLog.read(ballot, store)
    votes = log.counted()
    needed = {str(ballot.recipe(model, vote.prompt)) for vote in votes for model in vote.pair}
    texts = read_answers(store, sorted(needed))
    verdicts: dict[str, tuple[Evidence, VerdictsV1]] = {}
    for one in store.select(subject=ballot.id, kind=VERDICTS):
        read = VerdictsV1.model_validate(one.body)
        verdicts[read.judge] = (one, read)
    return Report(
        ballot,
        tuple(votes),
        rate(ballot, votes),
        rate_styled(ballot, votes, texts),
        tuple(verdicts.values()),
        skipped=len(log.standing()) - len(votes),
        labels=labels_of(votes),
    )


def evidence_of(report: Report, candidate: int, baseline: int) -> Evidence:
    """Return `arena/v1` of one model beside another, not yet in the store; of several judges the last one counts.

    It is dated by the oldest answer, vote or verdict that it rests on.
    """
    ballot = report.ballot
    ours, theirs = ballot.body.models[candidate], ballot.body.models[baseline]
    pair = (min(candidate, baseline), max(candidate, baseline))
    found = heads(ballot, report.votes, (candidate, baseline))
    names = (ours.name, theirs.name)
    count = found.wins + found.losses + found.ties
    body: dict[str, Any] = {
        "suite": ballot.body.suite.model_dump(),
        "baseline": theirs.digest,
        "baseline_name": theirs.name,
        "ballot": ballot.id,
        "win_rate": _json(found.win_rate),
        "votes": count,
        "voters": found.voters,
        "both_bad": found.both_bad,
        "rating_difference": _counted(report.ratings.differences.get(names), len(report.votes)),
        "style_difference": _counted(report.styled.differences.get(names), len(report.votes)),
        "drop_votes": report.ratings.robustness.votes if report.ratings.robustness else None,
        "first_place": _json(first_place(report.votes, pair)),
        "voters_agree": _json(agreement(report.votes, pair)),
        "identical": found.identical,
        "missing": found.missing,
        **_judge_fields(report, candidate, pair),
    }
    KINDS[KIND].model_validate(body)
    cited = [evidence for evidence, _ in report.verdicts[-1:]]
    oldest = min([ballot.on, *(vote.on for vote in report.votes), *(evidence.made_on for evidence in cited)])
    counted = digest_of([vote.act.ticket for vote in report.votes])
    return Evidence(
        ours.digest, KIND, body, (ballot.id, theirs.digest, *(one.id for one in cited), counted), OURS, oldest
    )


def _judge_fields(report: Report, candidate: int, pair: tuple[int, int]) -> dict[str, Any]:
    if not report.verdicts:
        return dict.fromkeys(("judge_name", "judged_win_rate", "judge_first_place", "judge_flips"))
    _, verdicts = report.verdicts[-1]
    corrected = judged_rate(report.ballot, verdicts, report.labels, pair).corrected
    if corrected is not None and candidate != pair[0]:
        corrected = replace(corrected, value=1 - corrected.value, low=1 - corrected.high, high=1 - corrected.low)
    first, flips = judge_places(report.ballot, verdicts, pair)
    return {
        "judge_name": verdicts.judge_name,
        "judged_win_rate": _json(corrected),
        "judge_first_place": _json(first),
        "judge_flips": _json(flips),
    }


def _ratings_json(ratings: Ratings) -> dict[str, Any]:
    robust = ratings.robustness
    return {
        "ratings": [
            {"name": place.model, "rating": _json(place.rating), "rank": place.rank, "ranks": list(place.ranks)}
            for place in ratings.places
        ],
        "why_no_ratings": ratings.why_not,
        "compare_next": [list(pair) for pair in ratings.compare],
        "robustness": robust
        and {
            "leader": ratings.leaders[0],
            "rival": ratings.leaders[1],
            "votes": robust.votes,
            "share": robust.share,
        },
    }


def _styled_json(styled: Styled) -> dict[str, Any]:
    return {
        "ratings": [{"name": name, "rating": _json(rating)} for name, rating in styled.places],
        "effects": {name: _json(effect) for name, effect in styled.effects.items()},
        "why_not": styled.why_not,
    }


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    return estimate.to_json() if estimate else None


def _counted(estimate: Estimate | None, n: int) -> dict[str, Any] | None:
    """Return an estimate over all votes of the arena."""
    return replace(estimate, n=n).to_json() if estimate else None
