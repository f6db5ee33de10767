"""Taking opinions: where they are believed and agree, an unsure answer gets the judges' label; its score stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.core.digest import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.behaviour.second_opinion.asking import Opinion

__all__ = ["Taken", "take_opinions", "unsure_texts"]


@dataclass(frozen=True, slots=True)
class Taken:
    """The answers, in their order, with what was taken; `judge` names who decided some of them, None for nobody."""

    answers: tuple[Judged, ...]
    judge: str | None
    notes: tuple[str, ...]


def unsure_texts(answers: Sequence[Judged]) -> list[tuple[str, str]]:
    """Return (question, answer) of what a judge is asked about: the unsure band, and nothing else."""
    return list(dict.fromkeys(_text(one) for one in answers if _is_open(one)))


def take_opinions(answers: Sequence[Judged], opinions: Sequence[Opinion]) -> Taken:
    """Label the unsure answers on which all judges agree; one judge that is not believed leaves all as they were.

    The detector's score, flags and words stay: its calibration is not the judges'.
    """
    doubted = [one for one in opinions if one.why_not]
    if doubted or not opinions:
        return Taken(tuple(answers), None, tuple(f"the judge `{one.name}` is not believed: {one.why_not}"
                                                 for one in doubted))  # fmt: skip
    taken = tuple(_labelled(one, opinions) if _is_open(one) else one for one in answers)
    asked, decided = sum(map(_is_open, answers)), sum(one.by == "judge" for one in taken)
    who = "one judge decided" if len(opinions) == 1 else f"{len(opinions)} judges agreed on"
    note = f"{who} {decided:,} of {asked:,} answers that the detector was unsure of; its recall is not theirs"
    return Taken(taken, "; ".join(map(_named, opinions)), (note,))


def _is_open(one: Judged) -> bool:
    return one.judgement.unsure and one.by == "detector" and bool(one.answered.text.strip())


def _text(one: Judged) -> tuple[str, str]:
    return one.answered.question, one.answered.text


def _labelled(one: Judged, opinions: Sequence[Opinion]) -> Judged:
    said = {opinion.behaviours.get(_text(one), "") for opinion in opinions}
    if len(said) > 1 or "" in said:
        return one
    (behaviour,) = said
    span = one.judgement.span if behaviour == one.behaviour else ""
    decided = replace(one.judgement, behaviour=behaviour, unsure=False, span=span, why="judge")
    return replace(one, judgement=decided, by="judge")


def _named(opinion: Opinion) -> str:
    return f"{opinion.name} ({short(opinion.digest)}, {opinion.engine})"
