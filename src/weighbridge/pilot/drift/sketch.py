"""Prompts as a few numbers, without a model: which words they hold, hashed with a key into 64 places.

Two hashes a word, each with a sign (K. Weinberger and others, Feature hashing for large scale multitask learning, ICML
2009). The numbers say which prompts are alike; without the key not even a guess at a prompt can be held against them.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from hashlib import blake2b
from operator import mul

__all__ = ["PLACES", "nearest", "packed", "sketch_of", "unpacked"]

PLACES = 64
_READ = 1_500  # characters of a prompt
_MOST_WORDS = 80
_STEM = 6
_SCALE = 127.0
_DENSE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e01-\u0e4e"  # scripts without blanks, or with words of few signs
_WORDS = re.compile(rf"[{_DENSE}]{{2,40}}|[^\W\d_{_DENSE}]{{4,40}}")

Vector = list[float]


def sketch_of(prompt: str, key: bytes) -> Vector | None:
    """Return the sketch of a prompt, of length 1; None where it holds no word of four letters, no two dense signs."""
    words: dict[str, None] = {}
    for word in _WORDS.findall(prompt[:_READ].lower()):
        if word[0] >= "\u0e01" and word[0].isalpha():  # pairs of signs
            words.update(dict.fromkeys(word[at : at + 2] for at in range(len(word) - 1)))
        else:
            words[word[:_STEM]] = None
        if len(words) >= _MOST_WORDS:
            break
    if not words:
        return None
    sums = [0.0] * PLACES
    for word in words:
        first, second = blake2b(word.encode("utf-8", "replace"), digest_size=2, key=key).digest()
        sums[first & 63] += 1.0 if first & 64 else -1.0
        sums[second & 63] += 1.0 if second & 64 else -1.0
    return _unit(sums)


def nearest(vector: Vector, centres: list[Vector]) -> tuple[int, float]:
    """Return the place of the nearest centre, and the distance 1 - cosine in [0, 2]; all have length 1."""
    likes = [sum(map(mul, centre, vector)) for centre in centres]
    like = max(likes)
    return likes.index(like), 1.0 - like


def packed(vector: Vector) -> str:
    """Write a vector as text, a byte a place."""
    return base64.b64encode(bytes(round(value * _SCALE) & 0xFF for value in vector)).decode()


def unpacked(text: str) -> Vector | None:
    """Return the vector, of length 1 again, that `packed` wrote; None for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return _unit([byte - 256.0 if byte > _SCALE else float(byte) for byte in data]) if len(data) == PLACES else None


def _unit(vector: Vector) -> Vector | None:
    """Return a vector of length 1 in the same direction; None for none."""
    length = math.sqrt(sum(map(mul, vector, vector)))
    return [value / length for value in vector] if length else None
