"""Centres of the reference's prompts: k-means on the sphere (Dhillon and Modha, Machine Learning 42, 2001)."""

from __future__ import annotations

import math
import random
from operator import mul
from typing import TYPE_CHECKING

from weighbridge.pilot.drift.sketch import nearest

if TYPE_CHECKING:
    from weighbridge.pilot.drift.sketch import Vector

__all__ = ["find_centres"]

_ROUNDS = 10
_SEED = 20261122


def find_centres(vectors: list[Vector], count: int) -> list[Vector]:
    """Return at most `count` centres of length 1; the same for the same vectors in the same order.

    Begins with vectors that lie far from each other (k-means++, Arthur and Vassilvitskii, SODA 2007).
    """
    draw = random.Random(_SEED)  # noqa: S311 - no secret; all nodes draw alike
    centres = [vectors[draw.randrange(len(vectors))]]
    while len(centres) < count:
        gaps = [max(0.0, nearest(vector, centres)[1]) ** 2 for vector in vectors]
        if sum(gaps) <= 0:
            break
        centres.append(draw.choices(vectors, gaps)[0])
    for _ in range(_ROUNDS):
        groups: list[list[Vector]] = [[] for _ in centres]
        for vector in vectors:
            groups[nearest(vector, centres)[0]].append(vector)
        moved = [_middle(group) or centre for group, centre in zip(groups, centres, strict=True)]
        if moved == centres:
            break
        centres = moved
    return centres


def _middle(group: list[Vector]) -> Vector | None:
    """Return the direction of the sum of a group; None where it has none."""
    sums = [sum(values) for values in zip(*group, strict=True)]
    length = math.sqrt(sum(map(mul, sums, sums)))
    return [value / length for value in sums] if length else None
