"""Find many words in bytes at once: where a line may name a model, so that only such lines are read closely.

Four bytes at a time are hashed and looked up in a table; what the table lets through is compared with the words that
hold them, each word entered by the rarest four of its bytes. One pass costs the same for three hundred words as for
three; an alternation of a regular expression tries them one by one at every byte.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Words"]

_Word = tuple[int, bytes, bool]  # where its rarest four bytes lie, the word, whether it is part of a name
_STEP = 4
_BITS = 18  # 256 KiB: it stays in the cache of the processor, and lets one in five hundred other places through
_MULTIPLIER = np.uint32(2654435761)  # Knuth's for multiplicative hashing: 2**32 over the golden ratio
_SHIFT = np.uint32(32 - _BITS)
_COMMON = b"qzjxkvbwpygfmcudlhrsnioate"  # letters of English texts, the rarest first
# four bytes that one in a thousand places of Python's own library holds, though their letters are not common
_FREQUENT = frozenset(b"comp form code ncod mand open seek king pyth".split())
_LOWER = np.uint32(0x20202020)  # sets the bit that tells small letters from capitals, in four bytes


class Words:
    """Two kinds of words, of at least four bytes, in small letters; found whatever the case of the text.

    `names` are parts of names; `keys` announce one, and are by far the more frequent.
    """

    def __init__(self, names: Iterable[str], keys: Iterable[str]) -> None:
        self._table = np.zeros(1 << _BITS, dtype=np.bool_)
        self._words: dict[bytes, tuple[_Word, ...]] = {}
        for words, is_name in ((names, True), (keys, False)):
            for word in words:
                encoded = word.lower().encode()
                if len(encoded) >= _STEP:
                    at = _rarest(encoded)
                    four = encoded[at : at + _STEP]
                    self._words[four] = (*self._words.get(four, ()), (at, encoded, is_name))
                    self._table[_hash(np.frombuffer(four, "<u4"))] = True

    def places(self, texts: Sequence[bytes]) -> list[list[tuple[int, bool]]]:
        """Return of each text where words begin, in order, and whether the word is part of a name.

        Small texts are searched as one: a call of numpy costs as much as a kilobyte. No word holds a line's end.
        """
        starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
        found: list[list[tuple[int, bool]]] = [[] for _ in texts]
        for at, is_name in self._places(b"\n".join(texts)):
            number = bisect_right(starts, at) - 1
            found[number].append((at - starts[number], is_name))
        return found

    def _places(self, data: bytes) -> list[tuple[int, bool]]:
        marked = [
            self._table.take(_hash(np.frombuffer(data, "<u4", count, start))).nonzero()[0] * _STEP + start
            for start in range(_STEP)
            if (count := (len(data) - start) // _STEP) > 0
        ]
        found = set()
        for at in [place for places in marked for place in places.tolist()]:
            for offset, word, is_name in self._words.get(data[at : at + _STEP].lower(), ()):
                start = at - offset
                if start >= 0 and data[start : start + len(word)].lower() == word:
                    found.add((start, is_name))
        return sorted(found)


def _rarest(word: bytes) -> int:
    """Return where in a word the four bytes lie that texts hold least often, by how often their letters come."""
    weights = [_COMMON.find(bytes([byte])) for byte in word]  # -1 for what is no letter, the rarest of all
    sums = [sum(weights[at : at + _STEP]) for at in range(len(word) - _STEP + 1)]
    return min(range(len(sums)), key=lambda at: (word[at : at + _STEP] in _FREQUENT, sums[at], -at))


def _hash(four: NDArray[np.uint32]) -> NDArray[np.uint32]:
    hashed: NDArray[np.uint32] = ((four | _LOWER) * _MULTIPLIER) >> _SHIFT
    return hashed
