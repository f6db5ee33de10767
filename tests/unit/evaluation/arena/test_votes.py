"""Ballots, draws and votes: blind, counted once, taken back, and the same after a restart."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import NotFound, UsageError
from weighbridge.evaluation.arena.ballot import ballot_at
from weighbridge.evaluation.arena.draw import find_ticket, next_draw, sides
from weighbridge.evaluation.arena.votes import VoteLog, voter_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.votes import Draw
    from weighbridge.store.sqlite import SQLiteStore

    Make = Callable[[dict[str, list[str | Completion]]], Ballot]

ON = date(2026, 11, 22)


@pytest.fixture
def ballot(arena: Make) -> Ballot:
    """Return three models over eight prompts."""
    return arena({name: [f"{name} says {i}" for i in range(8)] for name in ("alpha", "beta", "gamma")})


def drawn(ballot: Ballot, log: VoteLog, voter: str = "ann") -> Draw:
    """Return the next draw, which there must be."""
    found = next_draw(ballot, log, voter)
    assert found is not None
    return found


def test_what_cannot_be_voted_on_is_never_drawn(arena: Make, store: SQLiteStore) -> None:
    """The same answer twice, an empty one, a failed one, and reasoning without an answer are left out."""
    answers: dict[str, list[str | Completion]] = {
        "one": ["same", "x", "x", "x", "left"],
        "two": ["same", "  ", Completion(Outcome.EMPTY), "<think>for ever", "right"],
    }
    ballot = arena(answers)
    log = VoteLog.read(ballot, store)
    assert drawn(ballot, log).prompt == 4
    log.cast("ann", drawn(ballot, log), "tie", ON)
    assert next_draw(ballot, log, "ann") is None


def test_nothing_to_vote_on_is_refused(arena: Make) -> None:
    """Two models that always say the same make no arena; nor does one model."""
    with pytest.raises(UsageError, match="nothing to vote on"):
        arena({"one": ["same"], "two": ["same"]})
    with pytest.raises(UsageError, match="two models or more"):
        arena({"one": ["same"]})


def test_a_voter_sees_every_pair_once(ballot: Ballot, store: SQLiteStore) -> None:
    """24 pairs of answers, each once; then nothing is left, and another voter begins anew."""
    log = VoteLog.read(ballot, store)
    seen = Counter()  # type: Counter[tuple[int, int, int]]
    while (draw := next_draw(ballot, log, "ann")) is not None:
        seen[draw.prompt, min(draw.left, draw.right), max(draw.left, draw.right)] += 1
        assert draw.chance is not None
        assert 0 < draw.chance <= 1
        assert log.cast("ann", draw, "tie", ON)
    assert len(seen) == 24
    assert set(seen.values()) == {1}
    assert next_draw(ballot, log, "bob") is not None


def test_the_recorded_chance_of_the_first_draw_is_uniform(ballot: Ballot, store: SQLiteStore) -> None:
    """Without votes all pairs are alike: 3 pairs of models times 8 prompts."""
    assert drawn(ballot, VoteLog.read(ballot, store)).chance == pytest.approx(1 / 24)


def test_a_settled_pair_is_drawn_less_often(arena: Make, store: SQLiteStore) -> None:
    """After thirty votes between two models, most first draws of new voters show the third one."""
    ballot = arena({name: [f"{name} says {i}" for i in range(30)] for name in ("alpha", "beta", "gamma")})
    log = VoteLog.read(ballot, store)
    while any(ballot.votable(p, (0, 1)) for p in range(30)) and log.turn("ann") < 90:
        draw = next_draw(ballot, log, "ann")
        if draw is None:
            break
        log.cast("ann", draw, "left" if {draw.left, draw.right} == {0, 1} else "skip", ON)
    first = [drawn(ballot, log, f"voter {i}") for i in range(60)]
    assert sum({draw.left, draw.right} == {0, 1} for draw in first) < 15


def test_recorded_chances_are_those_of_the_draws(ballot: Ballot, store: SQLiteStore) -> None:
    """Horvitz and Thompson: the mean of 1 / chance over draws is the number of things that can be drawn, 24."""
    log = VoteLog.read(ballot, store)
    for _ in range(9):
        draw = drawn(ballot, log)
        log.cast("ann", draw, "left" if draw.left == 0 else "right", ON)
    chances = [drawn(ballot, log, f"voter {i}").chance for i in range(600)]
    inverse = [1 / chance for chance in chances if chance is not None]
    mean = sum(inverse) / 600
    error = (sum((one - mean) ** 2 for one in inverse) / 600 / 599) ** 0.5
    assert len(set(chances)) > 3
    assert abs(mean - 24) < 4 * error


def test_sides_are_fair_and_fixed(ballot: Ballot) -> None:
    """The lower model is left about half the time (exact binomial bounds at 1e-9), and stays where it is."""
    shown = [sides(ballot, f"v{i}", 0, (0, 1)) for i in range(1000)]
    assert shown == [sides(ballot, f"v{i}", 0, (0, 1)) for i in range(1000)]
    assert 400 < shown.count((0, 1)) < 600


def test_a_second_vote_on_the_same_showing_counts_for_nothing(ballot: Ballot, store: SQLiteStore) -> None:
    """A double click or the back button: the first vote stands, in memory and in the store."""
    log = VoteLog.read(ballot, store)
    draw = drawn(ballot, log)
    assert log.cast("ann", draw, "left", ON)
    assert not log.cast("ann", draw, "right", ON)
    read = VoteLog.read(ballot, store).counted()
    assert [vote.act.outcome for vote in read] == ["left"]
    assert read[0].winner == draw.left


def test_an_undo_is_written_and_shows_the_pair_again(ballot: Ballot, store: SQLiteStore) -> None:
    """The vote stays in the chain, counts no more, and the very pair comes back on the same sides."""
    log = VoteLog.read(ballot, store)
    first = drawn(ballot, log)
    log.cast("ann", first, "left", ON)
    assert not log.undo("ann", 0, ON)
    assert not log.undo("bob", 0, ON)
    assert log.undo("ann", 1, ON)
    again = drawn(ballot, log)
    assert (again.prompt, again.left, again.right, again.chance) == (
        first.prompt,
        first.left,
        first.right,
        first.chance,
    )
    assert again.ticket != first.ticket
    assert not log.cast("ann", first, "right", ON)
    assert log.cast("ann", again, "right", ON)
    assert [vote.act.outcome for vote in VoteLog.read(ballot, store).counted()] == ["right"]
    assert store.verify() >= 3


def test_a_killed_server_goes_on_where_it_was(ballot: Ballot, store: SQLiteStore) -> None:
    """The same votes give the same next pair; a ticket drawn before the kill is known after it."""
    log = VoteLog.read(ballot, store)
    for outcome in ("left", "tie", "skip"):
        log.cast("ann", drawn(ballot, log), outcome, ON)
    open_pair = drawn(ballot, log)
    log.cast("bob", drawn(ballot, log, "bob"), "left", ON)
    after = VoteLog.read(ballot, store)
    assert [vote.act for vote in after.acts] == [vote.act for vote in log.acts]
    found = find_ticket(ballot, "ann", open_pair.turn, open_pair.ticket)
    assert found is not None
    assert (found.prompt, found.left, found.right) == (open_pair.prompt, open_pair.left, open_pair.right)
    assert found.chance is None
    assert find_ticket(ballot, "bob", open_pair.turn, open_pair.ticket) is None


def test_tickets_tell_nothing(ballot: Ballot, store: SQLiteStore) -> None:
    """32 hex digits, all different, with no digit of a model in them that repeats with the model."""
    log = VoteLog.read(ballot, store)
    tickets = [drawn(ballot, log, f"v{i}").ticket for i in range(200)]
    assert len(set(tickets)) == 200
    assert {len(ticket) for ticket in tickets} == {32}


def test_the_same_answers_find_the_same_ballot(arena: Make, store: SQLiteStore) -> None:
    """Opening an arena again is no new arena, so that votes are not split; other answers make another."""
    first, second = (arena({"one": ["a", "b"], "two": ["c", "d"]}) for _ in range(2))
    assert first.id == second.id
    other = arena({"one": ["a", "b"], "three": ["c", "d"]})
    assert ballot_at(store, first.id[:20]).id == first.id != other.id
    with pytest.raises(NotFound):
        ballot_at(store, "abcdef")


def test_a_record_never_names_more_than_it_should(ballot: Ballot, store: SQLiteStore) -> None:
    """A vote holds who, what, which and how likely; no answer's text."""
    log = VoteLog.read(ballot, store)
    log.cast("ann", drawn(ballot, log), "both-bad", ON)
    (vote,) = store.select(kind="vote/v1")
    assert vote.subject == ballot.id
    assert "says" not in json.dumps(vote.to_json())
    assert vote.body["drawn_with"] == pytest.approx(1 / 24)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\u202eb", "a\u200bb", "\x1b[2J"])
def test_names_that_nobody_can_tell_apart_are_refused(name: str) -> None:
    """Empty, long and hidden names are no names."""
    with pytest.raises(UsageError):
        voter_name(name)


def test_names_are_brought_into_one_form() -> None:
    """White space and composed letters do not make another voter."""
    assert voter_name("  Jose\u0301  Diaz ") == voter_name("José Diaz") == "José Diaz"
