"""How far two next-token distributions are apart, of which only the likeliest tokens are known."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Divergence", "compare_distributions", "next_token"]

_RELIABLE = 1e-5  # a remainder below this is rounding error of servers that compute in single precision
_BYTES = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Divergence:
    """Of one position: the lower bound of the divergence in nats, and what it sees of the first distribution.

    `seen` is the probability that the first gives to the tokens that both report, a share.
    """

    kl: float
    seen: float
    flipped: bool
    identical: bool


def compare_distributions(first: Sequence[tuple[str, float]], second: Sequence[tuple[str, float]]) -> Divergence:
    """Return how far `second` is from `first`: (token, natural log of its probability) pairs, the likeliest ones.

    Cells are the tokens that both report and one for all others; on cells the divergence is at most that on tokens
    (data processing inequality; Cover and Thomas, Elements of Information Theory, 2.8), and it is exact here, as the
    probability of each cell is known on both sides. A name that stands twice in a list may be either token, so it goes
    into the lump. Raises ValueError for an empty list.
    """
    if not first or not second:
        raise ValueError("a distribution without tokens")
    mine, theirs = _by_name(first), _by_name(second)
    cells = [(math.exp(mine[name]), math.exp(theirs[name])) for name in mine if name in theirs]
    seen = min(1.0, math.fsum(p for p, _ in cells))
    rest = (1 - math.fsum(p for p, _ in cells), 1 - math.fsum(q for _, q in cells))
    if cells and min(rest) < _RELIABLE:  # a coarser partition bounds as well, and without a quotient of rounding errors
        least = min(range(len(cells)), key=lambda index: min(cells[index]))
        cells[least] = (max(cells[least][0] + rest[0], 0.0), max(cells[least][1] + rest[1], 0.0))
    else:
        cells.append(rest)
    kl = math.fsum(p * math.log(p / q) for p, q in cells if p > 0 and q > 0)
    return Divergence(max(0.0, kl), seen, _likeliest(first) != _likeliest(second), mine == theirs and kl <= 0)


def next_token(reported: Sequence[tuple[str, float]], follows: str) -> tuple[str, float] | None:
    """Return the reported token that the text goes on with, the longest that fits, or None.

    Tokenizers take the longest piece at a word's beginning nearly always; both models are read at the same one.
    """
    text = follows.encode("utf-8", "replace")
    fits = [(name, logprob) for name, logprob in reported if name and text.startswith(_raw(name))]
    return max(fits, key=lambda pair: len(_raw(pair[0])), default=None)


def _by_name(reported: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return the log-probabilities of names that stand for one token."""
    times = Counter(name for name, _ in reported)
    return {name: min(logprob, 0.0) for name, logprob in reported if name and times[name] == 1}


def _likeliest(reported: Sequence[tuple[str, float]]) -> str:
    """Return the name of the likeliest token, the first in order of names among equals."""
    best = max(logprob for _, logprob in reported)
    return min(name for name, logprob in reported if logprob == best)


def _raw(name: str) -> bytes:
    """Return the bytes of a token's name; `bytes:` names those that are no whole characters."""
    if name.startswith("bytes:"):
        return bytes(int(digits, 16) for digits in _BYTES.findall(name))
    return name.encode("utf-8", "replace")
