"""Prompts as a few numbers, without a model: their form and their words, hashed with a key into 64 places.

Form: language, length, lines, digits, signs of code, whether it ends with a question, the first word. Every feature
is hashed to places and signs (K. Weinberger and others, Feature hashing for large scale multitask learning, ICML 2009).
The numbers say which prompts are alike; without the key not even a guess at a prompt can be held against them.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from hashlib import blake2b
from operator import mul

from weighbridge.evaluation.detector.tongue import read_tongue

__all__ = ["PLACES", "nearest", "packed", "sketch_of", "unpacked"]

PLACES = 64
_READ = 1_500  # characters of a prompt
_MOST_WORDS = 60
_STEM = 6
_SCALE = 127.0
_FORM = 2.0  # weight of the form beside the words, chosen on public prompts of seven kinds (`bench/drift_texts.py`)
_SAMPLE, _FIRST, _MOST_GRADE = 300, 8, 4
_LINE, _QUESTION = "\n", ("?", "\uff1f", "\u061f")
_DIGITS, _SIGNS = re.compile(r"\d"), re.compile(r"[{}()\[\];=<>$\\_]")
_FIRST_DENSE = "\u0e01"
_DENSE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e01-\u0e4e"  # scripts without blanks, or with words of few signs
_WORDS = re.compile(rf"[{_DENSE}]{{2,40}}|[^\W\d_{_DENSE}]{{4,40}}")

Vector = list[float]


def sketch_of(prompt: str, key: bytes) -> Vector | None:
    """Return the sketch of a prompt, of length 1; None for one without a visible sign."""
    text = prompt[:_READ]
    if not text.strip():
        return None
    words = _hashed(_words(text), key)
    form = _hashed(_form(prompt, text), key)
    return _unit([_FORM * one + other for one, other in zip(form, words, strict=True)])


def _words(text: str) -> list[str]:
    """Return the beginnings of words of four letters and more, and pairs of signs where there are no blanks."""
    found: dict[str, None] = {}
    for word in _WORDS.findall(text.lower()):
        if word[0] >= _FIRST_DENSE:
            found.update(dict.fromkeys(word[at : at + 2] for at in range(len(word) - 1)))
        else:
            found[word[:_STEM]] = None
        if len(found) >= _MOST_WORDS:
            break
    return list(found)


def _form(prompt: str, text: str) -> list[str]:
    """Return what form a prompt has; names begin with a sign that no word has."""
    digits, signs = len(_DIGITS.findall(text)) / len(text), len(_SIGNS.findall(text)) / len(text)
    first = text.split(None, 1)[0].lower()
    return [
        f"#language {read_tongue(text[:_SAMPLE]).language}",
        f"#length {len(prompt).bit_length()}",
        f"#lines {min(_MOST_GRADE, text.count(_LINE).bit_length())}",
        f"#digits {min(_MOST_GRADE, round(digits * 40))}",
        f"#signs {min(_MOST_GRADE, round(signs * 30))}",
        f"#question {prompt.rstrip().endswith(_QUESTION)}",
        f"#first {first[:_FIRST]}",
    ]


def _hashed(features: list[str], key: bytes) -> Vector:
    """Return features as a vector of length 1: three places each, with signs."""
    sums = [0.0] * PLACES
    for feature in features:
        for byte in blake2b(feature.encode("utf-8", "replace"), digest_size=3, key=key).digest():
            sums[byte & 63] += 1.0 if byte & 64 else -1.0
    return _unit(sums) or sums


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
