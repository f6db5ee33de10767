"""Drawing the next pair to show: where a vote shrinks the intervals most, mixed with uniform, on a recorded chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from weighbridge.evaluation.arena.votes import Draw
from weighbridge.statistics.bradley_terry import pair_chances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from weighbridge.evaluation.arena.ballot import Ballot
    from weighbridge.evaluation.arena.votes import Vote, VoteLog

    Pair: TypeAlias = tuple[int, int]

__all__ = ["count_votes", "find_ticket", "next_draw", "sides"]

UNIFORM = 0.25  # of the draws, so that no pair is starved by what the first votes said
AGAIN = 0.2  # of the prompts, where there are any: those that somebody else voted on, to know how far people agree
_TICKET = 32


def next_draw(ballot: Ballot, log: VoteLog, voter: str) -> Draw | None:
    """Return what a voter is shown next, None where nothing is left; the same log gives the same draw.

    A pair whose vote was taken back is shown again. Nobody sees the same two answers twice otherwise.
    """
    turn = log.turn(voter)
    if (again := log.taken_back(voter)) is not None:
        return _showing(ballot, voter, turn, again.prompt, again.pair, again.act.drawn_with)
    standing = log.standing()
    left = _left(ballot, standing, voter)
    if not left:
        return None
    generator = np.random.default_rng(int.from_bytes(ballot.mac("draw", voter, turn), "big"))
    pairs = list(left)
    active = pair_chances(count_votes(ballot, log.counted()))
    weight = np.array([active[pair] for pair in pairs])
    focus = weight / weight.sum() if weight.sum() > 0 else np.full(len(pairs), 1 / len(pairs))
    share = UNIFORM / len(pairs) + (1 - UNIFORM) * focus
    place = int(generator.choice(len(pairs), p=share / share.sum()))
    pair = pairs[place]
    prompts = left[pair]
    others = {vote.prompt for vote in standing if vote.pair == pair and vote.act.voter != voter}
    chances = _prompt_chances(prompts, others)
    prompt = int(generator.choice(len(prompts), p=chances))
    return _showing(ballot, voter, turn, prompts[prompt], pair, float(share[place] * chances[prompt]))


def find_ticket(ballot: Ballot, voter: str, turn: int, ticket: str) -> Draw | None:
    """Return the showing that a ticket of this voter names, after the server that drew it is gone; else None."""
    for pair in ballot.pairs():
        for prompt in range(len(ballot.body.prompts)):
            if _ticket(ballot, voter, turn, prompt, pair) == ticket:
                return _showing(ballot, voter, turn, prompt, pair, None)
    return None


def sides(ballot: Ballot, who: str, prompt: int, pair: Pair) -> Pair:
    """Return the pair as it is shown, left first: by a fair coin for each voter, prompt and pair."""
    turned = ballot.mac("side", who, prompt, *pair)[0] & 1
    return (pair[1], pair[0]) if turned else pair


def count_votes(ballot: Ballot, votes: list[Vote]) -> NDArray[np.int64]:
    """Return the votes as counts, int[K, K, 3]: [i, j] holds wins, losses and ties of i shown left of j."""
    cells = np.zeros((len(ballot.body.models),) * 2 + (3,), np.int64)
    for vote in votes:
        cells[vote.left, vote.right, {"left": 0, "right": 1}.get(vote.act.outcome, 2)] += 1
    return cells


def _left(ballot: Ballot, standing: list[Vote], voter: str) -> dict[Pair, list[int]]:
    """Return the prompts that a voter has not seen, by pair; pairs without any are left out."""
    seen = {(vote.prompt, vote.pair) for vote in standing if vote.act.voter == voter}
    places = range(len(ballot.body.prompts))
    found = {pair: [p for p in places if (p, pair) not in seen and ballot.votable(p, pair)] for pair in ballot.pairs()}
    return {pair: prompts for pair, prompts in found.items() if prompts}


def _prompt_chances(prompts: list[int], others: set[int]) -> NDArray[np.float64]:
    """Return the chance of each prompt: all alike, and those that others voted on a little more often."""
    known = np.array([prompt in others for prompt in prompts], np.float64)
    chances = np.full(len(prompts), 1 / len(prompts))
    return (1 - AGAIN) * chances + AGAIN * known / known.sum() if known.any() else chances


def _showing(ballot: Ballot, voter: str, turn: int, prompt: int, pair: Pair, chance: float | None) -> Draw:
    left, right = sides(ballot, voter, prompt, pair)
    return Draw(prompt, left, right, turn, _ticket(ballot, voter, turn, prompt, pair), chance)


def _ticket(ballot: Ballot, voter: str, turn: int, prompt: int, pair: Pair) -> str:
    """Return what names a showing and tells nothing of the models."""
    return ballot.mac("ticket", voter, turn, prompt, *pair).hex()[:_TICKET]
