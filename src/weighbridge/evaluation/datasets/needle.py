"""Long texts with facts hidden in them, made from a seed: the same on every machine, with nothing to download.

After "needle in a haystack" (Kamradt 2023) and the multi-key, multi-value tasks of RULER (Hsieh et al. 2024,
arXiv 2404.06654). The text around is ours and says nothing about codes, so that no model has seen it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from weighbridge.evaluation.item import Item

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CHARACTERS_PER_TOKEN", "Needles", "make_items"]

CHARACTERS_PER_TOKEN = 4.8  # of this plain English with today's vocabularies of 100,000 to 250,000 tokens, roughly
_MOST_CHARACTERS = 60_000_000  # of all items

_PLACES = ("harbour", "library", "market", "orchard", "station", "workshop", "garden", "archive", "bridge", "mill")
_PEOPLE = ("baker", "clerk", "gardener", "sailor", "teacher", "painter", "carpenter", "doctor", "weaver", "farmer")
_DEEDS = (
    "walked slowly to", "wrote a letter about", "talked for an hour about", "swept the floor of", "looked for",
    "made a drawing of", "remembered", "opened the door of", "asked a friend about", "counted the windows of",
)  # fmt: skip
_TIMES = (
    "In the morning", "After lunch", "Before the rain", "On market day", "Late in the evening", "In early spring",
    "When the bells rang", "After a long winter", "As so often", "On the way home",
)  # fmt: skip
_COLOURS = ("red", "blue", "green", "yellow", "white", "black", "silver", "golden", "purple", "orange")
_THINGS = ("box", "boat", "lantern", "suitcase", "cabinet", "bicycle", "drawer", "trunk", "locker", "chest")


class Needles(BaseModel):
    """`[needles]`: `items` texts of about `tokens` tokens, each with `needles` facts to find among `distractors` alike.

    Facts asked for lie at depths spread evenly over the text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tokens: Annotated[int, Field(ge=200, le=2_000_000)]
    needles: Annotated[int, Field(ge=1, le=20)] = 1
    distractors: Annotated[int, Field(ge=0, le=50)] = 4
    items: Annotated[int, Field(ge=1, le=1000)] = 20
    seed: Annotated[int, Field(ge=0, lt=1 << 31)] = 7


def make_items(shape: Needles) -> list[Item]:
    """Return the items; raises ValueError where all texts together would be larger than 60 million characters."""
    if shape.tokens * CHARACTERS_PER_TOKEN * shape.items > _MOST_CHARACTERS:
        raise ValueError("fewer items, or shorter texts: together they are longer than 60 million characters")
    return [_item(shape, index) for index in range(shape.items)]


def _item(shape: Needles, index: int) -> Item:
    """Write one text with its facts, and the question behind it."""
    draw = random.Random(shape.seed * 100_003 + index)  # noqa: S311 - a benchmark, no secret
    count = shape.needles + shape.distractors
    names = _distinct(draw, count)
    codes = _codes(draw, count)
    target = int(shape.tokens * CHARACTERS_PER_TOKEN)
    sentences: list[str] = []
    length = 0
    while length < target:
        sentences.append(_sentence(draw))
        length += len(sentences[-1]) + 1
    shifted = [index / max(1, shape.items - 1) + part / shape.needles for part in range(shape.needles)]
    depths = [depth - 1.0 if depth > 1.0 else depth for depth in shifted]
    depths += [draw.random() for _ in range(shape.distractors)]
    facts = [f"The code of the {name} is {code}." for name, code in zip(names, codes, strict=True)]
    for depth, fact in sorted(zip(depths, facts, strict=True), reverse=True):
        sentences.insert(round(depth * len(sentences)), fact)
    asked, needles = names[: shape.needles], codes[: shape.needles]
    wanted = f"the {asked[0]}" if len(asked) == 1 else ", ".join(f"the {name}" for name in asked)
    noun = "number" if len(asked) == 1 else "numbers"
    question = f"{_paragraphs(sentences)}\n\nWhat is the code of {wanted}? Answer with the {noun} only."
    group = f"depth {int(depths[0] * 4.999) * 20}%" if len(asked) == 1 else f"{len(asked)} needles"
    return Item(f"{shape.tokens}-{index:03}", question, (), ", ".join(needles), group, {"needles": needles})


def _pick(draw: random.Random, words: Sequence[str]) -> str:
    """Pick by `random()`, whose sequence Python promises to keep; `choice` it does not."""
    return words[int(draw.random() * len(words))]


def _sentence(draw: random.Random) -> str:
    return f"{_pick(draw, _TIMES)} the {_pick(draw, _PEOPLE)} {_pick(draw, _DEEDS)} the {_pick(draw, _PLACES)}."


def _distinct(draw: random.Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"{_pick(draw, _COLOURS)} {_pick(draw, _THINGS)}"] = None
    return list(found)


def _codes(draw: random.Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[str(1_000_000 + int(draw.random() * 9_000_000))] = None
    return list(found)


def _paragraphs(sentences: list[str]) -> str:
    return "\n\n".join(" ".join(sentences[start : start + 8]) for start in range(0, len(sentences), 8))
