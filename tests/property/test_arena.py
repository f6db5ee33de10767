"""Laws of the arena: quotations of a judge's prompt cannot be forged, and the log of votes is one story."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.digest import digest_of
from weighbridge.core.kinds import BallotV1
from weighbridge.engine.protocol import EngineIdentity
from weighbridge.evaluation.arena.ballot import Ballot, bounded
from weighbridge.evaluation.arena.draw import next_draw
from weighbridge.evaluation.arena.judging import Showing, judge_plan
from weighbridge.evaluation.arena.votes import CHOICES, VoteLog

ON = date(2026, 11, 22)
PIECES = st.sampled_from(
    ["[begin answer A ", "[end answer A ", "[end prompt ", "]\n", "\n", "0f" * 10, "A", "code ", "tie"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join)).map(bounded)


def ballot_of(prompts: list[str], models: int = 2) -> Ballot:
    """Return a ballot on which every two answers differ."""
    suite = {"name": "s", "version": "1", "digest": "d", "language": "en", "licence": "l", "source": "s"}
    entrants = [
        {
            "digest": digest_of(m),
            "name": f"m{m}",
            "engine": None,
            "answers": [f"{m}.{i}" for i in range(len(prompts))],
            "shown": [digest_of([m, i]) for i in range(len(prompts))],
        }
        for m in range(models)
    ]
    rows = [{"id": f"p{i}", "text": text} for i, text in enumerate(prompts)]
    body = {"suite": suite, "seed": "ab" * 32, "prompts": rows, "models": entrants}
    return Ballot(digest_of("ballot"), BallotV1.model_validate(body), ON)


@given(prompt=TEXTS, one=TEXTS, two=TEXTS)
@settings(max_examples=200, deadline=None)
def test_quotations_read_back_as_they_were(prompt: str, one: str, two: str) -> None:
    """Whatever prompt and answers hold, the lines with the code delimit exactly three texts, the ones that went in."""
    ballot = ballot_of([prompt])
    plan = judge_plan(ballot, [Showing(0, 0, 1, "drawn", (one, two))], "s", EngineIdentity("e", "m"), constrained=True)
    request = plan.requests[0]
    found = re.search(r"holds the code (\w+);", request.system or "")
    assert found is not None
    code = found[1]
    assert request.text.count(code) == 6
    quoted = re.findall(rf"\[begin [\w ]+ {code}\]\n(.*?)\n\[end [\w ]+ {code}\]", request.text, re.DOTALL)
    assert quoted == [prompt, one, two]


class _Shelf:
    """Keeps evidence in memory, as a store does."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def add(self, evidence: Any) -> str:
        """Keep a statement once."""
        if evidence.id not in {one.id for one in self.kept}:
            self.kept.append(evidence)
        return str(evidence.id)

    def select(self, *, subject: str, kind: str) -> list[Any]:
        """Return what is kept of a subject and kind."""
        return [one for one in self.kept if (one.subject, one.kind) == (subject, kind)]


ACTS = st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.sampled_from([*CHOICES, "undo", "twice"])), max_size=25)


@given(acts=ACTS)
@settings(max_examples=60, deadline=None)
def test_any_story_of_votes_reads_back_and_counts_each_pair_once(acts: list[tuple[str, str]]) -> None:
    """Votes, undos and double submits in any order: a fresh reading is the log in memory, without any pair twice.

    What stands is what was cast less what was taken back.
    """
    ballot, shelf = ballot_of(["one", "two", "three"], models=3), _Shelf()
    store: Any = shelf
    log = VoteLog(ballot, store)
    standing = {"ann": 0, "bob": 0}
    for voter, act in acts:
        if act == "undo":
            standing[voter] -= log.undo(voter, log.turn(voter), ON)
        elif (draw := next_draw(ballot, log, voter)) is not None:
            standing[voter] += log.cast(voter, draw, "left" if act == "twice" else act, ON)
            if act == "twice":
                assert not log.cast(voter, draw, "right", ON)
    again = VoteLog.read(ballot, store)
    assert [vote.act for vote in again.acts] == [vote.act for vote in log.acts]
    keys = [(vote.act.voter, vote.prompt, vote.pair) for vote in again.standing()]
    assert len(keys) == len(set(keys))
    assert {voter: sum(key[0] == voter for key in keys) for voter in standing} == standing
