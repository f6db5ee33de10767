"""Prompts as numbers: alike where prompts are, useless without the key, gone once the reference is made."""

# ruff: noqa: RUF001 - a prompt in Chinese

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.pilot.drift.conftest import DECISION, Traffic, route

from weighbridge.pilot.drift.centres import find_centres
from weighbridge.pilot.drift.placer import PromptPlacer
from weighbridge.pilot.drift.sketch import PLACES, nearest, packed, sketch_of, unpacked
from weighbridge.pilot.journal.protocol import Document

KEY = b"k" * 32
KINDS = (
    "How do I sort a list of {} by {} in Python?\n```python\nx = [{}]\n```",
    "Translate the following sentence about {} and {} into formal business English, and explain the {}",
    "请帮我写一封关于{}和{}的邮件，语气要正式，并说明{}的原因",
    "A train carries 12 {} and 30 {} at 45 km/h; after 3 h it has 7 {} left. How many were lost in 1 h?",
)
THINGS = (
    "invoice",
    "garden",
    "engine",
    "contract",
    "planet",
    "recipe",
    "market",
    "bridge",
    "window",
    "river",
    "teacher",
)


def prompt(kind: int, draw: random.Random) -> str:
    """Return a prompt of a kind."""
    return KINDS[kind].format(*draw.sample(THINGS, 3))


def alike(one: str, other: str, key: bytes = KEY) -> float:
    """Return the cosine of two prompts."""
    left, right = sketch_of(one, key), sketch_of(other, key)
    assert left is not None
    assert right is not None
    return 1 - nearest(left, [right])[1]


def test_prompts_of_one_kind_are_alike() -> None:
    """More than any of another kind, over 40 pairs of each."""
    draw = random.Random(1)  # noqa: S311 - a simulation
    same = [alike(prompt(kind, draw), prompt(kind, draw)) for kind in range(4) for _ in range(10)]
    other = [alike(prompt(kind, draw), prompt((kind + 1) % 4, draw)) for kind in range(4) for _ in range(10)]
    assert sum(same) / len(same) > 0.5 + sum(other) / len(other)


def test_another_key_says_nothing() -> None:
    """A guess at a prompt cannot be held against a sketch whose key is not known: it is as like as any other text."""
    text = "My name is Ada Lovelace and my account at the bank is 1234; why was the transfer refused yesterday?"
    likes = []
    for number in range(200):
        mine, guessed = sketch_of(text, KEY), sketch_of(text, str(number).encode())
        assert mine is not None
        assert guessed is not None
        likes.append(1 - nearest(mine, [guessed])[1])
    assert abs(sum(likes) / 200) < 4 * (1 / PLACES / 200) ** 0.5
    assert max(likes) < 0.6


@given(st.text(max_size=80))
def test_a_sketch_has_length_one_and_survives_its_packing(text: str) -> None:
    """Whatever the text; a blank one has none. A byte a place costs less than a hundredth of the cosine."""
    vector = sketch_of(text, KEY)
    assert (vector is None) == (not text.strip())
    if vector is not None:
        assert sum(value * value for value in vector) == pytest.approx(1.0)
        again = unpacked(packed(vector))
        assert again is not None
        assert nearest(vector, [again])[1] < 0.01


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "A" * 86 + "==", "AQ" * 50])
def test_what_is_no_sketch_is_none(text: str) -> None:
    """Too short, no base64, all zeros, too long."""
    assert unpacked(text) is None


def test_centres_find_the_kinds() -> None:
    """Of four kinds with four centres, every centre holds one kind; the same vectors give the same centres."""
    draw = random.Random(2)  # noqa: S311 - a simulation
    kinds = [number % 4 for number in range(200)]
    vectors = [vector for kind in kinds if (vector := sketch_of(prompt(kind, draw), KEY)) is not None]
    centres = find_centres(vectors, 4)
    assert centres == find_centres(vectors, 4)
    pairs = {(kind, nearest(vector, centres)[0]) for kind, vector in zip(kinds, vectors, strict=True)}
    assert len(pairs) == len({kind for kind, _ in pairs}) == len({centre for _, centre in pairs}) == 4
    (alone,) = find_centres([vectors[0]] * 9, 4)
    assert alone == pytest.approx(vectors[0])


class Node:
    """A node that places prompts by the document that the fold has made so far."""

    def __init__(self, traffic: Traffic, seed: int) -> None:
        self.traffic = traffic
        self.draw = random.Random(seed)  # noqa: S311 - a simulation
        self.route: Any = route()
        self.placer = PromptPlacer(lambda _: self.route, self.document, KEY)

    def document(self, name: str) -> Document | None:
        """Return the fold's document."""
        assert name == self.traffic.fold.name
        return Document(name, self.traffic.body, version=self.traffic.number)

    def ask(self, count: int, kinds: tuple[int, ...]) -> None:
        """Let prompts of some kinds be asked, 25 between two looks at the document."""
        for start in range(0, count, 25):
            asked = [prompt(self.draw.choice(kinds), self.draw) for _ in range(min(25, count - start))]
            places = [self.placer("qwen", DECISION, text) for text in asked]
            self.traffic.tell(
                [{"cluster": one.cluster, "distance": one.distance, "sketch": one.sketch} for one in places]
            )


def test_a_new_kind_of_prompt_is_told_and_no_word_of_it_kept(traffic: Traffic) -> None:
    """500 sketches make the centres and are dropped; then one prompt in five of a new kind alarms, as a warning."""
    node = Node(traffic, 3)
    node.ask(499, (0, 1, 3))
    assert len(dict(traffic.body)["sketches"]) == 499
    node.ask(1, (0, 1, 3))
    assert dict(traffic.body)["sketches"] == []
    assert 3 <= len(dict(traffic.body)["centres"]) <= 12
    node.ask(700, (0, 1, 3))
    assert traffic.told == []
    node.ask(300, (0, 1, 3, 2, 2))
    assert {one.severity for one in traffic.told} == {"warning"}
    assert {one.facts["stream"].partition("-")[0] for one in traffic.told} <= {"strange", "cluster"}
    written = json.dumps(traffic.body) + json.dumps([dict(one.facts) for one in traffic.told])
    assert not any(thing in written for thing in THINGS)


def test_prompts_under_another_decision_are_not_placed(traffic: Traffic) -> None:
    """A node whose routes have changed meanwhile, a route that is gone, a fold without a document."""
    node = Node(traffic, 4)
    assert node.placer("qwen", DECISION, "Where does the river go?").sketch
    assert node.placer("qwen", "e" * 64, "Where does the river go?") == node.placer("qwen", DECISION, " ")
    node.route = None
    assert node.placer("qwen", DECISION, "Where does the river go?").sketch == ""
    none = PromptPlacer(lambda _: route(), lambda _: None, KEY)
    assert none("qwen", DECISION, "Where does the river go?").sketch == ""
