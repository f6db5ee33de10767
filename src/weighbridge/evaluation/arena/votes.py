"""Votes: acts of people, appended one by one and never changed; an undo is an act of its own."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import VoteV1
from weighbridge.errors import StoreDamaged, UsageError

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.store.protocol import Store

__all__ = ["CHOICES", "Draw", "Vote", "VoteLog", "voter_name"]

KIND = "vote/v1"
CHOICES = ("left", "right", "tie", "both-bad", "skip")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Draw:
    """One showing of two answers to one voter; all numbers are places on the ballot.

    `chance` is that of the pair times that of the prompt, None where it is no longer known.
    """

    prompt: int
    left: int
    right: int
    turn: int
    ticket: str
    chance: float | None


@dataclass(frozen=True, slots=True)
class Vote:
    """A `vote/v1` of a day, with prompt and models as places on the ballot."""

    act: VoteV1
    prompt: int
    left: int
    right: int
    on: date

    @property
    def pair(self) -> tuple[int, int]:
        """The two models, the lower place first."""
        return min(self.left, self.right), max(self.left, self.right)

    @property
    def winner(self) -> int | None:
        """The model that won; None for a tie or two bad answers."""
        return {"left": self.left, "right": self.right}.get(self.act.outcome)


def voter_name(text: str) -> str:
    """Return a voter's name as it is recorded; raises UsageError for one that nobody could tell from another."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise UsageError("that is no voter's name", hint=f"give 1 to {_LONGEST_NAME} letters that can be seen")
    return name


@dataclass(slots=True)
class VoteLog:
    """All acts on one ballot, in the order they were written; the store is their only truth.

    The first act with a ticket counts: what a double click, a reload or a second page sends again changes nothing.
    """

    ballot: Ballot
    store: Store
    acts: list[Vote] = field(default_factory=list)
    _tickets: dict[str, Vote] = field(default_factory=dict)
    _undone: set[str] = field(default_factory=set)
    _prompts: dict[str, int] = field(default_factory=dict)
    _models: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index prompts and models by what names them."""
        self._prompts = {prompt.id: place for place, prompt in enumerate(self.ballot.body.prompts)}
        self._models = {model.digest: place for place, model in enumerate(self.ballot.body.models)}

    @classmethod
    def read(cls, ballot: Ballot, store: Store) -> VoteLog:
        """Read the acts that the store holds; raises StoreDamaged for one that is no vote on this ballot."""
        log = cls(ballot, store)
        for evidence in store.select(subject=ballot.id, kind=KIND):
            try:
                log._note(VoteV1.model_validate(evidence.body), evidence.made_on)
            except (ValidationError, KeyError) as error:
                raise StoreDamaged(f"`{evidence.id}` is no vote on this ballot") from error
        return log

    def cast(self, voter: str, draw: Draw, outcome: str, on: date) -> bool:
        """Write a vote at once; False where the voter voted on these two answers before: nothing is written."""
        if outcome not in CHOICES:
            raise UsageError("that is no vote", hint=f"a vote is one of: {', '.join(CHOICES)}")
        seen = {(vote.prompt, vote.pair) for vote in self.standing() if vote.act.voter == voter}
        if draw.ticket in self._tickets or (draw.prompt, tuple(sorted((draw.left, draw.right)))) in seen:
            return False
        return self._write(self._act(voter, draw, outcome), on)

    def undo(self, voter: str, turn: int, on: date) -> bool:
        """Take back the voter's last vote; False where there is none, or where `turn` is not the voter's turn now."""
        mine = [vote for vote in self.of(voter) if vote.act.outcome != "undo" and vote.act.ticket not in self._undone]
        if not mine or turn != self.turn(voter):
            return False
        last = mine[-1].act
        ticket = self.ballot.mac("undo", voter, turn).hex()[:32]
        changed = {"outcome": "undo", "ticket": ticket, "turn": turn, "undoes": last.ticket}
        return self._write(last.model_copy(update=changed), on)

    def of(self, voter: str) -> list[Vote]:
        """Return all acts of one voter."""
        return [vote for vote in self.acts if vote.act.voter == voter]

    def turn(self, voter: str) -> int:
        """Return how many acts a voter has made."""
        return len(self.of(voter))

    def standing(self) -> list[Vote]:
        """Return the acts that were not taken back, those that left a pair out among them."""
        return [vote for vote in self.acts if vote.act.outcome != "undo" and vote.act.ticket not in self._undone]

    def counted(self) -> list[Vote]:
        """Return the votes."""
        return [vote for vote in self.standing() if vote.act.outcome != "skip"]

    def taken_back(self, voter: str) -> Vote | None:
        """Return the vote that the voter's last act took back, or None where it was no undo."""
        mine = self.of(voter)
        undoes = mine[-1].act.undoes if mine else None
        return self._tickets.get(undoes) if undoes else None

    def _act(self, voter: str, draw: Draw, outcome: str) -> VoteV1:
        body = self.ballot.body
        return VoteV1.model_validate(
            {
                "voter": voter,
                "prompt": body.prompts[draw.prompt].id,
                "left": body.models[draw.left].digest,
                "right": body.models[draw.right].digest,
                "outcome": outcome,
                "ticket": draw.ticket,
                "turn": draw.turn,
                "drawn_with": draw.chance,
            }
        )

    def _write(self, act: VoteV1, on: date) -> bool:
        """Append one act to the store, then to what is held here."""
        self.store.add(Evidence(self.ballot.id, KIND, act.model_dump(mode="json"), (self.ballot.id,), OURS, on))
        return self._note(act, on)

    def _note(self, act: VoteV1, on: date) -> bool:
        if act.ticket in self._tickets:
            return False
        vote = Vote(act, self._prompts[act.prompt], self._models[act.left], self._models[act.right], on)
        self._tickets[act.ticket] = vote
        self.acts.append(vote)
        if act.undoes:
            self._undone.add(act.undoes)
        return True
