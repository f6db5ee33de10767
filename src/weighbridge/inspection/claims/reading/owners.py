"""Whose figure a figure is: the model that a place in a sentence speaks of, or nobody where that is not sure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.inspection.claims.reading.grammar import grammar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.inspection.claims.reading.mentions import Mention

__all__ = ["groups_of", "owners_of"]

_OF = re.compile(r"[\s)]{0,3}(?:for|of|in|by|on|from)\s(?:the\s|its\s|both\s)?")
_MADE = re.compile(r"\b(?:train|build|develop)(?:ing|ed)?$", re.IGNORECASE)  # "$5.6 million training V3"
_JOIN = re.compile(r"\s*(?:/|&|,?\s*and|as well as|or)\s*(?:the\s)?")
_COMMA = re.compile(r"\s*,\s*(?:the\s)?")
_TURN = grammar("turn")
_OTHER_MODEL = grammar("other_model")
_BOUND = re.compile(
    r"\b(?:(?:more|less|fewer|larger|no (?:less|fewer|more)) than|over|under)\s(?:an?\s|some\s)?$", re.IGNORECASE
)
_TIGHT = grammar("tight")
_APPOSED = grammar("apposed")
_LEAD = grammar("lead")
_LEAD_GAP = grammar("lead_gap")
_FARTHEST = 260


def groups_of(sentence: str, mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Return the names of a sentence, those joined by "and" together: "V2 and V3 are both ..."."""
    groups: list[list[Mention]] = []
    listed: list[Mention] = []  # names with commas between them, which belong together once an "and" comes
    for mention in mentions:
        gap = sentence[listed[-1].end : mention.start] if listed else ""
        if listed and _JOIN.fullmatch(gap):
            groups.append([*listed, mention])
            listed = []
        elif listed and _COMMA.fullmatch(gap):
            listed.append(mention)
        else:
            groups += [[one] for one in listed]
            listed = [mention]
    return groups + [[one] for one in listed]


def owners_of(masked: str, groups: Sequence[Sequence[Mention]], start: int, number: int, end: int) -> list[str]:
    """Return the models that a figure is said of, none where that is not sure.

    The phrase runs from `start` to `end` of the sentence, in which names are blanked; its figure is at `number`.
    """
    after = next((group for group in groups if group[0].start >= end), None)
    if after and after[0].start - end < 40:  # noqa: PLR2004
        gap = masked[end : after[0].start]
        if _OF.fullmatch(gap) or (_MADE.search(masked[start:end]) and not gap.strip()):
            return _models(after)
    inside = [group for group in groups if start <= group[0].start < end]
    if inside:
        return _models(inside[0]) if len(inside) == 1 else []
    before = next((group for group in reversed(groups) if group[-1].end <= start), None)
    if before is not None:
        return _behind(masked[before[-1].end : start] + _lead_in(masked[start:number]), before)
    if after is None:
        return []
    gap = masked[end : after[0].start]
    is_led = _LEAD.match(masked) and _LEAD_GAP.fullmatch(gap)
    if len(gap) < 120 and (is_led or _APPOSED.fullmatch(gap)):  # noqa: PLR2004
        ahead = masked[max(0, start - 60) : start]
        return [] if _TURN.search(ahead) or _OTHER_MODEL.search(ahead) or after[0].is_object else _models(after)
    return []


def _lead_in(phrase: str) -> str:
    """Return the words of a phrase before its figure, in which a turn counts as well."""
    return phrase


def _behind(gap: str, group: Sequence[Mention]) -> list[str]:
    """Return the owners of a figure that follows a name."""
    gap = _BOUND.sub("", gap)
    if len(gap) > _FARTHEST or _TURN.search(gap) or _OTHER_MODEL.search(gap):
        return []
    if any(mention.is_object for mention in group) and not _TIGHT.fullmatch(gap):
        return []
    return _models(group)


def _models(group: Sequence[Mention]) -> list[str]:
    """Return the models of a group, none where one of them is a stranger."""
    models = [mention.model for mention in group if mention.model is not None]
    return list(dict.fromkeys(models)) if len(models) == len(group) else []
