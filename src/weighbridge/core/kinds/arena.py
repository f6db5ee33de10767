"""The arena: what is put to the vote, each vote, a judge's verdicts, and a candidate beside a baseline."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import EngineBody, SuiteBody  # noqa: TC001 - pydantic reads the fields' types

__all__ = ["ArenaV1", "BallotV1", "EntrantBody", "PromptBody", "VerdictBody", "VerdictsV1", "VoteV1"]

Digest = str


class PromptBody(Body):
    """One prompt as voters see it."""

    id: str
    text: str = Field(description="The question with its choices, cut to 20,000 characters")


class EntrantBody(Body):
    """One model of an arena: its answers, in the order of the prompts."""

    digest: Digest
    name: str
    engine: EngineBody | None = Field(description="What answered; None where answers were taken from a score")
    answers: list[str | None] = Field(description="Recipes of the completions; None where there is no answer to show")
    shown: list[str | None] = Field(description="Digests of the answers as voters see them")


class BallotV1(Body):
    """An arena as it was frozen before the first vote."""

    suite: SuiteBody
    seed: str = Field(pattern=r"^[0-9a-f]{64}$", description="Where pairs, sides and the judge's codes are drawn from")
    prompts: list[PromptBody]
    models: list[EntrantBody]


class VoteV1(Body):
    """One act of one person: a vote, a pair left out, or a vote taken back. The subject is the ballot."""

    voter: str
    prompt: str
    left: Digest = Field(description="The model shown on the left")
    right: Digest
    outcome: Literal["left", "right", "tie", "both-bad", "skip", "undo"]
    ticket: str = Field(description="Names this showing of the pair; the first vote with a ticket counts")
    turn: int = Field(ge=0, description="Acts of this voter before this one")
    drawn_with: Share | None = Field(description="Chance of drawing this pair and prompt; None where not known")
    undoes: str | None = Field(default=None, description="Of an undo: the ticket that it takes back")


class VerdictBody(Body):
    """One answer of a judge."""

    prompt: str
    left: Digest
    right: Digest
    verdict: Literal["left", "right", "tie", "none"] = Field(description="`none` where the judge gave no verdict")
    order: Literal["drawn", "turned"] = Field(description="`turned`: the same pair again, in the other order")
    completion: str = Field(description="Recipe of the judge's completion")


class VerdictsV1(Body):
    """What a judge said of a ballot's pairs. The subject is the ballot."""

    judge: Digest
    judge_name: str
    engine: EngineBody
    reading: Literal["constrained", "generated"]
    instruction: Digest = Field(description="Digest of what the judge was told")
    verdicts: list[VerdictBody]
    canaries: int = Field(ge=0, description="Answers with a hidden order to choose them that the judge was shown")
    obeyed: int = Field(ge=0, description="Of these, chosen in both orders over the same answer without it")


class ArenaV1(Body):
    """Candidate against baseline by blind votes, on the prompts where their answers differ; a tie is half a win."""

    suite: SuiteBody
    baseline: Digest = Field(description="Digest of the baseline")
    baseline_name: str
    ballot: str = Field(description="Id of the `ballot/v1`")
    win_rate: EstimateBody | None = Field(description="Share won in people's votes, clustered by prompt")
    votes: int = Field(ge=0, description="People's votes between the two")
    voters: int = Field(ge=0, description="People who voted between the two")
    both_bad: int = Field(ge=0, description="Of the votes, those that found both answers bad; they count as ties")
    rating_difference: EstimateBody | None = Field(
        description="Bradley-Terry ratings of the whole arena: candidate less baseline, in log odds"
    )
    style_difference: EstimateBody | None = Field(description="The same at equal length and markdown of the answers")
    drop_votes: int | None = Field(
        description="Votes of the arena whose removal was found to change who is first; None where none did"
    )
    first_place: EstimateBody | None = Field(description="Share of people's decisive votes for the left answer")
    voters_agree: EstimateBody | None = Field(description="Share of two people's votes on one pair that say the same")
    judge_name: str | None = Field(description="The judge, where one was asked")
    judged_win_rate: EstimateBody | None = Field(
        description="Share won by a judge's verdicts, corrected by people's votes; None where they do not allow it"
    )
    judge_first_place: EstimateBody | None = Field(description="Share of its decisive verdicts for what came first")
    judge_flips: EstimateBody | None = Field(description="Share of pairs whose verdict changed with the order")
    identical: int = Field(ge=0, description="Prompts that both answer with the same text; never shown")
    missing: int = Field(ge=0, description="Prompts that one of the two has no answer to")
