"""Where models stand: ratings against known answers, refusals that say what to compare, judges put right by votes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.core.kinds import KINDS, VerdictsV1
from weighbridge.evaluation.arena.ballot import read_answers
from weighbridge.evaluation.arena.judged import judged_rate, labels_of
from weighbridge.evaluation.arena.report import evidence_of, read_report
from weighbridge.evaluation.arena.standings import agreement, first_place, heads, rate, rate_styled, to_compare
from weighbridge.evaluation.arena.style import style_of
from weighbridge.evaluation.arena.votes import Draw, VoteLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.votes import Vote
    from weighbridge.store.sqlite import SQLiteStore

    Make = Callable[[dict[str, list[str | Completion]]], Ballot]

ON = date(2026, 11, 22)


@dataclass
class Poll:
    """Casts votes by places: (prompt, left, right, outcome, voter)."""

    ballot: Ballot
    log: VoteLog

    def __call__(self, rows: Iterable[tuple[int, int, int, str, str]]) -> list[Vote]:
        """Cast them, and return all votes that count."""
        for prompt, left, right, outcome, voter in rows:
            ticket = digest_of([voter, prompt, left, right])[7:39]
            assert self.log.cast(voter, Draw(prompt, left, right, self.log.turn(voter), ticket, None), outcome, ON)
        return self.log.counted()


@pytest.fixture
def poll(arena: Make, store: SQLiteStore) -> Poll:
    """Return three models over 30 prompts, to be voted on."""
    ballot = arena({name: [f"{name} {i}" for i in range(30)] for name in ("a", "b", "c")})
    return Poll(ballot, VoteLog.read(ballot, store))


def test_ratings_of_the_known_table(poll: Poll) -> None:
    """Wins [[0,7,6],[3,0,5],[4,5,0]] give (0.413166, -0.275397, -0.137769): choix, evalica, statistics.md 7.3."""
    wins = {(0, 1): (7, 3), (0, 2): (6, 4), (1, 2): (5, 5)}
    rows = [
        (k, i, j, "left" if k < won else "right", "ann")
        for (i, j), (won, lost) in wins.items()
        for k in range(won + lost)
    ]
    found = rate(poll.ballot, poll(rows))
    by_name = {place.model: place.rating.value for place in found.places}
    assert by_name == pytest.approx({"a": 0.413166, "b": -0.275397, "c": -0.137769}, abs=1e-6)
    assert found.differences["a", "b"].value == pytest.approx(0.688563, abs=2e-6)
    assert found.robustness is not None
    assert found.robustness.votes is not None
    assert found.leaders[0] == "a"


def test_a_split_arena_is_refused_and_says_what_to_compare(poll: Poll) -> None:
    """Nobody voted on c: it has no rating, and comparing it is asked for."""
    votes = poll([(k, 0, 1, "left" if k % 3 else "right", "ann") for k in range(9)])
    found = rate(poll.ballot, votes)
    assert [place.model for place in found.places] == ["a", "b"]
    assert "c" in found.why_not
    assert any("c" in pair for pair in found.compare)


def test_a_model_that_always_loses_has_no_rating(poll: Poll) -> None:
    """C lost all its votes: no finite rating exists (Ford 1957), and the pairs that would help are named."""
    rows = [(k, 0, 1, "left" if k % 2 else "right", "ann") for k in range(6)]
    votes = poll([*rows, *((k, 2, 0, "right", "ann") for k in range(6))])
    found = rate(poll.ballot, votes)
    assert found.places == ()
    assert "no wins both ways" in found.why_not
    assert [set(pair) & {"c"} for pair in to_compare(poll.ballot, votes)] == [{"c"}]


def test_heads_count_ties_as_half(poll: Poll) -> None:
    """2 won, 1 lost, 1 even, 2 both bad: 3.5 of 6; from the other side 2.5 of 6."""
    outcomes = ["left", "left", "right", "tie", "both-bad", "both-bad"]
    votes = poll([(k, 0, 1, outcome, "ann") for k, outcome in enumerate(outcomes)])
    ours, theirs = heads(poll.ballot, votes, (0, 1)), heads(poll.ballot, votes, (1, 0))
    assert (ours.wins, ours.losses, ours.ties, ours.both_bad, ours.voters) == (2, 1, 3, 2, 1)
    assert ours.win_rate is not None
    assert theirs.win_rate is not None
    assert ours.win_rate.value == pytest.approx(3.5 / 6)
    assert theirs.win_rate.value == pytest.approx(2.5 / 6)


def test_skips_count_for_nothing(poll: Poll) -> None:
    """A pair that was left out is no vote."""
    assert poll([(0, 0, 1, "skip", "ann")]) == []


def test_agreement_and_sides(poll: Poll) -> None:
    """Three people on one pair, two of them at one: one of three pairs of votes agrees; sides follow the outcomes."""
    votes = poll([(0, 0, 1, "left", "ann"), (0, 1, 0, "right", "bob"), (0, 0, 1, "tie", "cyd")])
    found = agreement(votes)
    assert found is not None
    assert found.value == pytest.approx(1 / 3)
    assert found.n == 3
    shown = first_place(votes)
    assert shown is not None
    assert (shown.value, shown.n) == (0.5, 2)
    assert agreement(votes[:1]) is None


def test_style_control_takes_length_out(arena: Make, store: SQLiteStore) -> None:
    """Two equal models, one of which writes longer; voters like length: at equal style the two are even."""
    draw = random.Random(4)  # noqa: S311 - a simulation
    lengths = [(draw.choice((20, 400, 900)), draw.choice((20, 20, 400))) for _ in range(300)]
    ballot = arena({"a": ["x" * one for one, _ in lengths], "b": ["y" * two for _, two in lengths]})
    rows = []
    for k, (one, two) in enumerate(lengths):
        likes = 0.5 + 0.4 * ((one > two) - (one < two))
        rows.append((k, 0, 1, "left" if draw.random() < likes else "right", "ann"))
    votes = Poll(ballot, VoteLog.read(ballot, store))(rows)
    recipes = [recipe for model in ballot.body.models for recipe in model.answers if recipe]
    raw, styled = rate(ballot, votes), rate_styled(ballot, votes, read_answers(store, recipes))
    assert raw.differences["a", "b"].low > 0
    assert styled.differences["a", "b"].low < 0 < styled.differences["a", "b"].high
    assert styled.effects["length"].low > 0
    assert "headers" not in styled.effects


def test_style_is_counted() -> None:
    """Length, headers, list items and bold spans of a small text."""
    text = "# Head\n\n- one\n- **two**\n1. three\n#not a head\n2 * 3 ** 4"
    assert style_of(text) == (len(text), 1, 3, 1)


@pytest.mark.parametrize("text", ["**" * 500_000, "#" * 1_000_000, "- " * 500_000, "__a" * 300_000])
def test_hostile_markdown_is_counted_in_bounded_time(text: str) -> None:
    """A megabyte of marks ends; the patterns are bounded."""
    assert style_of(text)[0] == len(text)


def verdicts(ballot: Ballot, said: dict[int, int], **more: Any) -> VerdictsV1:
    """Return verdicts on models 0 and 1 by prompt: +1 for the first."""
    one, two = (model.digest for model in ballot.body.models[:2])
    rows = [
        {"prompt": f"p{p}", "left": one, "right": two, "verdict": {1: "left", -1: "right", 0: "tie"}[verdict],
         "order": "drawn", "completion": "r"}
        for p, verdict in said.items()
    ]  # fmt: skip
    engine = {"name": "scripted", "model": "judge", "asserted": True}
    body = {"judge": "j", "judge_name": "j", "engine": engine, "reading": "constrained", "instruction": "i",
            "verdicts": rows, "canaries": 0, "obeyed": 0} | more  # fmt: skip
    return VerdictsV1.model_validate(body)


def test_a_corrected_rate_covers_the_truth(arena: Make) -> None:
    """A judge errs by design on an even pair: its raw rate is far off, the corrected interval covers 50%.

    In at least 95% of 200 seeded arenas: Bonferroni's bound and the interval of Lee et al. are conservative.
    """
    ballot = arena({"a": [f"a{i}" for i in range(600)], "b": [f"b{i}" for i in range(600)]})
    draw, covered, raw = random.Random(11), 0, 0.0  # noqa: S311 - a simulation
    for _ in range(200):
        truth = {p: draw.choices((1, -1, 0), (0.4, 0.4, 0.2))[0] for p in range(600)}
        said = {p: _biased(draw, label) for p, label in truth.items()}
        labels = {(p, 0, 1): truth[p] for p in range(200)}
        found = judged_rate(ballot, verdicts(ballot, said), labels, (0, 1))
        raw += sum(said.values()) / 600 / 2 + 0.5
        assert found.corrected is not None
        covered += found.corrected.low <= 0.5 <= found.corrected.high
        assert (found.labelled, found.judged) == (200, 400)
    assert raw / 200 > 0.58
    assert covered >= 190


def _biased(draw: random.Random, label: int) -> int:
    """Return the verdict of a judge that likes the first model."""
    chances = {1: (0.9, 0.05, 0.05), -1: (0.25, 0.7, 0.05), 0: (0.3, 0.2, 0.5)}[label]
    return draw.choices((1, -1, 0), chances)[0]


def test_near_even_without_labels_nothing_is_told(arena: Make) -> None:
    """60 of 100 verdicts for one side: no rate, raw or corrected; 95 of 100: a preference, and no rate."""
    ballot = arena({"a": [f"a{i}" for i in range(100)], "b": [f"b{i}" for i in range(100)]})
    near = judged_rate(ballot, verdicts(ballot, {p: 1 if p < 60 else -1 for p in range(100)}), {}, (0, 1))
    far = judged_rate(ballot, verdicts(ballot, {p: 1 if p < 95 else -1 for p in range(100)}), {}, (0, 1))
    assert (near.raw, near.corrected) == (None, None)
    assert far.corrected is None
    assert far.raw is not None
    assert "no person voted" in far.why_not


def test_a_judge_no_better_than_chance_is_not_corrected(arena: Make) -> None:
    """Labels that do not show it to be better than chance recover nothing."""
    ballot = arena({"a": [f"a{i}" for i in range(100)], "b": [f"b{i}" for i in range(100)]})
    draw = random.Random(3)  # noqa: S311 - a simulation
    said = {p: draw.choice((1, -1)) for p in range(100)}
    labels = {(p, 0, 1): draw.choice((1, -1)) for p in range(50)}
    assert judged_rate(ballot, verdicts(ballot, said), labels, (0, 1)).corrected is None


def test_labels_are_the_majority_s(poll: Poll) -> None:
    """Two against one, and one against one."""
    votes = poll(
        [(0, 0, 1, "left", "ann"), (0, 0, 1, "left", "bob"), (0, 1, 0, "left", "cyd"),
         (1, 0, 1, "left", "ann"), (1, 0, 1, "right", "bob")]
    )  # fmt: skip
    assert labels_of(votes) == {(0, 0, 1): 1, (1, 0, 1): 0}


def test_evidence_for_a_policy_turns_with_the_sides(poll: Poll, store: SQLiteStore) -> None:
    """A beside b and b beside a: rates that add up to one, each `arena/v1`, JSON that anyone can keep."""
    poll([(k, 0, 1, "left" if k % 4 else "right", "ann") for k in range(20)])
    report = read_report(poll.ballot, store)
    ours, theirs = evidence_of(report, 0, 1), evidence_of(report, 1, 0)
    for one in (ours, theirs):
        KINDS["arena/v1"].model_validate(one.body)
        store.add(one)
    assert ours.body["win_rate"]["value"] + theirs.body["win_rate"]["value"] == pytest.approx(1)
    assert ours.body["rating_difference"]["value"] == pytest.approx(-theirs.body["rating_difference"]["value"])
    assert ours.body["judged_win_rate"] is None
    assert (ours.body["votes"], ours.body["voters"], ours.body["identical"]) == (20, 1, 0)
    assert ours.made_on == ON
    assert store.verify()
